/** The page: what its controls do, and what it shows. */
import { microphoneUnavailable } from "./audio/microphone.js";
import { readRecording } from "./audio/recording.js";
import { KINDS } from "./devices/index.js";
import { csvOf, download, jsonOf, wavOf } from "./save.js";
import { Session } from "./session.js";
import { onScheme } from "./view/canvas.js";
import { Detections } from "./view/detections.js";
import { Facts } from "./view/facts.js";
import { showFigures } from "./view/figures.js";
import { Timeline } from "./view/timeline.js";

const QUIET_MOTION_MS = 500; // between drawings where somebody asked for little motion

const element = (id) => document.getElementById(id);
const controls = Object.fromEntries(
  ["device", "model", "listen", "demo", "open", "file", "stop", "aloud", "seconds", "position", "newest"].map((id) => [id, element(id)]),
);
const saves = { "save-wav": saveWav, "save-json": saveJson, "save-csv": saveCsv };

const timeline = new Timeline(element("timeline"));
const detections = new Detections(element("detections"), element("none-heard"), element("announcer"));
const facts = new Facts(element("facts"), element("numbers"));
const session = new Session({
  onChange: changed,
  onDetection: (detection) => detections.add(session.history, detection),
  onMessage: say,
});
const motion = window.matchMedia("(prefers-reduced-motion: reduce)");
let models = { models: [] };
let shown = null; // the history that the page shows
let drawing = false;
let busy = false;
let openings = 0;

start();

async function start() {
  say("", "");
  const wanted = new URLSearchParams(location.search).get("device");
  for (const kind of KINDS) controls.device.add(new Option(kind.title, kind.id));
  if (KINDS.some((kind) => kind.id === wanted)) controls.device.value = wanted;
  await loadModels();
  connect();
  await openDevice();
}

async function loadModels() {
  try {
    const response = await fetch("models/index.json");
    if (response.ok) models = await response.json();
  } catch {
    // Said where a model is wanted: a page in front of a board needs none.
  }
  controls.model.replaceChildren(...models.models.map((model, index) => new Option(model.name, String(index))));
  controls.demo.hidden = !models.demo;
}

function connect() {
  controls.device.onchange = openDevice;
  controls.model.onchange = openDevice;
  controls.listen.onclick = listen;
  controls.stop.onclick = () => {
    session.stop();
    say("", "");
  };
  controls.open.onclick = () => controls.file.click();
  controls.demo.onclick = () => playFile(() => fetchDemo());
  controls.file.onchange = () => {
    const [file] = controls.file.files;
    if (file) playFile(() => file).finally(() => (controls.file.value = ""));
  };
  controls.seconds.onchange = () => {
    timeline.seconds = Number(controls.seconds.value);
    changed();
  };
  controls.position.oninput = () => {
    timeline.lastStep = Number(controls.position.value) >= Number(controls.position.max) ? null : Number(controls.position.value);
    changed();
  };
  controls.newest.onclick = () => {
    timeline.lastStep = null;
    changed();
  };
  for (const [id, save] of Object.entries(saves)) element(id).onclick = save;
  connectDrop();
  onScheme(changed);
  new ResizeObserver(changed).observe(element("timeline"));
}

function connectDrop() {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dragging", on);
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    const [file] = event.dataTransfer.files;
    if (file) playFile(() => file);
  });
}

/** Opens what the two lists say. */
async function openDevice() {
  const kind = KINDS.find(({ id }) => id === controls.device.value);
  element("model-choice").hidden = !kind.choosesModel;
  await act(`Starting: ${kind.title}…`, async () => {
    await session.close();
    const why = kind.unavailable();
    if (why) throw new Error(why);
    const model = models.models[Number(controls.model.value)];
    if (kind.choosesModel && !model) throw new Error("This page was put up without a model. Build it with: make web.");
    const options = kind.choosesModel ? { model: { module: new URL(`models/${model.module}`, location.href).href, facts: model } } : {};
    const mine = ++openings;
    try {
      await session.open(kind, options);
    } catch (error) {
      if (mine === openings) throw error; // else another was chosen meanwhile, which has its own say
    }
  });
  if (!session.device) return;
  const why = microphoneUnavailable();
  if (session.info?.source === "page" && why) say("note", why);
}

async function listen() {
  if (!session.device) await openDevice();
  if (session.info?.source !== "page") return;
  await act("Asking for the microphone…", () => session.listen());
  if (session.source === "microphone") say("note", "Listening.");
}

async function playFile(fetchFile) {
  if (!session.device) await openDevice();
  if (session.info?.source !== "page") return;
  await act("Reading the recording…", async () => {
    const pcm = await readRecording(await fetchFile(), session.info.sampleRateHz);
    say("", "");
    const playing = session.playRecording(pcm, controls.aloud.checked);
    busy = false;
    changed();
    const finished = await playing;
    if (finished) say("done", `Heard ${(pcm.length / session.info.sampleRateHz).toFixed(1)} s in ${session.history.endStep} steps.`);
  });
}

async function fetchDemo() {
  const response = await fetch(`models/${models.demo}`);
  if (!response.ok) throw new Error(`The spoken words are not there. Received: ${response.status}. Build the page again: make web.`);
  return response.blob();
}

/** Does something that takes a while, and says so; what goes wrong is said in one line. */
async function act(what, work) {
  busy = true;
  say("busy", what);
  changed();
  const said = element("message");
  try {
    await work();
    if (said.textContent === what) say("", "");
  } catch (error) {
    if (session.source !== "idle") session.stop();
    say("error", error.message);
  } finally {
    busy = false;
    changed();
  }
}

function say(kind, message) {
  const line = element("message");
  line.dataset.kind = kind;
  line.textContent = message;
}

/** Draws soon: at once with the next frame, or less often where somebody asked for little motion. */
function changed() {
  if (drawing) return;
  drawing = true;
  const draw = () => {
    drawing = false;
    show();
  };
  if (motion.matches) setTimeout(draw, QUIET_MOTION_MS);
  else requestAnimationFrame(draw);
}

function show() {
  if (session.history !== shown) {
    shown = session.history;
    timeline.show(shown);
    detections.clear();
    facts.show(session.info);
  }
  const running = session.source === "microphone" || session.source === "recording";
  const ready = !busy && session.device !== null && session.info?.source === "page";
  controls.listen.disabled = busy || running || (session.device !== null && !ready);
  controls.open.disabled = controls.demo.disabled = busy || running || (session.device !== null && !ready);
  controls.stop.disabled = !running;
  const steps = shown?.endStep ?? 0;
  for (const id of Object.keys(saves)) element(id).disabled = steps === 0;
  element("save-wav").disabled ||= !shown?.pcm.end;
  showPosition();
  showFigures(session, element);
  facts.showStep(shown);
  timeline.draw();
}

function showPosition() {
  const { position, newest } = controls;
  const first = shown ? Math.min(shown.endStep - 1, shown.firstStep + timeline.stepsInView - 1) : 0;
  const last = shown ? Math.max(0, shown.endStep - 1) : 0;
  position.min = String(Math.max(0, first));
  position.max = String(last);
  position.disabled = first >= last;
  if (timeline.lastStep === null) position.value = position.max;
  else timeline.lastStep = Math.max(first, Math.min(last, timeline.lastStep));
  newest.disabled = timeline.lastStep === null;
  if (shown) position.setAttribute("aria-valuetext", `up to ${shown.endS(Number(position.value)).toFixed(1)} seconds`);
}

function saveWav() {
  download("heard.wav", "audio/wav", [wavOf(session.history)]);
}

function saveJson() {
  download("steps.json", "application/json", [jsonOf(session.history)]);
}

function saveCsv() {
  download("steps.csv", "text/csv", [csvOf(session.history)]);
}
