/**
 * Frames of the serial link: header and CRC, stuffed. The twin of host/kws_host/frame.py; host/PROTOCOL.md is the
 * specification, tests/vectors/link.txt tests all sides alike.
 */
import * as cobs from "./cobs.js";
import { crc32 } from "./crc32.js";
import { FRAME_CRC_BYTES, FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, PROTOCOL_VERSION } from "./messages.js";

const MAX_FRAME_BYTES = FRAME_HEADER_BYTES + MAX_PAYLOAD_BYTES + FRAME_CRC_BYTES;
/** Bytes without a delimiter that are kept; then they are given up as no frame. */
const MAX_UNFRAMED_BYTES = 4096;

/**
 * @typedef {Object} Frame
 * @property {number} version of the protocol.
 * @property {number} type 0 to 255.
 * @property {number} seq 0 to 65535.
 * @property {Uint8Array} payload
 */

/**
 * Bytes between two delimiters that are no frame: boot text, or a damaged frame.
 *
 * @typedef {Object} Unframed
 * @property {string} reason bad_cobs, too_long, too_short or bad_crc.
 * @property {Uint8Array} data
 */

/**
 * @param {number} type
 * @param {number} seq
 * @param {Uint8Array} payload at most MAX_PAYLOAD_BYTES.
 * @param {number} [version]
 * @returns {Uint8Array} the wire form, a 0x00 on both sides.
 * @throws {Error} the payload is too long.
 */
export function encodeFrame(type, seq, payload, version = PROTOCOL_VERSION) {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new Error(`A payload has at most ${MAX_PAYLOAD_BYTES} bytes. Received: ${payload.length}.`);
  }
  const body = new Uint8Array(FRAME_HEADER_BYTES + payload.length + FRAME_CRC_BYTES);
  const view = new DataView(body.buffer);
  const crcAt = body.length - FRAME_CRC_BYTES;
  body.set([version, type]);
  view.setUint16(2, seq, true);
  body.set(payload, FRAME_HEADER_BYTES);
  view.setUint32(crcAt, crc32(body.subarray(0, crcAt)), true);
  const stuffed = cobs.encode(body);
  const wire = new Uint8Array(stuffed.length + 2);
  wire.set(stuffed, 1);
  return wire;
}

/**
 * Reads what stood between two delimiters.
 *
 * @param {Uint8Array} encoded
 * @returns {Frame|Unframed}
 */
export function decodeFrame(encoded) {
  const drop = (reason) => ({ reason, data: encoded });
  // The length is judged before the stuffing's end, as a device must that stores bytes as they come.
  if (cobs.decodedLength(encoded) > MAX_FRAME_BYTES) return drop("too_long");
  const data = cobs.decode(encoded);
  if (data === null) return drop("bad_cobs");
  if (data.length < FRAME_HEADER_BYTES + FRAME_CRC_BYTES) return drop("too_short");
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const crcAt = data.length - FRAME_CRC_BYTES;
  if (view.getUint32(crcAt, true) !== crc32(data.subarray(0, crcAt))) return drop("bad_crc");
  return { version: data[0], type: data[1], seq: view.getUint16(2, true), payload: data.slice(FRAME_HEADER_BYTES, crcAt) };
}

/** Splits a byte stream, in chunks of any size, into frames and other bytes. */
export class FrameDecoder {
  constructor() {
    this.pending = new Uint8Array();
  }

  /**
   * @param {Uint8Array} data any bytes.
   * @returns {(Frame|Unframed)[]} what they completed, in order.
   */
  feed(data) {
    const items = [];
    let rest = new Uint8Array(this.pending.length + data.length);
    rest.set(this.pending);
    rest.set(data, this.pending.length);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      if (end > 0) items.push(decodeFrame(rest.slice(0, end)));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_UNFRAMED_BYTES) {
      items.push({ reason: "too_long", data: rest.slice() });
      rest = new Uint8Array();
    }
    this.pending = rest.slice();
    return items;
  }
}
