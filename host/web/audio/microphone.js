/** The microphone as PCM of a device's rate. */
import { Resampler, toInt16 } from "./resample.js";

const REFUSALS = {
  NotAllowedError: "The microphone was not allowed. Allow it for this page (the sign beside the address), then listen again.",
  NotFoundError: "There is no microphone. Plug one in, or open a recording instead.",
  NotReadableError: "The microphone is in use by another program, or does not answer. Close the other one, then listen again.",
};

const PATIENCE_MS = 5000; // Firefox waits for ever where a machine has no sound device

/** Why this page cannot have a microphone, in words; null: it can ask for one. */
export function microphoneUnavailable() {
  if (!window.isSecureContext) {
    return "Browsers give a microphone only to pages that come by https, or from this machine (http://localhost). Open it that way, or open a recording.";
  }
  if (!navigator.mediaDevices?.getUserMedia || typeof AudioWorkletNode === "undefined") {
    return "This browser has no microphone for pages (getUserMedia, AudioWorklet). Use a newer one, or open a recording.";
  }
  return null;
}

export class Microphone {
  /**
   * @param {number} rateHz
   * @param {function(Int16Array): void} onPcm about every 20 ms.
   * @param {function(string): void} onEnd the microphone went away, in words.
   */
  constructor(rateHz, onPcm, onEnd) {
    this.rateHz = rateHz;
    this.onPcm = onPcm;
    this.onEnd = onEnd;
  }

  /** @throws {Error} one line in words. */
  async start() {
    const why = microphoneUnavailable();
    if (why) throw new Error(why);
    // As a board hears: nothing that a browser does to make speech pleasant for people.
    const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new Error(REFUSALS[error.name] ?? `The microphone cannot be had (${error.message || error.name}). Open a recording instead.`);
    }
    try {
      await this.connect();
    } catch (error) {
      this.stop();
      throw new Error(`The microphone cannot be read (${error.message || error.name}). Use another browser, or open a recording.`);
    }
    for (const track of this.stream.getAudioTracks()) {
      track.onended = () => this.onEnd("The microphone went away. Plug it in, then listen again.");
    }
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    if (this.node) this.node.port.onmessage = null;
    if (this.context && this.context.state !== "closed") this.context.close();
    this.context = null;
  }

  async connect() {
    try {
      this.context = new AudioContext({ sampleRate: this.rateHz, latencyHint: "interactive" });
      this.source = this.context.createMediaStreamSource(this.stream);
    } catch {
      // Firefox joins no microphone to a context of another rate: then the rate is converted here.
      await this.context?.close();
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.source = this.context.createMediaStreamSource(this.stream);
    }
    await this.context.audioWorklet.addModule(new URL("./capture_worklet.js", import.meta.url));
    this.node = new AudioWorkletNode(this.context, "kws-capture", { numberOfOutputs: 0 });
    const rate = this.context.sampleRate;
    const resampler = rate === this.rateHz ? null : new Resampler(Math.round(rate), this.rateHz);
    this.node.port.onmessage = ({ data }) => this.onPcm(toInt16(resampler ? resampler.push(data) : data));
    this.source.connect(this.node);
    await Promise.race([this.context.resume(), tooLong()]);
  }
}

function tooLong() {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error("the browser's sound does not start")), PATIENCE_MS);
  });
}
