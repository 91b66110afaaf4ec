/** What the model is, and its last step in numbers: the charts for who reads rather than looks. */

const NEVER_Q15 = 32768;

export class Facts {
  constructor(list, rows) {
    this.list = list;
    this.rows = rows;
    this.cells = [];
  }

  /** @param {?import("../devices/device.js").Info} info */
  show(info) {
    this.list.replaceChildren();
    this.rows.replaceChildren();
    this.cells = [];
    if (!info) return;
    const stepMs = (1000 * info.hopSamples * info.framesPerStep) / info.sampleRateHz;
    this.fact("Runs on", info.device);
    this.fact("Model", info.modelName);
    this.fact("SHA-256", info.modelSha256);
    this.fact("Firmware", [info.firmwareVersion, info.engine && `engine ${info.engine}`].filter(Boolean).join(", "));
    this.fact("Hears", `${info.sampleRateHz.toLocaleString("en")} Hz, a step every ${stepMs} ms`);
    if (info.smoothingSteps) this.fact("Posteriors", `mean of ${info.smoothingSteps} steps`);
    info.labels.forEach((label, index) => this.row(label, info.thresholdsQ15?.[index] ?? null));
  }

  /** @param {?import("../history.js").History} history */
  showStep(history) {
    if (!history || history.endStep === history.firstStep) return;
    const scores = history.scores.row(history.endStep - 1);
    this.cells.forEach((cell, index) => (cell.textContent = String(scores[index])));
  }

  fact(name, value) {
    const term = document.createElement("dt");
    term.textContent = name;
    const description = document.createElement("dd");
    description.textContent = value;
    this.list.append(term, description);
  }

  row(label, thresholdQ15) {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = label;
    const score = document.createElement("td");
    score.textContent = "–";
    const threshold = document.createElement("td");
    threshold.textContent = thresholdQ15 === null ? "–" : thresholdQ15 >= NEVER_Q15 ? "never" : (thresholdQ15 / NEVER_Q15).toFixed(3);
    row.append(name, score, threshold);
    this.cells.push(score);
    this.rows.append(row);
  }
}
