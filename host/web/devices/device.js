/**
 * What turns PCM into steps: the firmware in WebAssembly, a board behind `kws-host live`, or a board on Web Serial. The page
 * knows none of them by name: `devices/index.js` lists them, and they all keep this contract.
 */

/**
 * What a device says of itself.
 *
 * @typedef {Object} Info
 * @property {string} device what computes, for a reader: "WebAssembly", "mps2_an386 (emulated)".
 * @property {string} engine "aot", "tflm", or "" where it is not known.
 * @property {string} firmwareVersion
 * @property {string} modelName
 * @property {string} modelSha256 of model.tflite, 64 hexadecimal digits.
 * @property {string[]} labels in the order of the scores.
 * @property {number} sampleRateHz of the PCM that push() and feed() take.
 * @property {number} windowSamples of one frame.
 * @property {number} hopSamples from frame to frame.
 * @property {number} framesPerStep
 * @property {number} featureCount int8 values of one frame.
 * @property {?number} smoothingSteps posteriors that are averaged; null: not known.
 * @property {?number[]} thresholdsQ15 smoothed posterior that raises a detection, of each label; 32768 is never reached;
 *     null: not known.
 * @property {"page"|"board"} source who hears: the page's PCM is wanted, or the board has a microphone of its own.
 */

/**
 * What one step computed: the firmware's own integers.
 *
 * @typedef {Object} Step
 * @property {number} step since reset(), from 0.
 * @property {number} audioCrc CRC-32 of the little-endian PCM up to the end of the step's last window.
 * @property {Int8Array} scores one of each label.
 * @property {?Int8Array} features framesPerStep x featureCount, the oldest frame first; null: the device does not send them.
 * @property {number} topLabel index of the largest smoothed posterior, detected or not.
 * @property {number} topSmoothedQ15 that posterior, 0 to 32767.
 * @property {?{label: number, smoothedQ15: number}} detection what the step raised.
 * @property {?{value: number, unit: string}} cost of computing it: milliseconds, instructions or cycles.
 */

/**
 * Calls that a device makes; all of them are optional.
 *
 * @typedef {Object} Handlers
 * @property {function(Step[]): void} [onSteps] steps in order, one or several at a time.
 * @property {function(number, number): void} [onLoss] samples just dropped, and all since reset().
 * @property {function(string): void} [onError] one line in words, with what to do. The device is of no use afterwards:
 *     close() and open() a new one.
 * @property {function(string): void} [onRestart] one line in words: a board came back by itself, after it was restarted or
 *     unplugged. All is as after reset(); what was under way is lost, and who waited for it was told by a rejection.
 * @property {function(): void} [onBegin] of a device that may hear before reset(), open() or onRestart is told: the count
 *     begins anew with the next step and the next sample. One of them follows.
 * @property {function(Int16Array, number): void} [onHeard] of a device with source "board": PCM that it heard, before the
 *     steps that this completes, and the position of the first sample since reset().
 * @property {function(string): void} [onState] one line in words that is no error: "The board restarted.". Empty: all is well.
 */

/** Samples behind step `step`: the position, since reset(), at which its last window ends. */
export function endSamples(info, step) {
  const hops = (step + 1) * info.framesPerStep - 1;
  return info.windowSamples + hops * info.hopSamples;
}

/** Samples from one step to the next. */
export function stepSamples(info) {
  return info.framesPerStep * info.hopSamples;
}

/** Steps that `samples` samples since reset() complete. */
export function stepCount(info, samples) {
  const frames = samples < info.windowSamples ? 0 : Math.floor((samples - info.windowSamples) / info.hopSamples) + 1;
  return Math.floor(frames / info.framesPerStep);
}

/**
 * The half of every device that counts what is under way. A kind of device extends it with
 *
 *     open(): Promise<Info>      refuses in words: throw new Error("one line")
 *     take(pcm: Int16Array)      hands a piece over; never waits. The piece is the device's own from then on
 *     restart(): Promise<void>   forgets all audio. No step of before arrives once it is resolved
 *     close(): Promise<void>     may be called at any time, also twice
 *
 * and calls `settled(samples)` when what take() got has been computed, steps of it handed to onSteps before.
 */
export class Device {
  /**
   * @param {Handlers} handlers
   * @param {number} capacitySamples most samples that may be under way: half a second of 16 kHz.
   */
  constructor(handlers, capacitySamples = 8000) {
    this.handlers = handlers;
    this.capacitySamples = capacitySamples;
    /** Samples that were taken and not yet computed. */
    this.pendingSamples = 0;
    /** Samples that push() dropped since reset(). */
    this.droppedSamples = 0;
    this.closed = false;
    this.waiting = [];
  }

  /**
   * Live audio: takes the whole piece, or drops the whole piece and counts it when there is no room. Never waits.
   *
   * @param {Int16Array} pcm mono, at the device's rate; of any length up to capacitySamples.
   * @returns {boolean} whether it was taken. What was taken is never lost afterwards, unless onError says so.
   */
  push(pcm) {
    if (this.closed || this.pendingSamples + pcm.length > this.capacitySamples) {
      this.droppedSamples += pcm.length;
      this.handlers.onLoss?.(pcm.length, this.droppedSamples);
      return false;
    }
    this.pendingSamples += pcm.length;
    this.take(pcm);
    return true;
  }

  /**
   * A recording: as push(), but waits for room, so that nothing is dropped.
   *
   * @param {Int16Array} pcm mono, at the device's rate; any length.
   * @returns {Promise<void>} resolved when the device has taken all of it, rejected when it was closed before.
   */
  async feed(pcm) {
    const piece = Math.floor(this.capacitySamples / 4);
    for (let start = 0; start < pcm.length; start += piece) {
      const samples = Math.min(piece, pcm.length - start);
      await this.until(() => this.pendingSamples + samples <= this.capacitySamples);
      this.pendingSamples += samples;
      this.take(pcm.slice(start, start + samples));
    }
  }

  /** Resolved when everything that was taken is computed, rejected when the device was closed before. */
  drain() {
    return this.until(() => this.pendingSamples === 0);
  }

  /** Forgets all audio and counts from 0 again. Nothing may be pushed or fed until it is resolved. */
  async reset() {
    await this.restart();
    this.pendingSamples = 0;
    this.droppedSamples = 0;
    this.wake();
  }

  /** For kinds of devices: `samples` of what take() got are computed. */
  settled(samples) {
    this.pendingSamples = Math.max(0, this.pendingSamples - samples);
    this.wake();
  }

  /** For kinds of devices: the device is of no use any more. Who waits is told by a rejection, and onError is called. */
  fail(message) {
    if (this.closed) return;
    this.closed = true;
    this.wake();
    this.handlers.onError?.(message);
  }

  /** For kinds of devices: call it in close(). */
  ended() {
    this.closed = true;
    this.wake();
  }

  until(condition) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ condition, resolve, reject });
      this.wake();
    });
  }

  wake() {
    const rest = [];
    for (const waiter of this.waiting) {
      if (this.closed) waiter.reject(new Error("The device was closed."));
      else if (waiter.condition()) waiter.resolve();
      else rest.push(waiter);
    }
    this.waiting = rest;
  }
}
