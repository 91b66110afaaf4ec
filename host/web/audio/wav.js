/**
 * Reads and writes WAV files. What 16-bit mono at the wanted rate holds comes out untouched, sample by sample; the rules for
 * everything else, and the words for what cannot be read, are those of kws_reference/audio/wav_file.py, with fewer encodings.
 */

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const LOWEST_RATE_HZ = 1000;
const HIGHEST_RATE_HZ = 384000;
const LOUDEST = 16; // floats beyond were never divided by 32768
const ENCODINGS = { 2: "Microsoft ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x55: "MP3" };

/**
 * @typedef {Object} Wav
 * @property {number} rateHz
 * @property {number} channels
 * @property {Int16Array|Float64Array} samples frame by frame: int16 where the file holds 16-bit integers, else full scale 1.
 */

/** Whether bytes begin as a WAV file does. */
export function isWav(bytes) {
  return bytes.length >= 12 && text(bytes, 0) === "RIFF" && text(bytes, 8) === "WAVE";
}

/**
 * @param {Uint8Array} bytes of a file that `isWav`.
 * @returns {Wav}
 * @throws {Error} one line: cut off, empty, contradictory, or of an encoding that is not read.
 */
export function parseWav(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { format, data } = chunksOf(bytes, view);
  if (!data) throw new Error("The file holds no audio (no data chunk). It is cut off or not a recording.");
  if (!format || format.length < 16) {
    throw new Error("The file says nothing of its format (no whole fmt chunk). Export it again as 16-bit PCM WAV.");
  }
  const fields = new DataView(format.buffer, format.byteOffset, format.byteLength);
  let tag = fields.getUint16(0, true);
  const channels = fields.getUint16(2, true);
  const rateHz = fields.getUint32(4, true);
  const frameBytes = fields.getUint16(12, true);
  const bits = fields.getUint16(14, true);
  if (tag === EXTENSIBLE && format.length >= 26) tag = fields.getUint16(24, true);
  if (rateHz < LOWEST_RATE_HZ || rateHz > HIGHEST_RATE_HZ) {
    throw new Error(`The file says ${rateHz} Hz, which is no sample rate of a recording. Export it again at 16 kHz.`);
  }
  if (channels === 0) throw new Error("The file has 0 channels. Export it again as 16-bit PCM WAV.");
  const decode = decoderOf(tag, bits);
  if (!decode) {
    const name = ENCODINGS[tag] ?? "an unknown encoding";
    throw new Error(`The file is encoded as ${name} (format ${tag}, ${bits} bits), which is not read here. Convert it to 16-bit PCM WAV.`);
  }
  const sampleBytes = Math.ceil(bits / 8);
  if (frameBytes !== sampleBytes * channels) {
    throw new Error(
      `The file contradicts itself: ${channels} channels of ${bits} bits in frames of ${frameBytes} bytes. Export it again.`,
    );
  }
  const frames = Math.floor(data.length / frameBytes);
  if (frames === 0) throw new Error("The file holds no samples. Record it again.");
  const samples = decode(new DataView(data.buffer, data.byteOffset, frames * frameBytes), frames * channels);
  return { rateHz, channels, samples };
}

/** Mean of the channels at the file's own rate: int16 of one channel of 16-bit integers, else floats with full scale 1. */
export function monoOf({ channels, samples }) {
  if (channels === 1) return samples;
  const scale = samples instanceof Int16Array ? 32768 : 1;
  const mono = new Float64Array(samples.length / channels);
  for (let frame = 0; frame < mono.length; ++frame) {
    let sum = 0;
    for (let channel = 0; channel < channels; ++channel) sum += samples[frame * channels + channel];
    mono[frame] = sum / (channels * scale);
  }
  return mono;
}

/** Bytes of a WAV file with 16-bit mono PCM. */
export function encodeWav(pcm, rateHz) {
  const bytes = new Uint8Array(44 + 2 * pcm.length);
  const view = new DataView(bytes.buffer);
  const write = (at, letters) => bytes.set(Array.from(letters, (letter) => letter.charCodeAt(0)), at);
  write(0, "RIFF");
  view.setUint32(4, 36 + 2 * pcm.length, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, 2 * rateHz, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(36, "data");
  view.setUint32(40, 2 * pcm.length, true);
  for (let i = 0; i < pcm.length; ++i) view.setInt16(44 + 2 * i, pcm[i], true);
  return bytes;
}

function text(bytes, at) {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function chunksOf(bytes, view) {
  let format = null;
  let data = null;
  let at = 12;
  while (at + 8 <= bytes.length && !data) {
    const name = text(bytes, at);
    const size = view.getUint32(at + 4, true);
    at += 8;
    if (name === "data") data = bytes.subarray(at, at + dataSize(size, bytes.length - at));
    else if (name === "fmt ") format ??= bytes.subarray(at, at + size);
    at += size + (size % 2);
  }
  return { format, data };
}

/** Bytes of audio, whatever the header says: a program that writes into a pipe cannot know, a cut off file has fewer. */
function dataSize(size, left) {
  const near = 0x10000;
  if (size > left && (Math.abs(size - 0x80000000) <= near || size >= 0xffffffff - near)) return left;
  if (size > left) {
    throw new Error(`The file is cut off: ${left} bytes of audio where its header promises ${size}. Copy or download it again.`);
  }
  return size;
}

function decoderOf(tag, bits) {
  if (tag === PCM && bits === 16) return (view, count) => Int16Array.from({ length: count }, (_, i) => view.getInt16(2 * i, true));
  const floats = (read) => (view, count) => Float64Array.from({ length: count }, (_, i) => read(view, i));
  if (tag === PCM && bits === 8) return floats((view, i) => (view.getUint8(i) - 128) / 128);
  if (tag === PCM && bits === 24) {
    return floats((view, i) => ((view.getInt8(3 * i + 2) << 16) | view.getUint16(3 * i, true)) / 2 ** 23);
  }
  if (tag === PCM && bits === 32) return floats((view, i) => view.getInt32(4 * i, true) / 2 ** 31);
  if (tag === FLOAT && bits === 32) return floats((view, i) => sane(view.getFloat32(4 * i, true)));
  if (tag === FLOAT && bits === 64) return floats((view, i) => sane(view.getFloat64(8 * i, true)));
  return null;
}

function sane(value) {
  if (!Number.isFinite(value)) throw new Error("The file holds samples that are not finite numbers. Export it again as 16-bit PCM.");
  if (Math.abs(value) > LOUDEST) {
    throw new Error(`The file holds floats as large as ${value.toPrecision(4)}, where full scale is 1. Export it again as 16-bit PCM.`);
  }
  return value;
}
