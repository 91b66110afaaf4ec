/** A board on Web Serial: the page speaks the serial protocol itself (host/PROTOCOL.md). Chrome and Edge have it. */
import { BoardDevice } from "./board_device.js";
import { AudioStream } from "../link/audio_stream.js";
import { Link, RequestRefused } from "../link/link.js";
import { Config, ErrorCode, LEVELS_PER_LABEL, MESSAGES, MessageType, NamesKind, SourceKind } from "../link/messages.js";
import { decode } from "../link/payload.js";

export const DEFAULT_BAUD = 921600;
const PORT_BUFFER_BYTES = 65536;
const RETRY_MS = 1000;
const BAUD_OF_AUDIO = 400000; // that AUDIO_HEARD needs

/** The port that the user chooses; without a click, the only one that was chosen before. */
async function choosePort() {
  const known = await navigator.serial.getPorts();
  if (known.length === 1 && !navigator.userActivation?.isActive) return known[0];
  try {
    return await navigator.serial.requestPort();
  } catch (error) {
    if (error.name === "NotFoundError") throw new Error("No port was chosen: plug the board in, and choose it.");
    if (error.name === "SecurityError") throw new Error("Press Listen: the browser asks for the board's port after a click alone.");
    throw error;
  }
}

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
    this.closing = null; // the promise of close()
    this.info = null;
    this.isReady = false; // a HELLO means that the board was restarted
    this.hasRestarted = false;
    this.isDeaf = true; // what comes is not of the audio since restart()
    this.work = Promise.resolve(); // requests, one after the other
  }

  /** Call it from a click: the browser asks its user which port. */
  async open() {
    try {
      this.port = await choosePort();
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
    return this.next(() => this.forgetAudio());
  }

  close() {
    this.closing ??= this.shut();
    return this.closing;
  }

  async shut() {
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

  /** A board that was plugged in again may be another port to the browser. */
  async samePort() {
    const ids = JSON.stringify(this.port.getInfo());
    const ports = await navigator.serial.getPorts();
    return ports.find((port) => JSON.stringify(port.getInfo()) === ids);
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
        this.port = (await this.samePort()) ?? this.port;
        await this.connect();
        return this.returned("The board is back: it begins anew.");
      } catch (again) {
        await this.disconnect(again);
        if (again.isFinal) this.fail(again.message);
      }
    }
  }

  // The board.

  async prepare() {
    const { link } = this.connection;
    const board = await link.request({ type: MessageType.GET_INFO }, {}, MESSAGES.INFO);
    const labels = await this.labels(link);
    const detector = await this.detector(link, labels.length);
    const info = this.infoOf(board, { device: board.board, labels, source: this.source, ...detector });
    if (this.info && this.info.modelSha256 !== info.modelSha256) {
      throw Object.assign(new Error("The board came back with another model: connect again."), { isFinal: true });
    }
    do {
      this.hasRestarted = false;
      await this.configure(link);
      this.isReady = true;
      await this.forgetAudio();
    } while (this.hasRestarted);
    this.info = info;
  }

  async labels(link) {
    const labels = [];
    for (let total = 1; labels.length < total; ) {
      const part = await link.request(MESSAGES.GET_NAMES, { kind: NamesKind.LABELS, first: labels.length }, MESSAGES.NAMES);
      if (!part.names.length) break;
      labels.push(...part.names);
      total = part.total;
    }
    return labels;
  }

  /** Thresholds and smoothing that hold; null where the firmware is too old to tell. */
  async detector(link, labelCount) {
    const thresholdsQ15 = [];
    let smoothingSteps = null;
    try {
      while (thresholdsQ15.length < labelCount) {
        const part = await link.request(MESSAGES.GET_DETECTOR, { firstLabel: thresholdsQ15.length }, MESSAGES.DETECTOR);
        if (!part.levels.length) break;
        smoothingSteps = part.smoothingSteps;
        for (let at = 0; at < part.levels.length; at += LEVELS_PER_LABEL) thresholdsQ15.push(part.levels[at]);
      }
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
    }
    return { smoothingSteps, thresholdsQ15: thresholdsQ15.length === labelCount ? thresholdsQ15 : null };
  }

  async configure(link) {
    const isHeard = this.source === "board" && this.baud >= BAUD_OF_AUDIO;
    const wanted = isHeard ? [Config.FEATURES | Config.AUDIO, Config.FEATURES] : [Config.FEATURES];
    for (const flags of wanted) {
      try {
        return await link.request(MESSAGES.CONFIGURE, { flags }, MESSAGES.CONFIGURED);
      } catch (error) {
        if (!(error instanceof RequestRefused) || flags === Config.FEATURES) throw error;
      }
    }
  }

  /** RESET, of the source that is wanted: somebody before us may have chosen another. */
  async forgetAudio() {
    const link = this.connection?.link;
    if (!link) throw new Error("The board is gone.");
    this.isDeaf = true; // what comes before the answer is of before
    this.stream?.stop();
    this.stream = null;
    const listen = () => {
      this.dropStep();
      this.isDeaf = false;
      this.handlers.onBegin?.();
    };
    if (this.source === "board") return this.setSource(SourceKind.MICROPHONE, listen);
    await this.setSource(SourceKind.HOST);
    const { limitBytes } = await link.request({ type: MessageType.RESET }, {}, MESSAGES.RESET_DONE, listen);
    const { connection } = this;
    const send = (offsetBytes, pcm) => link.send(MESSAGES.AUDIO, { offsetBytes, pcm });
    const onSilent = () => this.onBroken(connection, new Error("it stopped answering"));
    this.stream = new AudioStream(limitBytes, this.board.creditWindowBytes, send, onSilent);
  }

  async setSource(kind, onAnswer) {
    try {
      await this.connection.link.request(MESSAGES.SET_SOURCE, { kind }, MESSAGES.SOURCE, onAnswer);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      if (kind === SourceKind.HOST) return; // older firmware
      throw new Error(`${this.board.board} has no microphone, or it does not start: let the board hear this page.`);
    }
  }

  onFrame({ type, payload }) {
    if (type === MessageType.HELLO) return this.onHello();
    if (this.isDeaf) return;
    if (type === MessageType.ERROR) this.onError(decode(MESSAGES.ERROR, payload));
    else if (type === MessageType.CREDIT) this.onCredit(decode(MESSAGES.CREDIT, payload));
    else if (type === MessageType.STEP) this.onStep(decode(MESSAGES.STEP, payload));
    else if (type === MessageType.DETECTION) this.onDetection(decode(MESSAGES.DETECTION, payload));
    else if (type === MessageType.AUDIO_HEARD) this.onHeard(decode(MESSAGES.AUDIO_HEARD, payload));
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
    if (error.code === ErrorCode.AUDIO_GAP) this.stream?.onGap(error.detail);
    else this.fail(`${new RequestRefused(error).message} Reset the board, and connect again.`);
  }

  /** The firmware started: at its first start before our requests, or again. */
  async onHello() {
    this.hasRestarted = true;
    if (!this.isReady || !this.info || this.closed) return;
    const { connection } = this;
    this.isReady = false;
    this.isDeaf = true;
    this.stream?.stop();
    this.stream = null;
    this.away("The board restarted.");
    try {
      await this.next(() => this.prepare());
      this.returned("The board restarted: it begins anew.");
    } catch (error) {
      this.onBroken(connection, error);
    }
  }
}
