/** A file that somebody dropped, as the PCM that a device takes. */
import { resample, toInt16 } from "./resample.js";
import { isWav, monoOf, parseWav } from "./wav.js";

const MAX_BYTES = 300e6;

/**
 * @param {File|Blob} file
 * @param {number} rateHz of the device.
 * @returns {Promise<Int16Array>} mono. 16-bit mono WAV of that rate comes out untouched.
 * @throws {Error} one line in words.
 */
export async function readRecording(file, rateHz) {
  if (file.size === 0) throw new Error("The file is empty (0 bytes). Record it again.");
  if (file.size > MAX_BYTES) throw new Error(`The file is too large (${Math.round(file.size / 1e6)} MB). Cut it to ${MAX_BYTES / 1e6} MB.`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!isWav(bytes)) return decodeByBrowser(bytes, rateHz);
  const wav = parseWav(bytes);
  const mono = monoOf(wav);
  if (wav.rateHz === rateHz) return mono instanceof Int16Array ? mono : toInt16(mono);
  const real = mono instanceof Int16Array ? Float64Array.from(mono, (value) => value / 32768) : mono;
  return toInt16(resample(real, wav.rateHz, rateHz));
}

/** MP3, Ogg, FLAC and what else this browser plays; it converts the rate itself. */
async function decodeByBrowser(bytes, rateHz) {
  const beginning = JSON.stringify(String.fromCharCode(...bytes.subarray(0, 8)).replace(/[^ -~]/g, "?"));
  let audio;
  try {
    audio = await new OfflineAudioContext(1, 1, rateHz).decodeAudioData(bytes.buffer);
  } catch {
    throw new Error(`This is no recording that the browser can read (it begins with ${beginning}). Convert it to 16-bit PCM WAV.`);
  }
  const mono = new Float64Array(audio.length);
  for (let channel = 0; channel < audio.numberOfChannels; ++channel) {
    audio.getChannelData(channel).forEach((value, i) => (mono[i] += value / audio.numberOfChannels));
  }
  if (mono.length === 0) throw new Error("The file holds no samples. Record it again.");
  return toInt16(mono);
}
