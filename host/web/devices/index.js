/** The kinds of devices that the page can choose from. */
import { DEFAULT_BAUD, SerialDevice } from "./serial.js";
import { ServerDevice } from "./server.js";
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

/** Bits per second of a serial port: `?baud=115200`, or the kit's own. */
function baudOfAddress() {
  return Number(new URLSearchParams(location.search).get("baud")) || DEFAULT_BAUD;
}

/** @type {Kind[]} */
export const KINDS = [
  {
    id: "wasm",
    title: "This browser (firmware in WebAssembly)",
    unavailable: WasmDevice.unavailable,
    choosesModel: true,
    create: (options, handlers) => new WasmDevice(options.model, handlers),
  },
  {
    id: "server",
    title: "Board behind kws-host live",
    unavailable: ServerDevice.unavailable,
    choosesModel: false,
    create: (_, handlers) => new ServerDevice(handlers),
  },
  {
    id: "serial",
    title: "Board on this computer's USB",
    unavailable: SerialDevice.unavailable,
    choosesModel: false,
    create: (_, handlers) => new SerialDevice({ baud: baudOfAddress(), source: "page" }, handlers),
  },
  {
    id: "serial-own",
    title: "Board on USB, by its own microphone",
    unavailable: SerialDevice.unavailable,
    choosesModel: false,
    create: (_, handlers) => new SerialDevice({ baud: baudOfAddress(), source: "board" }, handlers),
  },
];
