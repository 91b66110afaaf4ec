/** A strip that shows what was heard: a column of each step, of the PCM's spectrum, or of the features where no PCM is. */
import { Spectrum } from "../audio/fft.js";
import { endSamples } from "../devices/device.js";
import { Ring } from "../ring.js";
import { palette } from "./canvas.js";

const ROWS = 64;
const LOWEST_DB = -90;
const HIGHEST_DB = -20;

export class Spectrogram {
  /** @param {import("../history.js").History} history */
  constructor(history) {
    this.history = history;
    const { windowSamples } = history.info;
    this.spectrum = new Spectrum(2 ** Math.ceil(Math.log2(windowSamples)));
    this.columns = new Ring(Uint8Array, ROWS, history.scores.capacity);
    this.strip = new OffscreenCanvas(1, ROWS);
  }

  /** Computes the columns of steps that came since. */
  update() {
    const { history, columns } = this;
    if (columns.end < history.firstStep || columns.end > history.endStep) columns.restart(history.firstStep);
    const last = Math.max(history.firstStep, history.endStep - columns.capacity);
    if (columns.end < last) columns.restart(last);
    for (let step = columns.end; step < history.endStep; ++step) columns.push(this.column(step));
  }

  /** Draws steps first to end - 1 over a place of the canvas; the oldest may be missing. */
  draw(context, first, end, x, y, width, height) {
    const from = Math.max(first, this.columns.first);
    const to = Math.min(end, this.columns.end);
    if (to <= from) return;
    const image = new ImageData(to - from, ROWS);
    const { ramp } = palette();
    for (let step = from; step < to; ++step) {
      const column = this.columns.row(step);
      for (let row = 0; row < ROWS; ++row) {
        const at = 4 * (row * (to - from) + step - from);
        const colour = 4 * column[row];
        for (let c = 0; c < 4; ++c) image.data[at + c] = ramp[colour + c];
      }
    }
    this.strip.width = to - from;
    this.strip.getContext("2d").putImageData(image, 0, 0);
    const scale = width / (end - first);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.strip, x + (from - first) * scale, y, (to - from) * scale, height);
  }

  /** The highest frequency, or feature, on top. */
  column(step) {
    const { history } = this;
    const end = endSamples(history.info, step);
    const start = end - this.spectrum.size;
    if (history.pcm.end >= end && history.pcm.first < end) return this.ofPcm(start);
    return history.hasFeatures ? this.ofFeatures(step) : new Uint8Array(ROWS);
  }

  ofPcm(start) {
    const { pcm } = this.history;
    const power = this.spectrum.power((i) => (start + i >= pcm.first ? pcm.value(start + i) : 0));
    const full = (32768 * this.spectrum.size) / 4; // a sine of full scale under the window
    const out = new Uint8Array(ROWS);
    for (let row = 0; row < ROWS; ++row) {
      const low = Math.floor((row * power.length) / ROWS);
      const high = Math.max(low + 1, Math.floor(((row + 1) * power.length) / ROWS));
      let loudest = 0;
      for (let bin = low; bin < high; ++bin) loudest = Math.max(loudest, power[bin]);
      const db = 10 * Math.log10(loudest / (full * full) + 1e-12);
      out[ROWS - 1 - row] = Math.max(0, Math.min(255, (255 * (db - LOWEST_DB)) / (HIGHEST_DB - LOWEST_DB)));
    }
    return out;
  }

  ofFeatures(step) {
    const features = this.history.features.row(step);
    const { featureCount } = this.history.info;
    const out = new Uint8Array(ROWS);
    for (let row = 0; row < ROWS; ++row) {
      out[ROWS - 1 - row] = features[features.length - featureCount + Math.floor((row * featureCount) / ROWS)] + 128;
    }
    return out;
  }
}
