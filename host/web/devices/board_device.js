/** What the devices share that are boards: facts, steps of STEP and DETECTION, and a board that goes and comes back. */
import { Device } from "./device.js";
import { ClockKind } from "../link/messages.js";

/** Most samples under way to a board, a second of 16 kHz: the threads of a server and of an emulator may stall for a while. */
const CAPACITY_SAMPLES = 16000;
/** DETECTION follows its STEP at once; where nothing follows, the step is handed on after this time. */
const STEP_WAIT_MS = 100;
const UNITS = { [ClockKind.INSTRUCTIONS]: "instructions", [ClockKind.CYCLES]: "cycles" };

/** @returns {string} why a board's answer cannot be used, in words; empty: it can. */
function brokenInfo(info) {
  return info.tickDenominator && info.framesPerStep && info.windowSamples && info.hopSamples
    ? ""
    : "The board's INFO holds a zero where none may be: flash this kit's firmware.";
}

export class BoardDevice extends Device {
  /** @param {import("./device.js").Handlers} handlers */
  constructor(handlers) {
    super(handlers, CAPACITY_SAMPLES);
    this.roomSamples = this.capacitySamples;
    this.board = null; // fields of its INFO
    this.step = null; // whose DETECTION may yet come
    this.stepTimer = null;
  }

  /**
   * For kinds of boards: keeps what the board says of itself.
   *
   * @param {Object} board fields of INFO.
   * @param {Object} facts the others of device.js's Info: device, labels, source, smoothingSteps, thresholdsQ15.
   * @returns {import("./device.js").Info}
   * @throws {Error} it cannot be used.
   */
  infoOf(board, facts) {
    const reason = brokenInfo(board);
    if (reason) throw new Error(reason);
    this.board = board;
    const { engine, firmwareVersion, modelName, modelSha256, sampleRateHz } = board;
    const { windowSamples, hopSamples, framesPerStep, featureCount } = board;
    const time = { sampleRateHz, windowSamples, hopSamples, framesPerStep, featureCount };
    return { engine, firmwareVersion, modelName, modelSha256, ...time, ...facts };
  }

  /** For kinds of boards: takes a STEP. */
  onStep(record) {
    this.flush();
    this.step = {
      step: record.step,
      audioCrc: record.audioCrc,
      scores: record.scores,
      features: record.features.length ? record.features : null,
      topLabel: record.topLabel,
      topSmoothedQ15: record.topSmoothedQ15,
      detection: null,
      cost: this.cost(record.frontendTicks + record.engineTicks + record.detectorTicks),
    };
    this.stepTimer = setTimeout(() => this.flush(), STEP_WAIT_MS);
  }

  /** For kinds of boards: takes an AUDIO_HEARD. */
  onHeard({ firstSample, pcm }) {
    this.flush();
    this.handlers.onHeard?.(pcm, firstSample);
  }

  /** For kinds of boards: takes a DETECTION. */
  onDetection({ step, label, smoothedQ15 }) {
    if (this.step?.step === step) this.step.detection = { label, smoothedQ15 };
    this.flush();
  }

  /** For kinds of boards: no DETECTION can follow any more. */
  flush() {
    clearTimeout(this.stepTimer);
    const { step } = this;
    this.step = null;
    if (step) this.handlers.onSteps?.([step]);
  }

  cost(ticks) {
    const { clockKind, tickNumerator, tickDenominator } = this.board;
    const unit = UNITS[clockKind];
    if (!unit) return null;
    const scaled = BigInt(ticks) * BigInt(tickNumerator) + BigInt(tickDenominator >>> 1);
    return { value: Number(scaled / BigInt(tickDenominator)), unit };
  }

  /** For kinds of boards: forgets a step that nobody is to see, before the audio is forgotten. */
  dropStep() {
    clearTimeout(this.stepTimer);
    this.step = null;
  }

  /** For kinds of boards: the board hears nothing until returned(). push() drops, and onState says why. */
  away(message) {
    if (this.closed) return;
    this.dropStep();
    this.capacitySamples = 0;
    this.handlers.onState?.(message);
  }

  /**
   * For kinds of boards: the board listens again, from step 0 on. What was under way is lost: who waits for it is told.
   *
   * @param {string} message one line in words.
   */
  returned(message) {
    if (this.closed) return;
    const { waiting } = this;
    this.waiting = [];
    for (const { reject } of waiting) reject(new Error(message));
    this.capacitySamples = this.roomSamples;
    this.pendingSamples = 0;
    this.droppedSamples = 0;
    this.handlers.onState?.("");
    this.handlers.onRestart?.(message);
  }
}
