/**
 * The firmware's pipeline in WebAssembly: front end, network and detector, as firmware/src/web exports them. Used in the
 * worker of `wasm.js`, and wherever steps are wanted without a page (benchmarks, tests).
 */

/** Offsets in what the firmware hands on of a step: firmware/src/web/exports.cc, struct Record. */
const RECORD = { step: 0, audioCrc: 4, scores: 8, features: 12, topSmoothed: 16, detectedSmoothed: 18, top: 20, detected: 21, label: 22 };

/** Why WebAssembly cannot be had here, in words; null: it can. */
export function unavailable() {
  if (typeof WebAssembly === "undefined") {
    return "This browser has no WebAssembly (or it is switched off): use another browser, or a board.";
  }
  // The smallest module that has a vector: (func (result v128) v128.const 0, i8x16.splat ...) as its engine wants it.
  const probe = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
  if (!WebAssembly.validate(new Uint8Array(probe))) {
    return "This browser's WebAssembly has no vector instructions (SIMD): it is older than 2023. Update it.";
  }
  return null;
}

/** One model, ready to run. */
export class WasmPipeline {
  /**
   * @param {BufferSource|Response|Promise<Response>} source bytes of the module, or where they come from.
   * @param {Object} model what the build wrote beside it (its .json).
   * @returns {Promise<WasmPipeline>}
   * @throws {Error} one line: the module is broken, or of another model.
   */
  static async load(source, model) {
    const self = new WasmPipeline(model);
    const imports = { kws: { on_step: (record) => self.onRecord(record) } };
    const bytes = source instanceof ArrayBuffer || ArrayBuffer.isView(source) ? source : await (await source).arrayBuffer();
    const { instance } = await WebAssembly.instantiate(bytes, imports);
    self.exports = instance.exports;
    instance.exports._initialize();
    const digest = new Uint8Array(instance.exports.memory.buffer, instance.exports.kws_model_sha256(), 32);
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex !== model.model_sha256) {
      throw new Error(`The module is of another model than its .json says. Received: ${hex}. Build both again: make web.`);
    }
    const status = instance.exports.kws_init();
    if (status !== 0) throw new Error(`The model does not start. Received: status ${status}. Build it again: make web.`);
    return self;
  }

  constructor(model) {
    this.model = model;
    this.stepFeatures = model.frames_per_step * model.feature_count;
    this.steps = [];
  }

  /** @returns {import("./device.js").Info} */
  get info() {
    const model = this.model;
    return {
      device: "WebAssembly in this browser",
      engine: "aot",
      firmwareVersion: this.text(this.exports.kws_firmware_version()),
      modelName: model.name,
      modelSha256: model.model_sha256,
      labels: model.labels,
      sampleRateHz: model.sample_rate_hz,
      windowSamples: model.window_samples,
      hopSamples: model.hop_samples,
      framesPerStep: model.frames_per_step,
      featureCount: model.feature_count,
      smoothingSteps: model.smoothing_steps,
      thresholdsQ15: model.thresholds_q15,
      source: "page",
    };
  }

  text(at) {
    const bytes = new Uint8Array(this.exports.memory.buffer, at);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  /** Forgets all audio. */
  reset() {
    this.exports.kws_reset();
  }

  /**
   * @param {Int16Array} pcm any length.
   * @returns {import("./device.js").Step[]} the steps that it completes, without costs.
   * @throws {Error} the engine failed.
   */
  push(pcm) {
    this.steps = [];
    const capacity = this.exports.kws_pcm_capacity();
    for (let start = 0; start < pcm.length; start += capacity) {
      const piece = pcm.subarray(start, start + capacity);
      new Int16Array(this.exports.memory.buffer, this.exports.kws_pcm(), capacity).set(piece);
      const status = this.exports.kws_push(piece.length);
      if (status !== 0) throw new Error(`The engine failed. Received: status ${status}. Reload the page.`);
    }
    return this.steps;
  }

  onRecord(at) {
    const buffer = this.exports.memory.buffer;
    const view = new DataView(buffer, at);
    const bytes = (pointer, count) => new Int8Array(buffer, view.getUint32(pointer, true), count).slice();
    this.steps.push({
      step: view.getUint32(RECORD.step, true),
      audioCrc: view.getUint32(RECORD.audioCrc, true),
      scores: bytes(RECORD.scores, this.model.labels.length),
      features: bytes(RECORD.features, this.stepFeatures),
      topLabel: view.getUint8(RECORD.top),
      topSmoothedQ15: view.getUint16(RECORD.topSmoothed, true),
      detection: view.getUint8(RECORD.detected)
        ? { label: view.getUint8(RECORD.label), smoothedQ15: view.getUint16(RECORD.detectedSmoothed, true) }
        : null,
      cost: null,
    });
  }
}
