/** CRC-32 as zlib has it: "123456789" gives 0xCBF43926. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * @param {Uint8Array} data
 * @param {number} [crc] of what came before.
 * @returns {number} 0 to 2^32 - 1.
 */
export function crc32(data, crc = 0) {
  let value = ~crc;
  for (const byte of data) value = (value >>> 8) ^ TABLE[(value ^ byte) & 0xff];
  return ~value >>> 0;
}
