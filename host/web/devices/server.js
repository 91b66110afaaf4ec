/** A board behind `kws-host live`, over a WebSocket: host/LIVE.md is the specification. */
import { BoardDevice } from "./board_device.js";
import { MESSAGES, MessageType } from "../link/messages.js";
import { decode, encode } from "../link/payload.js";

const HEADER_BYTES = 3; // type u8, turn u16
const MAX_PIECE_BYTES = 8192;
const NO_SERVER = "kws-host live does not answer here: start it (make live), and open the page that it names.";
const SERVER_ENDED = "kws-host live has ended the connection: is it still running? Start it again (make live), and load the page again.";

export class ServerDevice extends BoardDevice {
  static unavailable() {
    return location.protocol === "http:" ? null : NO_SERVER;
  }

  /** @param {import("./device.js").Handlers} handlers */
  constructor(handlers) {
    super(handlers);
    this.socket = null;
    this.opening = null; // who waits for open()
    this.info = null;
    this.turn = 0; // of the last RESET: what bears another one is of before
    this.sentBytes = 0;
    this.consumedBytes = 0;
    this.resets = []; // who waits for RESET_DONE
    this.heard = null; // INFO of a board whose readiness is yet to be told
    this.refusal = null;
  }

  open() {
    return new Promise((resolve, reject) => {
      this.opening = { resolve, reject };
      const address = new URL("live", location.href);
      address.protocol = address.protocol.replace("http", "ws");
      address.search = "";
      this.socket = new WebSocket(address);
      this.socket.binaryType = "arraybuffer";
      this.socket.onmessage = ({ data }) => this.onData(data);
      this.socket.onclose = () => this.onClose();
    });
  }

  take(pcm) {
    const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
      const piece = bytes.subarray(at, at + MAX_PIECE_BYTES);
      this.send(MessageType.AUDIO, encode(MESSAGES.AUDIO, { offsetBytes: this.sentBytes, pcm: piece }));
      this.sentBytes += piece.length;
    }
  }

  restart() {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error("The device was closed."));
      this.resets.push({ resolve, reject });
      this.sendReset();
    });
  }

  async close() {
    this.ended();
    this.dropStep();
    this.rejectAll(new Error("The device was closed."));
    this.socket?.close();
  }

  send(type, payload) {
    const message = new Uint8Array(HEADER_BYTES + payload.length);
    message[0] = type;
    new DataView(message.buffer).setUint16(1, this.turn, true);
    message.set(payload, HEADER_BYTES);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  sendReset() {
    this.dropStep();
    this.turn = (this.turn % 65535) + 1;
    this.sentBytes = 0;
    this.consumedBytes = 0;
    this.send(MessageType.RESET, new Uint8Array());
  }

  onData(data) {
    try {
      if (typeof data === "string") this.onTextMessage(JSON.parse(data));
      else this.onBinary(new Uint8Array(data));
    } catch (error) {
      this.end(`A message of kws-host live cannot be read: ${error.message} Load the page again.`);
    }
  }

  onTextMessage(message) {
    if (message.kind === "refused") this.refusal = message.message;
    else if (message.kind === "note") this.handlers.onState?.(message.message);
    else if (message.kind === "board" && message.ready) this.onReady(message).catch(({ message: why }) => this.end(why));
    else if (message.kind === "board") this.away(message.message);
  }

  onBinary(bytes) {
    const view = new DataView(bytes.buffer);
    const payload = bytes.subarray(HEADER_BYTES);
    const type = bytes[0];
    if (type === MessageType.INFO) {
      this.heard = decode(MESSAGES.INFO, payload);
      return;
    }
    if (view.getUint16(1, true) !== this.turn) return;
    if (type === MessageType.AUDIO_HEARD) this.onHeard(decode(MESSAGES.AUDIO_HEARD, payload));
    else if (type === MessageType.STEP) this.onStep(decode(MESSAGES.STEP, payload));
    else if (type === MessageType.DETECTION) this.onDetection(decode(MESSAGES.DETECTION, payload));
    else if (type === MessageType.CREDIT) this.onCredit(decode(MESSAGES.CREDIT, payload));
    else if (type === MessageType.RESET_DONE) this.onResetDone();
  }

  onCredit({ receivedBytes }) {
    this.flush();
    const samples = (receivedBytes - this.consumedBytes) / 2;
    this.consumedBytes = receivedBytes;
    this.settled(samples);
  }

  onResetDone() {
    const { resets } = this;
    this.resets = [];
    this.handlers.onBegin?.();
    for (const { resolve } of resets) resolve();
  }

  /** The board listens: for the first time, or again. */
  async onReady({ device, labels, source, smoothing_steps: smoothingSteps, thresholds_q15: thresholdsQ15 }) {
    const info = this.infoOf(this.heard, { device, labels, source, smoothingSteps, thresholdsQ15 });
    const before = this.info;
    if (before && (before.modelSha256 !== info.modelSha256 || before.source !== info.source)) {
      return this.end("The board came back with another model: load the page again.");
    }
    this.info = info;
    try {
      await this.restart();
    } catch {
      return; // closed, or gone again
    }
    if (before) return this.returned("The board is ready again: it begins anew.");
    this.capacitySamples = this.roomSamples;
    this.handlers.onState?.("");
    this.opening?.resolve(info);
    this.opening = null;
  }

  onClose() {
    this.end(this.refusal ?? (this.info ? SERVER_ENDED : NO_SERVER));
  }

  /** It is over, in words: told to who waits for open(), else as an error. */
  end(message) {
    if (this.closed) return;
    this.dropStep();
    if (this.opening) this.ended();
    else this.fail(message);
    this.rejectAll(new Error(message));
    this.socket.close();
  }

  rejectAll(error) {
    const waiting = [...this.resets, ...(this.opening ? [this.opening] : [])];
    this.resets = [];
    this.opening = null;
    for (const { reject } of waiting) reject(error);
  }
}
