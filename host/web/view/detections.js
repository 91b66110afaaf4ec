/** The list of detections, the newest first, which is also read aloud to who cannot see it. */
import { clock } from "./timeline.js";

const SHOWN = 200;

export class Detections {
  constructor(list, none, announcer) {
    this.list = list;
    this.none = none;
    this.announcer = announcer;
  }

  clear() {
    this.list.replaceChildren();
    this.announcer.textContent = "";
    this.none.hidden = false;
  }

  /**
   * @param {import("../history.js").History} history
   * @param {{step: number, label: number, smoothedQ15: number}} detection
   */
  add(history, { step, label, smoothedQ15 }) {
    const seconds = history.endS(step);
    const name = document.createElement("b");
    name.textContent = history.info.labels[label];
    const posterior = document.createElement("span");
    posterior.textContent = `posterior ${(smoothedQ15 / 32768).toFixed(3)}`;
    const time = document.createElement("span");
    time.textContent = `${clock(seconds)}.${String(Math.floor((seconds % 1) * 100)).padStart(2, "0")}`;
    const row = document.createElement("li");
    row.append(name, posterior, time);
    this.list.prepend(row);
    if (this.list.childElementCount > SHOWN) this.list.lastElementChild.remove();
    this.none.hidden = true;
    this.announcer.textContent = `Heard: ${name.textContent}, at ${seconds.toFixed(1)} seconds.`;
  }
}
