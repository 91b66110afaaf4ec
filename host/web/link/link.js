/**
 * The page's end of the serial link: frames over anything that carries bytes, and requests with retries. The twin of
 * host/kws_host/link.py.
 */
import { encodeFrame, FrameDecoder } from "./frame.js";
import { ANSWER_TIMEOUT_MS, ErrorCode, MESSAGES, MessageType, PROTOCOL_VERSION, REQUEST_ATTEMPTS, Status } from "./messages.js";
import { decode, encode } from "./payload.js";

const nameOf = (values, value, otherwise) => Object.keys(values).find((name) => values[name] === value) ?? otherwise;

/** A request that the device answered with ERROR. */
export class RequestRefused extends Error {
  /** @param {{code: number, requestType: number, detail: number}} error fields of the message. */
  constructor(error) {
    const kind = nameOf(MessageType, error.requestType, `type ${error.requestType}`);
    const isEngine = error.code === ErrorCode.ENGINE;
    const detail = isEngine ? `the engine says: ${nameOf(Status, error.detail, error.detail)}` : error.detail;
    super(`The board refuses ${kind}. Received: ${nameOf(ErrorCode, error.code, error.code)} (${detail}).`);
    this.code = error.code;
    this.detail = error.detail;
  }
}

export class Link {
  /**
   * @param {function(Uint8Array): void} write sends bytes; never waits.
   * @param {function(import("./frame.js").Frame): void} onFrame called with every frame that answers no request.
   */
  constructor(write, onFrame) {
    this.write = write;
    this.onFrame = onFrame;
    this.decoder = new FrameDecoder();
    this.seq = 0;
    this.asked = null; // the request that waits for its answer
    this.broken = null; // why the link is of no use any more
    write(Uint8Array.of(0)); // ends whatever somebody sent before us
  }

  /** Takes bytes of the device. */
  receive(bytes) {
    for (const item of this.decoder.feed(bytes)) {
      if (item.reason === undefined) this.onItem(item);
    }
  }

  onItem(frame) {
    const { asked } = this;
    const isAnswer = asked && frame.seq === asked.seq && (frame.type === asked.answer || frame.type === MessageType.ERROR);
    if (!isAnswer) return this.onFrame(frame);
    if (frame.version !== PROTOCOL_VERSION) {
      const detail = `The board speaks protocol version ${frame.version}, this page ${PROTOCOL_VERSION}. Flash this kit's firmware.`;
      return asked.reject(new Error(detail));
    }
    asked.onAnswer();
    if (frame.type === MessageType.ERROR) return asked.reject(new RequestRefused(decode(MESSAGES.ERROR, frame.payload)));
    asked.resolve(frame.payload);
  }

  /** Sends one frame and returns its seq. */
  send(message, values = {}, seq = (this.seq + 1) % 65536) {
    this.seq = seq;
    this.write(encodeFrame(message.type, seq, message.fields ? encode(message, values) : new Uint8Array()));
    return seq;
  }

  /**
   * Sends a request, repeats it while it stays unanswered, and returns the answer's fields. One at a time.
   *
   * @param {Object} message of MESSAGES, or {type} of one without a payload.
   * @param {Object} values of its fields.
   * @param {Object} answer of MESSAGES.
   * @param {function(): void} [onAnswer] called when it comes, before any frame that comes behind it.
   * @throws {Error} no answer in all attempts, the link broke, or the device refuses (RequestRefused).
   */
  async request(message, values, answer, onAnswer = () => {}) {
    const seq = this.send(message, values);
    const payload = await new Promise((resolve, reject) => {
      if (this.broken) return reject(this.broken);
      let attempts = 1;
      const timer = setInterval(() => {
        if (attempts++ < REQUEST_ATTEMPTS) return this.send(message, values, seq);
        const seconds = (REQUEST_ATTEMPTS * ANSWER_TIMEOUT_MS) / 1000;
        this.asked.reject(
          new Error(`No answer from the board in ${seconds} s. Is it the right port and baud rate, and does the kit's firmware run?`),
        );
      }, ANSWER_TIMEOUT_MS);
      const end = (settle) => (value) => {
        clearInterval(timer);
        this.asked = null;
        settle(value);
      };
      this.asked = { seq, answer: answer.type, onAnswer, resolve: end(resolve), reject: end(reject) };
    });
    return decode(answer, payload);
  }

  /** Ends the link: who waits for an answer is told why. */
  break(error) {
    this.broken ??= error;
    this.asked?.reject(error);
  }
}
