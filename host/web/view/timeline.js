/** Everything over time, on one axis: the spectrum, a line of each label's score, the best posterior, detections as marks. */
import { palette, prepare } from "./canvas.js";
import { Spectrogram } from "./spectrogram.js";

const SPECTRUM_HEIGHT = 112;
const ROW_HEIGHT = 28;
const BEST_HEIGHT = 56;
const AXIS_HEIGHT = 22;
const GAP = 10;
const NAMES_WIDTH = 84;
const VALUES_WIDTH = 40;
const NEVER_Q15 = 32768;
const FULL_Q15 = 32767;

export class Timeline {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** Seconds in view. */
    this.seconds = 10;
    /** The last step in view, or null: the newest. */
    this.lastStep = null;
    this.show(null);
  }

  /** @param {?import("../history.js").History} history */
  show(history) {
    this.history = history;
    this.spectrogram = history && new Spectrogram(history);
    this.lastStep = null;
  }

  /** Steps in view, as many as fit. */
  get stepsInView() {
    const { info } = this.history;
    return Math.max(2, Math.round((this.seconds * info.sampleRateHz) / (info.hopSamples * info.framesPerStep)));
  }

  draw() {
    if (!this.history) {
      prepare(this.canvas, SPECTRUM_HEIGHT);
      return;
    }
    this.spectrogram.update();
    const { labels } = this.history.info;
    const rowsTop = SPECTRUM_HEIGHT + GAP;
    const bestTop = rowsTop + labels.length * ROW_HEIGHT + GAP;
    const { context, width } = prepare(this.canvas, bestTop + BEST_HEIGHT + AXIS_HEIGHT);
    context.font = palette().font;
    const end = this.lastStep === null ? Math.max(this.history.endStep, this.stepsInView) : this.lastStep + 1;
    const view = { first: end - this.stepsInView, end, left: NAMES_WIDTH, width: width - NAMES_WIDTH - VALUES_WIDTH };
    const x = (step) => view.left + ((step - view.first) * view.width) / (view.end - view.first);
    this.drawAxis(context, view, x, bestTop + BEST_HEIGHT);
    this.drawSpectrum(context, view);
    labels.forEach((label, index) => this.drawScore(context, view, x, label, index, rowsTop + index * ROW_HEIGHT));
    this.drawBest(context, view, x, bestTop);
    this.drawDetections(context, view, x, rowsTop, bestTop + BEST_HEIGHT);
  }

  drawSpectrum(context, view) {
    const { info } = this.history;
    const colours = palette();
    context.fillStyle = colours["ramp-0"];
    context.fillRect(view.left, 0, view.width, SPECTRUM_HEIGHT);
    this.spectrogram.draw(context, view.first, view.end, view.left, 0, view.width, SPECTRUM_HEIGHT);
    context.fillStyle = colours.muted;
    context.textAlign = "right";
    const isSound = this.history.pcm.end > 0 || !this.history.hasFeatures;
    const [high, low] = isSound ? [`${info.sampleRateHz / 2000} kHz`, "0"] : [`feature ${info.featureCount - 1}`, "0"];
    context.textBaseline = "top";
    context.fillText(high, view.left - 8, 2);
    context.textBaseline = "bottom";
    context.fillText(low, view.left - 8, SPECTRUM_HEIGHT - 1);
  }

  drawAxis(context, view, x, bottom) {
    const colours = palette();
    const { info } = this.history;
    const stepS = (info.hopSamples * info.framesPerStep) / info.sampleRateHz;
    const offsetS = this.history.endS(0);
    const every = [1, 2, 5, 10, 20].find((step) => (view.width * step) / this.seconds > 48) ?? 30;
    context.textAlign = "center";
    context.textBaseline = "top";
    const start = Math.ceil((view.first * stepS + offsetS) / every) * every;
    for (let second = Math.max(0, start); second <= view.end * stepS + offsetS; second += every) {
      const at = Math.round(x((second - offsetS) / stepS)) + 0.5;
      if (at < view.left || at > view.left + view.width) continue;
      context.strokeStyle = colours.grid;
      line(context, at, SPECTRUM_HEIGHT, at, bottom);
      context.fillStyle = colours.muted;
      context.fillText(clock(second), at, bottom + 6);
    }
  }

  drawScore(context, view, x, label, index, top) {
    const colours = palette();
    const { scores, endStep, firstStep } = this.history;
    const last = Math.min(view.end, endStep) - 1;
    const isTop = last >= firstStep && this.history.topLabel.value(last) === index;
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillStyle = isTop ? colours.text : colours.muted;
    context.fillText(shortened(context, label, NAMES_WIDTH - 12), view.left - 8, top + ROW_HEIGHT / 2);
    context.strokeStyle = colours.grid;
    line(context, view.left, top + ROW_HEIGHT - 0.5, view.left + view.width, top + ROW_HEIGHT - 0.5);
    const y = (score) => top + ROW_HEIGHT - 2 - ((score + 128) / 255) * (ROW_HEIGHT - 4);
    if (last < Math.max(view.first, firstStep)) return;
    this.area(context, view, x, (step) => y(scores.row(step)[index]), top + ROW_HEIGHT - 1, isTop);
    context.textAlign = "left";
    context.fillStyle = isTop ? colours.text : colours.muted;
    context.fillText(String(scores.row(last)[index]), view.left + view.width + 6, top + ROW_HEIGHT / 2);
  }

  /** The smoothed posterior of whatever label has the largest, and the threshold that it would have to reach. */
  drawBest(context, view, x, top) {
    const colours = palette();
    const { topSmoothedQ15, topLabel, info, endStep, firstStep } = this.history;
    const y = (q15) => top + BEST_HEIGHT - 2 - (q15 / FULL_Q15) * (BEST_HEIGHT - 6);
    context.fillStyle = colours.muted;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText("posterior", view.left - 8, top + BEST_HEIGHT / 2);
    context.strokeStyle = colours.grid;
    line(context, view.left, top + BEST_HEIGHT - 0.5, view.left + view.width, top + BEST_HEIGHT - 0.5);
    const last = Math.min(view.end, endStep) - 1;
    const first = Math.max(view.first, firstStep, 0);
    if (last < first) return;
    this.area(context, view, x, (step) => y(topSmoothedQ15.value(step)), top + BEST_HEIGHT - 1, true);
    context.textAlign = "left";
    context.fillStyle = colours.text;
    context.fillText((topSmoothedQ15.value(last) / NEVER_Q15).toFixed(2), view.left + view.width + 6, top + BEST_HEIGHT / 2);
    if (!info.thresholdsQ15) return;
    context.strokeStyle = colours.mark;
    for (let step = first; step <= last; ++step) {
      const threshold = info.thresholdsQ15[topLabel.value(step)];
      if (threshold < NEVER_Q15) line(context, x(step), y(threshold), x(step + 1), y(threshold));
    }
  }

  drawDetections(context, view, x, rowsTop, bottom) {
    const colours = palette();
    for (const { step, label } of this.history.detections) {
      if (step < view.first || step >= view.end) continue;
      const at = x(step + 1);
      const top = rowsTop + label * ROW_HEIGHT;
      context.strokeStyle = colours.mark;
      context.lineWidth = 1.5;
      line(context, at, 0, at, bottom);
      context.lineWidth = 1;
      context.fillStyle = colours.mark;
      context.beginPath();
      context.arc(at, top + ROW_HEIGHT / 2, 5, 0, 2 * Math.PI);
      context.fill();
    }
  }

  area(context, view, x, y, base, strong) {
    const colours = palette();
    const first = Math.max(view.first, this.history.firstStep, 0);
    const last = Math.min(view.end, this.history.endStep) - 1;
    context.beginPath();
    for (let step = first; step <= last; ++step) context.lineTo(x(step + 1), y(step));
    context.strokeStyle = strong ? colours.accent : colours.line;
    context.lineWidth = strong ? 1.5 : 1;
    context.stroke();
    context.lineWidth = 1;
    context.lineTo(x(last + 1), base);
    context.lineTo(x(first + 1), base);
    context.fillStyle = colours["accent-soft"];
    context.fill();
  }
}

/** Seconds as m:ss. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function shortened(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) --length;
  return `${text.slice(0, length)}…`;
}
