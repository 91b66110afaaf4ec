/** A board on Web Serial: the page speaks the serial protocol itself (host/PROTOCOL.md). Chrome and Edge have it. */
import { BoardDevice } from "./board_device.js";
import { AudioStream } from "../link/audio_stream.js";
import { Link, RequestRefused } from "../link/link.js";
import { Config, ErrorCode, MESSAGES, MessageType, NamesKind, SourceKind } from "../link/messages.js";
import { decode } from "../link/payload.js";

export const DEFAULT_BAUD = 921600;
const PORT_BUFFER_BYTES = 65536;
const RETRY_MS = 1000;

export class SerialDevice extends BoardDevice {
  static unavailable() {
    if (!isSecureContext) return "Web Serial needs a page from https or from this machine (127.0.0.1): kws-host live, or python -m http.server.";
    return navigator.serial ? null : "This browser has no Web Serial: use Chrome or Edge on a computer, or kws-host live.";
  }

  /**
   * @param {{baud: number, source: "page"|"board"}} options
   * @param {import("./device.js").Handlers} handlers
   */
  constructor({ baud = DEFAULT_BAUD, source = "page" }, handlers) {
    super(handlers);
    this.baud = baud;
    this.source = source;
    this.port = null;
    this.connection = null; // what ends with the port: its reader, writer and link
    this.stream = null;
    this.info = null;
    this.isReady = false; // a HELLO means that the board was restarted
    this.work = Promise.resolve(); // requests, one after the other
  }

  /** Call it from a click: the browser asks its user which port. */
  async open() {
    try {
      this.port = await navigator.serial.requestPort();
    } catch (error) {
      throw new Error(error.name === "NotFoundError" ? "No port was chosen: plug the board in, and choose it." : error.message);
    }
    try {
      await this.connect();
      return this.info;
    } catch (error) {
      this.ended();
      await this.disconnect(error);
      throw error;
    }
  }

  take(pcm) {
    const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    this.stream?.push(bytes);
  }

  restart() {
    return this.next(() => this.reset_());
  }

  async close() {
    if (this.closed) return;
    this.ended();
    this.dropStep();
    if (this.source === "board" && this.isReady) {
      await this.next(() => this.setSource(SourceKind.HOST)).catch(() => {}); // so that it does not speak to nobody
    }
    await this.disconnect(new Error("The device was closed."));
  }

  /** Requests wait for each other, whoever makes them. */
  next(task) {
    const done = this.work.then(task);
    this.work = done.catch(() => {});
    return done;
  }

  // The port.

  async connect() {
    try {
      await this.port.open({ baudRate: this.baud, bufferSize: PORT_BUFFER_BYTES });
    } catch (error) {
      throw new Error(`The port does not open: is another program or page connected to it? Received: ${error.message}`);
    }
    const writer = this.port.writable.getWriter();
    const reader = this.port.readable.getReader();
    const write = (bytes) => writer.write(bytes).catch((error) => this.onBroken(connection, error));
    const connection = { reader, writer, link: null, done: null };
    connection.link = new Link(write, (frame) => this.onFrame(frame));
    this.connection = connection;
    connection.done = this.read(connection);
    await this.next(() => this.prepare());
  }

  async read(connection) {
    try {
      for (;;) {
        const { value, done } = await connection.reader.read();
        if (done) break;
        connection.link.receive(value);
      }
      this.onBroken(connection, new Error("it was closed"));
    } catch (error) {
      this.onBroken(connection, error);
    }
  }

  async disconnect(error) {
    const { connection } = this;
    this.connection = null;
    this.isReady = false;
    this.stream?.stop();
    this.stream = null;
    if (connection) {
      connection.link.break(error);
      await connection.reader.cancel().catch(() => {});
      await connection.done.catch(() => {});
      connection.reader.releaseLock();
      await connection.writer.abort().catch(() => {});
      connection.writer.releaseLock();
    }
    await this.port?.close().catch(() => {});
  }

  /** The port is gone: waits until it is there again. */
  async onBroken(connection, error) {
    if (connection !== this.connection) return;
    const reason = `The board is gone: ${error.message}. Plug it in again.`;
    const wasOpen = this.info !== null;
    connection.link.break(new Error(reason));
    if (!wasOpen || this.closed) return; // open() tells it, or nobody wants to know
    this.away(reason);
    await this.disconnect(new Error(reason));
    while (!this.closed) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (this.closed) return;
      try {
        await this.connect();
        return this.returned("The board is back: it begins anew.");
      } catch (again) {
        if (again.isFinal) return this.fail(again.message);
        await this.disconnect(again);
      }
    }
  }

  // The board.

  async prepare() {
    const { link } = this.connection;
    const board = await link.request({ type: MessageType.GET_INFO }, {}, MESSAGES.INFO);
    const labels = [];
    for (let total = 1; labels.length < total; ) {
      const part = await link.request(MESSAGES.GET_NAMES, { kind: NamesKind.LABELS, first: labels.length }, MESSAGES.NAMES);
      if (!part.names.length) break;
      labels.push(...part.names);
      ({ total } = part);
    }
    const facts = { device: board.board, labels, source: this.source, smoothingSteps: null, thresholdsQ15: null };
    const info = this.infoOf(board, facts);
    if (this.info && this.info.modelSha256 !== info.modelSha256) {
      throw Object.assign(new Error("The board came back with another model: connect again."), { isFinal: true });
    }
    await link.request(MESSAGES.CONFIGURE, { flags: Config.FEATURES }, MESSAGES.CONFIGURED);
    this.isReady = true;
    await this.reset_();
    this.info = info;
  }

  /** RESET, and the source that is wanted: somebody before us may have chosen another. */
  async reset_() {
    const { link } = this.connection ?? {};
    if (!link) throw new Error("The board is gone.");
    this.dropStep();
    this.stream?.stop();
    this.stream = null;
    await this.setSource(this.source === "board" ? SourceKind.MICROPHONE : SourceKind.HOST);
    this.dropStep();
    if (this.source === "board") return;
    const { limitBytes } = await link.request({ type: MessageType.RESET }, {}, MESSAGES.RESET_DONE);
    this.dropStep();
    const send = (offsetBytes, pcm) => link.send(MESSAGES.AUDIO, { offsetBytes, pcm });
    const onSilent = () => this.onBroken(this.connection, new Error("it stopped answering"));
    this.stream = new AudioStream(limitBytes, this.board.creditWindowBytes, send, onSilent);
  }

  async setSource(kind) {
    try {
      await this.connection.link.request(MESSAGES.SET_SOURCE, { kind }, MESSAGES.SOURCE);
    } catch (error) {
      if (kind === SourceKind.HOST && error instanceof RequestRefused) return; // older firmware
      const isMissing = [ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_TYPE].includes(error.code);
      throw isMissing ? new Error(`${this.board.board} has no microphone, or it does not start: let it hear the page.`) : error;
    }
  }

  onFrame({ type, payload }) {
    if (type === MessageType.HELLO) return this.onHello();
    if (type === MessageType.ERROR) return this.onError(decode(MESSAGES.ERROR, payload));
    if (type === MessageType.CREDIT) return this.onCredit(decode(MESSAGES.CREDIT, payload));
    if (!this.info) return;
    if (type === MessageType.STEP) this.onStep(decode(MESSAGES.STEP, payload));
    else if (type === MessageType.DETECTION) this.onDetection(decode(MESSAGES.DETECTION, payload));
    else if (type === MessageType.FAULT) this.handlers.onState?.("The board faulted, and restarts.");
  }

  onCredit(credit) {
    if (!this.stream) return;
    this.flush();
    const before = this.stream.consumedBytes;
    this.stream.onCredit(credit);
    this.settled((this.stream.consumedBytes - before) / 2);
  }

  onError(error) {
    if (!this.isReady || !this.info) return;
    if (error.code === ErrorCode.AUDIO_GAP) this.stream?.onGap(error.detail);
    else this.fail(`${new RequestRefused(error).message} Reset the board, and connect again.`);
  }

  async onHello() {
    if (!this.isReady || !this.info || this.closed) return;
    this.isReady = false;
    const { connection } = this;
    this.away("The board restarted.");
    this.stream?.stop();
    this.stream = null;
    connection.link.break_once?.();
    try {
      await this.next(() => this.prepare());
      this.returned("The board restarted: it begins anew.");
    } catch (error) {
      this.onBroken(connection, error);
    }
  }
}
