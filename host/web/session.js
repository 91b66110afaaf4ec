/** One device and what it hears: opens it, sends it the microphone or a recording, keeps what it says, measures how it keeps up. */
import { Microphone } from "./audio/microphone.js";
import { play } from "./audio/playback.js";
import { endSamples, stepSamples } from "./devices/device.js";
import { History } from "./history.js";

const RECENT_STEPS = 50; // for latency and cost
const LOSS_IS_RECENT_MS = 3000;

/**
 * @typedef {Object} SessionHandlers
 * @property {function(): void} onChange something can be drawn anew.
 * @property {function({step: number, label: number, smoothedQ15: number}): void} onDetection
 * @property {function(string, string): void} onMessage "error" or "note", and one line; an empty one takes it back.
 */

export class Session {
  /** @param {SessionHandlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.device = null;
    this.info = null;
    this.history = null;
    /** "idle", "microphone", "recording" or "board". */
    this.source = "idle";
    this.stopping = new AbortController();
    this.microphone = null;
    this.early = null; // calls of a device whose history is yet to be made, in order
    this.closing = null; // the promise of a device that failed, and holds its port until then
    this.forget();
  }

  /**
   * Opens a device in the place of the one before.
   *
   * @param {import("./devices/index.js").Kind} kind
   * @param {Object} options of kind.create().
   * @throws {Error} one line in words.
   */
  async open(kind, options) {
    await this.close();
    const device = kind.create(options, {
      onBegin: () => device === this.device && (this.early = []),
      onSteps: (steps) => device === this.device && this.inTurn(() => this.onSteps(steps)),
      onLoss: (samples) => device === this.device && this.onLoss(samples),
      onError: (message) => device === this.device && this.onError(message),
      onRestart: (message) => device === this.device && this.onRestart(message),
      onHeard: (pcm, first) => device === this.device && this.inTurn(() => this.took(pcm, first)),
      onState: (message) => device === this.device && this.handlers.onMessage("note", message),
    });
    this.device = device;
    try {
      const info = await device.open();
      if (device !== this.device) throw new Error("Another device was chosen meanwhile.");
      this.info = info;
    } catch (error) {
      if (device === this.device) this.device = null;
      await device.close();
      throw error;
    }
    this.beginAnew();
  }

  async close() {
    this.stop();
    const device = this.device;
    this.device = this.info = this.history = this.early = null;
    this.forget(); // what was measured is the device's
    await this.closing;
    await device?.close();
  }

  /** Forgets all audio; what runs is ended before. */
  async reset() {
    this.stop();
    try {
      await this.device.reset();
    } catch (error) {
      this.early = null;
      throw error;
    }
    this.beginAnew();
  }

  beginAnew() {
    this.history = new History(this.info);
    this.forget();
    if (this.info.source === "board") this.source = "board";
    const early = this.early ?? [];
    this.early = null;
    for (const call of early) call();
    this.handlers.onChange();
  }

  /** What a device says between the beginning of its count and that of the history waits for the history. */
  inTurn(call) {
    if (this.early) this.early.push(call);
    else call();
  }

  /** Listens until stop(). @throws {Error} one line in words. */
  async listen() {
    await this.reset();
    const { signal } = this.stopping;
    const microphone = new Microphone(
      this.info.sampleRateHz,
      (pcm) => this.push(pcm),
      (message) => {
        this.stop();
        this.handlers.onMessage("error", message);
      },
    );
    await microphone.start();
    if (signal.aborted) {
      microphone.stop();
      return;
    }
    this.microphone = microphone;
    this.source = "microphone";
    this.inRealTime = true;
    this.handlers.onChange();
  }

  /**
   * Plays a recording to the device, from a reset on, and waits for its last step.
   *
   * @param {Int16Array} pcm at the device's rate.
   * @param {boolean} aloud in real time and to be heard.
   * @returns {Promise<boolean>} whether it was played to its end.
   */
  async playRecording(pcm, aloud) {
    await this.reset();
    const { signal } = this.stopping;
    this.source = "recording";
    this.inRealTime = aloud;
    this.handlers.onChange();
    const feed = async (piece) => {
      await this.device.feed(piece);
      this.took(piece);
    };
    try {
      await play(pcm, this.info.sampleRateHz, { aloud, feed, push: (piece) => this.push(piece), signal });
      if (!signal.aborted) await this.device.drain();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (signal.aborted) return false;
    this.stop();
    return true;
  }

  /** Ends microphone or recording; the device keeps what it has heard. */
  stop() {
    this.stopping.abort();
    this.stopping = new AbortController();
    this.microphone?.stop();
    this.microphone = null;
    this.source = "idle";
    this.inRealTime = false;
    this.handlers.onChange();
  }

  /** Whether real time is kept: nothing was dropped just now, and a step costs less than it lasts. */
  get keepsUp() {
    return performance.now() - this.lastLoss > LOSS_IS_RECENT_MS && (this.load === null || this.load < 1);
  }

  /** Middle of the last steps' latencies: from a step's last sample in the page to its result, ms; null: not known. */
  get latencyMs() {
    return this.latencies.length ? middle(this.latencies) : null;
  }

  /** Mean cost of the last steps; null: the device does not tell. */
  get cost() {
    if (!this.costs.length) return null;
    const value = this.costs.reduce((sum, cost) => sum + cost.value, 0) / this.costs.length;
    return { value, unit: this.costs[0].unit };
  }

  /** Part of real time that computing takes; null where costs are no times. */
  get load() {
    const { cost } = this;
    return cost?.unit === "ms" ? cost.value / ((1000 * stepSamples(this.info)) / this.info.sampleRateHz) : null;
  }

  forget() {
    this.arrivals = []; // {end, at}: when the samples up to `end` had arrived, ms
    this.latencies = [];
    this.costs = [];
    this.level = { peak: 0, rms: 0 };
    this.lastLoss = -Infinity;
  }

  push(pcm) {
    if (this.device?.push(pcm)) this.took(pcm);
  }

  took(pcm, first) {
    if (!this.history) return;
    const { missedSamples } = this.history;
    this.history.addPcm(pcm, first);
    if (this.history.missedSamples > missedSamples) this.lastLoss = performance.now();
    this.arrivals.push({ end: this.history.pcm.end, at: performance.now() });
    this.level = levelOf(pcm);
    this.handlers.onChange();
  }

  onSteps(steps) {
    if (!this.history) return; // not yet open: a board that hears itself is ahead
    const now = performance.now();
    for (const step of steps) {
      this.history.addStep(step);
      this.measure(step, now);
      if (step.detection) this.handlers.onDetection({ step: step.step, ...step.detection });
    }
    this.handlers.onChange();
  }

  measure(step, now) {
    const end = endSamples(this.info, step.step);
    while (this.arrivals.length > 1 && this.arrivals[0].end < end) this.arrivals.shift();
    if (this.inRealTime && this.arrivals.length) keep(this.latencies, now - this.arrivals[0].at);
    if (step.cost) keep(this.costs, step.cost);
  }

  onLoss(samples) {
    this.lastLoss = performance.now();
    if (this.history) this.history.droppedSamples += samples;
    this.handlers.onChange();
  }

  /** The device began again by itself: the microphone goes on, a recording ends, since its first half is lost. */
  onRestart(message) {
    const wasPlaying = this.source === "recording";
    if (wasPlaying) this.stop();
    this.beginAnew();
    if (wasPlaying) this.handlers.onMessage("error", `${message} The recording was not heard to its end: play it again.`);
    else this.handlers.onMessage("note", message);
  }

  onError(message) {
    this.stop();
    const { device } = this;
    // Its port would stay open, its worker run on. Not before it has told its reason to all who wait for it.
    this.closing = Promise.resolve()
      .then(() => device.close())
      .catch(() => {});
    this.device = null;
    this.handlers.onMessage("error", message);
    this.handlers.onChange();
  }
}

function keep(values, value) {
  values.push(value);
  if (values.length > RECENT_STEPS) values.shift();
}

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function levelOf(pcm) {
  let peak = 0;
  let sum = 0;
  for (const value of pcm) {
    peak = Math.max(peak, Math.abs(value));
    sum += value * value;
  }
  return { peak: peak / 32768, rms: Math.sqrt(sum / Math.max(1, pcm.length)) / 32768 };
}
