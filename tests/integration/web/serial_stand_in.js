/**
 * A stand-in of navigator.serial: one port, whose bytes go over a WebSocket to where the page's server listens for them
 * (tests/support/serial_bridge.py). Without a port there is an error as the browser has it.
 */
(() => {
  const failure = (name, message) => new DOMException(message, name);

  class StandInPort extends EventTarget {
    getInfo() {
      return { usbVendorId: 0x2341, usbProductId: 0x805a };
    }

    async open({ baudRate }) {
      if (!(baudRate > 0)) throw new TypeError("baudRate must be positive");
      if (this.readable) throw failure("InvalidStateError", "The port is already open.");
      const socket = new WebSocket(`ws://${location.host}/serial`);
      socket.binaryType = "arraybuffer";
      await new Promise((resolve, reject) => {
        socket.onmessage = resolve; // the first one says that there is a board
        socket.onclose = () => reject(failure("NetworkError", "Failed to open serial port."));
      });
      let isClosed = false;
      this.socket = socket;
      this.readable = new ReadableStream({
        start: (controller) => {
          socket.onmessage = ({ data }) => isClosed || controller.enqueue(new Uint8Array(data));
          socket.onclose = () => {
            if (!isClosed) controller.error(failure("NetworkError", "The device has been lost."));
            isClosed = true;
          };
        },
        cancel: () => {
          isClosed = true;
        },
      });
      this.writable = new WritableStream({
        write: (bytes) => {
          if (socket.readyState !== WebSocket.OPEN) throw failure("NetworkError", "The device has been lost.");
          socket.send(bytes);
        },
      });
    }

    async close() {
      if (this.readable?.locked || this.writable?.locked) throw new TypeError("Cannot close a port with a locked stream.");
      this.readable = this.writable = null;
      if (this.socket && this.socket.readyState !== WebSocket.CLOSED) {
        await new Promise((resolve) => {
          this.socket.addEventListener("close", resolve);
          this.socket.close();
        });
      }
      this.socket = null;
    }
  }

  const port = new StandInPort();
  let chosen = false;
  Object.defineProperty(navigator, "serial", {
    value: {
      requestPort: async () => {
        if (!navigator.userActivation.isActive) throw failure("SecurityError", "Must be handling a user gesture.");
        chosen = true;
        return port;
      },
      getPorts: async () => (chosen ? [port] : []),
      addEventListener: () => {},
    },
  });
})();
