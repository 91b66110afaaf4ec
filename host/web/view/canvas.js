/** What every drawing shares: sharp pixels, and colours that the style sheet names. */

/**
 * Fits a canvas to its place on the page and the screen's pixels.
 *
 * @returns {{context: CanvasRenderingContext2D, width: number, height: number}} sizes in CSS pixels; empty canvas.
 */
export function prepare(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

let colours = null;

/** The style sheet's colours by their names without the dashes, for light or dark as it is now. */
export function palette() {
  if (colours) return colours;
  const style = getComputedStyle(document.documentElement);
  const names = ["text", "muted", "line", "grid", "accent", "accent-soft", "mark", "ramp-0", "ramp-1", "ramp-2", "ramp-3", "ramp-4"];
  colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  colours.ramp = rampOf([0, 1, 2, 3, 4].map((index) => colours[`ramp-${index}`]));
  colours.font = `12px ${style.getPropertyValue("--font").trim()}`;
  return colours;
}

/** Calls back when light changes to dark, or back. */
export function onScheme(callback) {
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    colours = null;
    callback();
  });
}

/** 256 colours, RGBA as canvases have them, through stops "#rrggbb". */
function rampOf(stops) {
  const parts = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
  const ramp = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; ++i) {
    const place = (i / 255) * (parts.length - 1);
    const stop = Math.min(parts.length - 2, Math.floor(place));
    for (let c = 0; c < 3; ++c) ramp[4 * i + c] = parts[stop][c] + (place - stop) * (parts[stop + 1][c] - parts[stop][c]);
    ramp[4 * i + 3] = 255;
  }
  return ramp;
}
