/**
 * Live audio on its way to a device, as much of it at a time as the device has room for (host/PROTOCOL.md). The twin of
 * host/kws_host/audio_stream.py.
 */
import { ANSWER_TIMEOUT_MS } from "./messages.js";

const CHUNK_BYTES = 640; // 20 ms at 16 kHz
/** Answer timeouts in a row after which the device is given up. */
const SILENCES = 3;

export class AudioStream {
  /**
   * @param {number} limitBytes of RESET_DONE.
   * @param {number} windowBytes of the device's credit.
   * @param {function(number, Uint8Array): void} send sends AUDIO: its offset, and the PCM.
   * @param {function(): void} onSilent called when the device has stopped answering.
   */
  constructor(limitBytes, windowBytes, send, onSilent) {
    this.windowBytes = windowBytes;
    this.send = send;
    this.onSilent = onSilent;
    this.pcm = new Uint8Array(); // what the device may yet ask for again: from `start` on
    this.start = 0;
    this.sent = 0; // the next byte to send
    this.limit = limitBytes;
    this.rewoundTo = -1; // where the device's last gap began
    this.silences = 0;
    this.timer = null;
  }

  get end() {
    return this.start + this.pcm.length;
  }

  /** What the device has taken off its ring: its steps came before it said so. */
  get consumedBytes() {
    return Math.max(0, Math.min(this.limit - this.windowBytes, this.start));
  }

  /** Takes more audio and sends what the device has room for. */
  push(bytes) {
    const joined = new Uint8Array(this.pcm.length + bytes.length);
    joined.set(this.pcm);
    joined.set(bytes, this.pcm.length);
    this.pcm = joined;
    this.sendWithinCredit();
    if (this.timer === null) this.expect();
  }

  /** Takes a CREDIT. */
  onCredit({ receivedBytes, limitBytes }) {
    const received = Math.max(this.start, Math.min(receivedBytes, this.end));
    this.limit = Math.max(this.limit, limitBytes);
    this.sent = Math.max(this.sent, received);
    this.pcm = this.pcm.subarray(received - this.start);
    this.start = received;
    this.goOn();
  }

  /** Takes an AUDIO_GAP: the device lacks what begins at `offset`. */
  onGap(offset) {
    if (offset !== this.rewoundTo) {
      this.rewoundTo = offset; // every piece behind the lost one is refused: go back once
      this.sent = Math.min(Math.max(offset, this.start), this.end);
    }
    this.goOn();
  }

  /** Ends it. */
  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.onSilent = () => {};
  }

  goOn() {
    this.silences = 0;
    this.sendWithinCredit();
    this.expect();
  }

  /** From now on the device has some time to say something, as long as it has something to do. */
  expect() {
    clearTimeout(this.timer);
    this.timer = this.consumedBytes >= this.end ? null : setTimeout(() => this.onSilence(), ANSWER_TIMEOUT_MS);
  }

  sendWithinCredit() {
    for (;;) {
      const size = Math.min(CHUNK_BYTES, this.limit - this.sent, this.end - this.sent) & ~1;
      if (size <= 0) return;
      const at = this.sent - this.start;
      this.send(this.sent, this.pcm.subarray(at, at + size));
      this.sent += size;
    }
  }

  /** Something was lost, in one direction or the other: asks where the device is, to go on from there. */
  onSilence() {
    if (++this.silences === SILENCES) return this.onSilent();
    this.sent = this.start;
    this.rewoundTo = -1;
    this.send(this.start, new Uint8Array());
    this.expect();
  }
}
