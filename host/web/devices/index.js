/** The kinds of devices that the page can choose from. */
import { WasmDevice } from "./wasm.js";

/**
 * @typedef {Object} Kind
 * @property {string} id in the address: `?device=wasm`.
 * @property {string} title in the list.
 * @property {function(): ?string} unavailable why this browser or this server cannot offer it, in words; null: it can.
 * @property {boolean} choosesModel whether create() wants one of the models of models/index.json.
 * @property {function(Object, import("./device.js").Handlers): import("./device.js").Device} create makes one, not yet
 *     open. The first argument has `model`, an entry of models/index.json, for kinds that choose one.
 */

/** @type {Kind[]} */
export const KINDS = [
  {
    id: "wasm",
    title: "This browser (firmware in WebAssembly)",
    unavailable: WasmDevice.unavailable,
    choosesModel: true,
    create: (options, handlers) => new WasmDevice(options.model, handlers),
  },
];
