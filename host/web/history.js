/** What a device heard and said since its reset, as long as it is kept: for drawing and for saving. */
import { endSamples } from "./devices/device.js";
import { Ring } from "./ring.js";

/** Seconds that are kept. */
export const KEPT_S = 600;

export class History {
  /** @param {import("./devices/device.js").Info} info */
  constructor(info) {
    this.info = info;
    const steps = Math.ceil((KEPT_S * info.sampleRateHz) / (info.hopSamples * info.framesPerStep));
    this.pcm = new Ring(Int16Array, 1, KEPT_S * info.sampleRateHz);
    this.scores = new Ring(Int8Array, info.labels.length, steps);
    this.features = new Ring(Int8Array, info.framesPerStep * info.featureCount, steps);
    this.audioCrc = new Ring(Uint32Array, 1, steps);
    this.topLabel = new Ring(Uint8Array, 1, steps);
    this.topSmoothedQ15 = new Ring(Uint16Array, 1, steps);
    this.detections = []; // {step, label, smoothedQ15}
    this.hasFeatures = false;
    this.droppedSamples = 0;
    this.missedSamples = 0;
    this.missedSteps = 0;
  }

  get endStep() {
    return this.scores.end;
  }

  get firstStep() {
    return this.scores.first;
  }

  /**
   * Takes PCM that the device took, or heard.
   *
   * @param {Int16Array} pcm
   * @param {number} [first] position of its first sample, modulo 2^32, of a device that hears by itself: what a wire lost
   *     becomes zeros and is counted, so that PCM and steps stay together. Otherwise it begins where the last piece ended.
   */
  addPcm(pcm, first = this.pcm.end) {
    const missed = (first - this.pcm.end) >>> 0;
    const isBack = missed >= 2 ** 31; // it began again
    if (!isBack) this.missedSamples += missed;
    if (isBack || missed > this.pcm.capacity) this.pcm.restart(isBack ? first : this.pcm.end + missed);
    else if (missed > 0) this.pcm.push(new Int16Array(missed));
    this.pcm.push(pcm);
  }

  /** Takes a step. Steps that a wire lost leave a gap: what was before is forgotten then, so that rows stay in order. */
  addStep(step) {
    const rings = [this.scores, this.features, this.audioCrc, this.topLabel, this.topSmoothedQ15];
    if (step.step !== this.endStep) {
      this.missedSteps += Math.max(0, step.step - this.endStep);
      for (const ring of rings) ring.restart(step.step);
      this.detections = [];
    }
    this.scores.push(step.scores);
    this.features.push(step.features ?? new Int8Array(this.features.width));
    this.audioCrc.push(Uint32Array.of(step.audioCrc));
    this.topLabel.push(Uint8Array.of(step.topLabel));
    this.topSmoothedQ15.push(Uint16Array.of(step.topSmoothedQ15));
    this.hasFeatures = step.features !== null;
    if (step.detection) this.detections.push({ step: step.step, ...step.detection });
    while (this.detections.length && this.detections[0].step < this.firstStep) this.detections.shift();
  }

  /** Seconds since the reset at which a step has heard all that it needs. */
  endS(step) {
    return endSamples(this.info, step) / this.info.sampleRateHz;
  }
}
