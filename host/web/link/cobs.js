/**
 * Consistent overhead byte stuffing: any bytes become bytes without 0x00, which then delimits frames. The twin of
 * host/kws_host/cobs.py and firmware/include/kws/cobs.h; host/PROTOCOL.md shows the layout of a block.
 */

const FULL_BLOCK = 255;

/**
 * @param {Uint8Array} data
 * @returns {Uint8Array} without any 0x00, at most length / 254 + 1 bytes longer.
 */
export function encode(data) {
  const out = new Uint8Array(data.length + Math.floor(data.length / 254) + 1);
  let codeAt = 0;
  let end = 1;
  for (let i = 0; i < data.length; ++i) {
    if (end - codeAt === FULL_BLOCK) {
      out[codeAt] = FULL_BLOCK; // full, and stands for no zero: what follows has a block of its own
      codeAt = end++;
    }
    if (data[i] !== 0) {
      out[end++] = data[i];
    } else {
      out[codeAt] = end - codeAt;
      codeAt = end++;
    }
  }
  out[codeAt] = end - codeAt;
  return out.subarray(0, end);
}

/**
 * Inverse of encode().
 *
 * @param {Uint8Array} data holds no delimiter.
 * @returns {?Uint8Array} null: the bytes end in the middle of a block, or hold a 0x00.
 */
export function decode(data) {
  const out = new Uint8Array(data.length);
  let end = 0;
  for (let at = 0; at < data.length; ) {
    const code = data[at];
    if (code === 0 || at + code > data.length) return null;
    for (let i = at + 1; i < at + code; ++i) {
      if (data[i] === 0) return null;
      out[end++] = data[i];
    }
    at += code;
    if (code !== FULL_BLOCK && at < data.length) out[end++] = 0;
  }
  return out.subarray(0, end);
}

/** Bytes that a device, which stores them as they come, holds when `data` ends, complete or not. */
export function decodedLength(data) {
  let length = 0;
  for (let at = 0; at < data.length; ) {
    const code = data[at];
    length += Math.min(code - 1, data.length - at - 1);
    at += code;
    if (code !== FULL_BLOCK && at < data.length) ++length;
  }
  return length;
}
