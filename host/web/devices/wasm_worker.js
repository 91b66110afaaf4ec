/** Runs the pipeline in a thread of its own, so that drawing never delays it. Messages: see wasm.js. */
import { WasmPipeline } from "./wasm_module.js";

let pipeline = null;

async function open({ url, model }) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The model's module is not there. Received: ${response.status} for ${url}. Run make web.`);
  pipeline = await WasmPipeline.load(response, model);
  return { info: pipeline.info };
}

function push({ pcm }) {
  const start = performance.now();
  const steps = pipeline.push(pcm);
  const milliseconds = performance.now() - start;
  for (const step of steps) step.cost = { value: milliseconds / steps.length, unit: "ms" };
  return { steps, samples: pcm.length };
}

function reset() {
  pipeline.reset();
  return {};
}

const TASKS = { open, push, reset };

onmessage = async ({ data }) => {
  try {
    postMessage({ done: data.task, ...(await TASKS[data.task](data)) });
  } catch (error) {
    postMessage({ done: "failed", message: error.message });
  }
};
