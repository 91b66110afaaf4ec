/** The row of figures: whether real time is kept, level, latency, cost, losses. */

const FLOOR_DB = -60;
const CLIPPED = 0.999;
const NOTHING = "nothing";

/**
 * @param {import("../session.js").Session} session
 * @param {function(string): HTMLElement} element by its id.
 */
export function showFigures(session, element) {
  const { history } = session;
  const steps = history ? history.endStep : 0;
  const keepsUp = element("keeps-up");
  keepsUp.textContent = steps === 0 ? "–" : session.keepsUp ? "yes" : "no";
  keepsUp.dataset.state = steps === 0 ? "" : session.keepsUp ? "good" : "bad";
  element("latency").textContent = session.latencyMs === null ? "–" : `${session.latencyMs.toFixed(0)} ms`;
  element("cost").textContent = costText(session);
  const dropped = element("dropped");
  dropped.textContent = history ? droppedText(history) : "–";
  dropped.dataset.state = history && droppedText(history) !== NOTHING ? "bad" : "";
  element("steps").textContent = history ? steps.toLocaleString("en") : "–";
  showLevel(session, element("level"));
}

function costText({ cost, load }) {
  if (!cost) return "–";
  if (cost.unit !== "ms") return `${Math.round(cost.value).toLocaleString("en")} ${cost.unit}`;
  return `${cost.value.toFixed(2)} ms (${(100 * load).toFixed(load < 0.1 ? 1 : 0)} %)`;
}

/** What the device could not take, and what a wire lost. */
function droppedText({ droppedSamples, missedSamples, missedSteps, info }) {
  const samples = droppedSamples + missedSamples;
  const parts = samples > 0 ? [`${((1000 * samples) / info.sampleRateHz).toFixed(0)} ms`] : [];
  if (missedSteps > 0) parts.push(`${missedSteps} steps`);
  return parts.join(", ") || NOTHING;
}

function showLevel({ level, source }, meter) {
  const db = source === "idle" || level.rms === 0 ? FLOOR_DB : Math.max(FLOOR_DB, 20 * Math.log10(level.rms));
  meter.firstElementChild.style.width = `${(100 * (db - FLOOR_DB)) / -FLOOR_DB}%`;
  meter.dataset.loud = String(source !== "idle" && level.peak >= CLIPPED);
  meter.setAttribute("aria-label", db === FLOOR_DB ? "Level: silent" : `Level: ${db.toFixed(0)} decibels of full scale`);
}
