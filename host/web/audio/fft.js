/** Spectra for the eye: the device computes its own. */

/** Power of `size` / 2 bins of a real signal under a Hann window. One instance for all windows of a size. */
export class Spectrum {
  /** @param {number} size a power of two. */
  constructor(size) {
    this.size = size;
    this.window = Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
    this.cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    this.sin = Float64Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
    const bits = Math.log2(size);
    this.reversed = Uint16Array.from({ length: size }, (_, i) => {
      let out = 0;
      for (let bit = 0; bit < bits; ++bit) out |= ((i >> bit) & 1) << (bits - 1 - bit);
      return out;
    });
  }

  /**
   * @param {function(number): number} sample by its index, 0 to size - 1.
   * @returns {Float64Array} power of each bin; valid until the next call.
   */
  power(sample) {
    const { size, re, im } = this;
    for (let i = 0; i < size; ++i) re[this.reversed[i]] = sample(i) * this.window[i];
    im.fill(0);
    for (let half = 1; half < size; half *= 2) this.stage(half);
    for (let i = 0; i < size / 2; ++i) re[i] = re[i] * re[i] + im[i] * im[i];
    return re.subarray(0, size / 2);
  }

  stage(half) {
    const { size, re, im } = this;
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; ++k) {
        const a = start + k;
        const b = a + half;
        const c = this.cos[k * stride];
        const s = this.sin[k * stride];
        const real = re[b] * c + im[b] * s;
        const imaginary = im[b] * c - re[b] * s;
        re[b] = re[a] - real;
        im[b] = im[a] - imaginary;
        re[a] += real;
        im[a] += imaginary;
      }
    }
  }
}
