/** The firmware in WebAssembly, in a worker of this browser. */
import { Device } from "./device.js";
import { unavailable } from "./wasm_module.js";

export class WasmDevice extends Device {
  static unavailable = unavailable;

  /**
   * @param {{module: string, facts: Object}} model address of the module, and what its .json says.
   * @param {import("./device.js").Handlers} handlers
   */
  constructor(model, handlers) {
    super(handlers);
    this.model = model;
    this.worker = null;
    this.asked = []; // who waits for an answer, in the order of asking
  }

  async open() {
    this.worker = new Worker(new URL("./wasm_worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.onMessage(data);
    this.worker.onerror = () => this.broken("The worker of WebAssembly did not start: reload the page, or use a newer browser.");
    const { info } = await this.ask({ task: "open", url: this.model.module, model: this.model.facts });
    return info;
  }

  take(pcm) {
    this.worker.postMessage({ task: "push", pcm });
  }

  async restart() {
    await this.ask({ task: "reset" });
  }

  async close() {
    this.worker?.terminate();
    this.refuse("The device was closed.");
    this.ended();
  }

  ask(message) {
    return new Promise((resolve, reject) => {
      this.asked.push({ task: message.task, resolve, reject });
      this.worker.postMessage(message);
    });
  }

  onMessage(data) {
    if (data.done === "failed") {
      this.broken(data.message);
    } else if (data.done === "push") {
      if (data.steps.length) this.handlers.onSteps?.(data.steps);
      this.settled(data.samples);
    } else {
      const at = this.asked.findIndex(({ task }) => task === data.done);
      if (at >= 0) this.asked.splice(at, 1)[0].resolve(data);
    }
  }

  broken(message) {
    if (this.refuse(message)) this.ended();
    else this.fail(message);
  }

  /** Tells who waits for an answer that none will come. Returns whether somebody did. */
  refuse(message) {
    const { asked } = this;
    this.asked = [];
    for (const answer of asked) answer.reject(new Error(message));
    return asked.length > 0;
  }
}
