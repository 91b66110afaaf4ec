/** Files that the page gives away: PCM as WAV, steps as JSON or CSV. Field names are those of the kit's Python. */
import { encodeWav } from "./audio/wav.js";

/** Hands a file to the browser's downloads. */
export function download(name, type, parts) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The PCM that the device took, as far as it is kept. */
export function wavOf(history) {
  return encodeWav(history.pcm.all(), history.info.sampleRateHz);
}

/**
 * Every integer of every step that is kept. `first_sample` is 0 where the WAV begins at the reset, as the steps count;
 * `missed_samples` are zeros in it, which a wire lost.
 */
export function jsonOf(history) {
  const { info } = history;
  const detections = new Map(history.detections.map((detection) => [detection.step, detection]));
  const steps = [];
  for (let step = history.firstStep; step < history.endStep; ++step) {
    const detection = detections.get(step);
    steps.push({
      step,
      end_s: history.endS(step),
      audio_crc: history.audioCrc.value(step),
      scores: Array.from(history.scores.row(step)),
      features: history.hasFeatures ? Array.from(history.features.row(step)) : null,
      top_label: history.topLabel.value(step),
      top_smoothed_q15: history.topSmoothedQ15.value(step),
      detection: detection ? { label: detection.label, smoothed_q15: detection.smoothedQ15 } : null,
    });
  }
  const head = {
    device: info.device,
    engine: info.engine,
    firmware_version: info.firmwareVersion,
    model_name: info.modelName,
    model_sha256: info.modelSha256,
    labels: info.labels,
    sample_rate_hz: info.sampleRateHz,
    first_sample: history.pcm.first,
    samples: history.pcm.end - history.pcm.first,
    dropped_samples: history.droppedSamples,
    missed_samples: history.missedSamples,
    missed_steps: history.missedSteps,
  };
  // A step a line: large files stay readable.
  const lines = steps.map((step) => JSON.stringify(step)).join(",\n");
  return `${JSON.stringify(head, null, 1).slice(0, -2)},\n "steps": [\n${lines}\n]}\n`;
}

/** A line of each step, for a spreadsheet. */
export function csvOf(history) {
  const { labels } = history.info;
  const detections = new Map(history.detections.map((detection) => [detection.step, detection]));
  const lines = [["step", "end_s", "audio_crc", "top_label", "top_smoothed_q15", "detected", ...labels].map(quoted).join(",")];
  for (let step = history.firstStep; step < history.endStep; ++step) {
    const detected = detections.has(step) ? labels[detections.get(step).label] : "";
    const facts = [step, history.endS(step).toFixed(3), history.audioCrc.value(step), labels[history.topLabel.value(step)]];
    lines.push([...facts, history.topSmoothedQ15.value(step), detected, ...history.scores.row(step)].map(quoted).join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** A cell. A label that a spreadsheet would take for a formula gets an apostrophe. */
function quoted(cell) {
  if (typeof cell === "number") return String(cell);
  const safe = /^[=+\-@\t]/.test(cell) && !/^-?\d+(\.\d+)?$/.test(cell) ? `'${cell}` : cell;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
