/**
 * How a payload's fields are packed: little-endian, one after the other, without padding. `messages.js` says which
 * fields a message has; the twin of training/kws_reference/protocol/wire.py.
 */

const NUMBERS = {
  u8: { size: 1, get: (view, at) => view.getUint8(at), set: (view, at, value) => view.setUint8(at, value) },
  u16: { size: 2, get: (view, at) => view.getUint16(at, true), set: (view, at, value) => view.setUint16(at, value, true) },
  u32: { size: 4, get: (view, at) => view.getUint32(at, true), set: (view, at, value) => view.setUint32(at, value, true) },
  i8: { size: 1, get: (view, at) => view.getInt8(at), set: (view, at, value) => view.setInt8(at, value) },
  i16: { size: 2, get: (view, at) => view.getInt16(at, true), set: (view, at, value) => view.setInt16(at, value, true) },
  u64: { size: 8, get: (view, at) => view.getBigUint64(at, true), set: (view, at, value) => view.setBigUint64(at, value, true) },
};

class Reader {
  constructor(payload) {
    this.payload = payload;
    this.view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    this.at = 0;
  }

  get left() {
    return this.payload.length - this.at;
  }

  take(size) {
    if (size > this.left) throw new Error(`A payload of ${this.payload.length} bytes is too short.`);
    this.at += size;
    return this.payload.slice(this.at - size, this.at);
  }

  number(name) {
    const kind = NUMBERS[name];
    if (kind.size > this.left) throw new Error(`A payload of ${this.payload.length} bytes is too short.`);
    this.at += kind.size;
    return kind.get(this.view, this.at - kind.size);
  }

  text() {
    return new TextDecoder().decode(this.take(this.number("u8")));
  }

  item(name) {
    return name === "str" ? this.text() : this.number(name);
  }

  field({ kind, item, count, size }) {
    if (kind === "digest") return Array.from(this.take(size), (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (kind === "rest") return this.take(this.left);
    if (kind !== "many") return this.item(kind);
    const items = this.number(count);
    if (item === "i8") return new Int8Array(this.take(items).buffer);
    if (item === "i16") return new Int16Array(this.take(2 * items).buffer);
    return Array.from({ length: items }, () => this.item(item));
  }
}

/**
 * Reads a payload. Bytes behind the last known field are left alone; fields at the end that the sender does not know have
 * their defaults.
 *
 * @param {{fields: Object[]}} message of `messages.js`.
 * @param {Uint8Array} payload
 * @returns {Object} the fields' values; u64 are BigInts, many i8 or i16 are typed arrays, digests hexadecimal digits.
 * @throws {Error} the payload is too short.
 */
export function decode(message, payload) {
  const reader = new Reader(payload);
  const values = {};
  let ended = false;
  for (const field of message.fields) {
    ended ||= reader.left === 0 && field.default !== undefined && !field.constant;
    values[field.name] = ended ? field.default : reader.field(field);
  }
  return values;
}

/**
 * Writes a request's payload.
 *
 * @param {{fields: Object[]}} message of `messages.js`, of numbers and a rest.
 * @param {Object} values of its fields; the others have their defaults. The rest is a Uint8Array.
 * @returns {Uint8Array}
 */
export function encode(message, values = {}) {
  const sizes = message.fields.map(({ name, kind }) => (kind === "rest" ? values[name].length : NUMBERS[kind].size));
  const out = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  message.fields.forEach((field, index) => {
    const value = values[field.name] ?? field.default;
    if (field.kind === "rest") out.set(value, at);
    else NUMBERS[field.kind].set(view, at, value);
    at += sizes[index];
  });
  return out;
}
