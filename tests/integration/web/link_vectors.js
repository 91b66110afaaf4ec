/**
 * Compares the page's side of the serial link with cases of tests/vectors/link.txt, or with others in that form.
 *
 * compare(base, text): base is the address of the page's folder. Returns {counts: {crc: 12, ...}, wrong: ["line 7: ...", ...]}.
 */
const bytesOf = (text) => (text === "-" ? new Uint8Array() : Uint8Array.from(text.match(/../g), (digits) => parseInt(digits, 16)));
const hexOf = (bytes) => Array.from(bytes, (byte) => (byte & 0xff).toString(16).padStart(2, "0")).join("") || "-";
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

export async function compare(base, text) {
  const load = (name) => import(new URL(`link/${name}.js`, base).href);
  const [cobs, { crc32 }, frame, { MESSAGES }, payload] = await Promise.all(["cobs", "crc32", "frame", "messages", "payload"].map(load));

  function events(wire, chunk) {
    const decoder = new frame.FrameDecoder();
    const found = [];
    for (let at = 0; at < wire.length; at += chunk) {
      for (const item of decoder.feed(wire.subarray(at, at + chunk))) {
        const { version, type, seq } = item;
        found.push(item.reason ? `drop,${item.reason}` : `frame,${version},${type},${seq},${hexOf(item.payload)}`);
      }
    }
    return found.join(" ");
  }

  /** A decoded field in the words of the table. */
  function words(value) {
    if (value instanceof Uint8Array || value instanceof Int8Array) return hexOf(value);
    if (ArrayBuffer.isView(value)) return hexOf(new Uint8Array(value.buffer));
    if (Array.isArray(value)) return value.join(",") || "-";
    return String(value);
  }

  const checks = {
    crc: ([data, crc]) => [crc32(bytesOf(data)).toString(16).padStart(8, "0"), crc],
    cobs: ([decoded, encoded]) => [
      `${hexOf(cobs.encode(bytesOf(decoded)))} ${hexOf(cobs.decode(bytesOf(encoded)) ?? [0xbad])}`,
      `${encoded} ${decoded}`,
    ],
    frame: ([version, type, seq, data, wire]) => [hexOf(frame.encodeFrame(+type, +seq, bytesOf(data), +version)), wire],
    stream: ([, wire, ...wanted]) => {
      const bytes = bytesOf(wire);
      const chunks = bytes.length < 5000 ? [1, 7, 1e9] : [7, 1e9];
      return [chunks.map((chunk) => events(bytes, chunk)).join("|"), chunks.map(() => wanted.join(" ")).join("|")];
    },
    once: ([wire, ...wanted]) => [events(bytesOf(wire), 1e9), wanted.join(" ")],
    message: (line) => {
      const [read] = new frame.FrameDecoder().feed(bytesOf(line.at(-1)));
      const spec = Object.values(MESSAGES).find(({ type }) => type === read.type);
      const values = payload.decode(spec, read.payload);
      const wanted = line.slice(1, -2).map((pair) => pair.split("="));
      const shown = wanted.map(([name, value]) => {
        const is = values[camel(name)];
        return value.startsWith("text:") ? `text:${hexOf(new TextEncoder().encode(is)).replace("-", "")}` : words(is);
      });
      return [`${Object.keys(values).join()} ${shown.join(" ")}`, `${wanted.map(([name]) => camel(name)).join()} ${wanted.map(([, value]) => value).join(" ")}`];
    },
  };

  const counts = {};
  const wrong = [];
  text.split("\n").forEach((line, index) => {
    if (!line || line.startsWith("#")) return;
    const [kind, ...rest] = line.split(" ");
    const [is, wanted] = checks[kind](rest);
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (is !== wanted) wrong.push(`line ${index + 1}: ${line.slice(0, 80)}: ${is.slice(0, 300)} instead of ${wanted.slice(0, 300)}`);
  });
  return { counts, wrong: wrong.slice(0, 5) };
}
