/** Sample rates converted by a windowed sinc, piece by piece; and floats to the int16 that devices take. */

const LOBES = 64; // of the sinc on either side, at the lower of the two rates
const KAISER_BETA = 9; // stop band below -90 dB
const CUTOFF = 0.955; // of the lower rate's half, -6 dB: flat up to 0.91, nothing from 1 on

/** A stream of one rate in, the same at another rate out, in phase: nothing is delayed but by what the filter looks ahead. */
export class Resampler {
  /**
   * @param {number} fromHz whole numbers.
   * @param {number} toHz
   */
  constructor(fromHz, toHz) {
    const divisor = gcd(fromHz, toHz);
    this.up = toHz / divisor;
    this.down = fromHz / divisor;
    const lower = Math.min(1, toHz / fromHz); // of the input's rate
    this.cutoff = CUTOFF * lower;
    this.half = Math.ceil(LOBES / lower);
    this.phases = new Map();
    this.buffer = new Float64Array(this.half); // what the next output may still need; before the start it was silent
    this.first = -this.half; // index of the input sample that buffer begins with
    this.next = 0; // output sample
  }

  /**
   * @param {ArrayLike<number>} samples
   * @returns {Float64Array} what can be computed so far.
   */
  push(samples) {
    const buffer = new Float64Array(this.buffer.length + samples.length);
    buffer.set(this.buffer);
    buffer.set(samples, this.buffer.length);
    const end = this.first + buffer.length;
    const count = Math.max(0, Math.ceil(((end - this.half) * this.up) / this.down) - this.next);
    const out = new Float64Array(count);
    for (let i = 0; i < count; ++i, ++this.next) {
      const position = this.next * this.down;
      const center = Math.floor(position / this.up);
      const taps = this.phase(position % this.up);
      const start = center - this.half + 1 - this.first;
      let sum = 0;
      for (let k = 0; k < taps.length; ++k) sum += taps[k] * buffer[start + k];
      out[i] = sum;
    }
    const needed = Math.floor((this.next * this.down) / this.up) - this.half + 1;
    const kept = Math.min(buffer.length, Math.max(0, needed - this.first));
    this.buffer = buffer.slice(kept);
    this.first += kept;
    return out;
  }

  /** The rest, as if silence followed, up to the length that `samples` samples of input stand for. */
  flush(samples) {
    const wanted = Math.ceil((samples * this.up) / this.down) - this.next;
    return this.push(new Float64Array(this.half + 1)).subarray(0, Math.max(0, wanted));
  }

  /** Weights of the 2 * half input samples around an output that lies phase / up behind one; they sum to 1. */
  phase(phase) {
    let taps = this.phases.get(phase);
    if (taps) return taps;
    taps = new Float64Array(2 * this.half);
    let sum = 0;
    for (let k = 0; k < taps.length; ++k) {
      const t = k - this.half + 1 - phase / this.up;
      taps[k] = sinc(t * this.cutoff) * kaiser(t / this.half);
      sum += taps[k];
    }
    for (let k = 0; k < taps.length; ++k) taps[k] /= sum;
    this.phases.set(phase, taps);
    return taps;
  }
}

/** A whole recording at another rate. */
export function resample(samples, fromHz, toHz) {
  const resampler = new Resampler(fromHz, toHz);
  const body = resampler.push(samples);
  const rest = resampler.flush(samples.length);
  const out = new Float64Array(body.length + rest.length);
  out.set(body);
  out.set(rest, body.length);
  return out;
}

/** Floats with full scale 1 as int16: rounded, halves to even numbers as NumPy does, and saturated. */
export function toInt16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; ++i) {
    const value = samples[i] * 32768;
    const rounded = Math.round(value);
    const even = rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
    pcm[i] = Math.max(-32768, Math.min(32767, even));
  }
  return pcm;
}

function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x) {
  return Math.abs(x) >= 1 ? 0 : bessel(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel(KAISER_BETA);
}

/** Modified Bessel function of the first kind, order 0. */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; ++k) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
