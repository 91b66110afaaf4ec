// What host and firmware say to each other: numbers, and the fields of every message. host/PROTOCOL.md is the specification.
//
// DO NOT EDIT. Generated from training/kws_reference/protocol/messages.py, where to change it; then regenerate:
// python -m kws_codegen.protocol --overwrite

export const PROTOCOL_VERSION = 1;
export const FRAME_HEADER_BYTES = 4;
export const FRAME_CRC_BYTES = 4;
export const MAX_PAYLOAD_BYTES = 768;
export const LEVELS_PER_LABEL = 4;
export const ANSWER_TIMEOUT_MS = 2000;
export const REQUEST_ATTEMPTS = 3;

export const MessageType = Object.freeze({
  GET_INFO: 0x01, // who is there
  RESET: 0x02, // forget all audio
  AUDIO: 0x03, // a piece of PCM
  CONFIGURE: 0x04, // what STEP and BENCH hold
  GET_BENCH: 0x05, // sums of ticks
  GET_STATS: 0x06, // counters and memory
  GET_FAULT: 0x07, // the last processor fault
  GET_NAMES: 0x08, // labels, states or layers
  RESTART: 0x09, // reset the chip
  TEST_FAULT: 0x0a, // fault on purpose
  SET_SOURCE: 0x0b, // where PCM comes from
  SET_DETECTOR: 0x0c, // thresholds and smoothing
  GET_DETECTOR: 0x0d, // thresholds and smoothing that hold
  INFO: 0x81, // what runs on the device
  RESET_DONE: 0x82, // all audio is forgotten
  CREDIT: 0x83, // how much audio may be sent
  CONFIGURED: 0x84, // the flags that hold now
  BENCH: 0x85, // sums of ticks over the steps since RESET
  STATS: 0x86, // counters since start-up (they wrap at 2^32), and memory
  FAULT: 0x87, // registers of the last processor fault
  NAMES: 0x88, // names of one kind, as many as fit
  SOURCE: 0x89, // where PCM comes from now
  DETECTOR: 0x8a, // thresholds and smoothing that hold now
  HELLO: 0x90, // the firmware (re)started
  STEP: 0x91, // results of one step
  DETECTION: 0x92, // the detector raised a detection
  STATE_DIGEST: 0x93, // the network's states after a step
  FRONTEND_DIGEST: 0x94, // what the stages of the front end computed in a step
  AUDIO_HEARD: 0x95, // a piece of the PCM that the front end took
  ERROR: 0x9f, // a request that the device refuses
});

export const ErrorCode = Object.freeze({
  BAD_VERSION: 1, // the frame has another protocol version; detail: the device's
  UNKNOWN_TYPE: 2, // no such request; detail: 0
  BAD_PAYLOAD: 3, // the payload's length, or a value in it, is wrong; detail: its length
  AUDIO_GAP: 4, // AUDIO starts behind the end of the last one; detail: the offset to go on from
  AUDIO_OVERRUN: 5, // AUDIO beyond the granted credit, dropped; detail: the credit's limit
  UNAVAILABLE: 6, // not offered, or not now; detail: 0, or the status of the microphone or of the settings' memory
  ENGINE: 7, // the engine's start or a step failed; detail: its status
});

export const Status = Object.freeze({
  OK: 0,
  INVALID_ARGUMENT: 1, // a parameter is outside its documented range
  OUT_OF_RANGE: 2, // a size does not fit the caller's buffer
  UNAVAILABLE: 3, // the board or the build does not offer this
  DATA_LOSS: 4, // bytes arrived corrupted or truncated
  BUSY: 5, // the other side must drain first
  FAILED_PRECONDITION: 6, // called in the wrong state, for example before Init()
  INTERNAL: 7, // a check that cannot fail did; please report it
});

export const FaultType = Object.freeze({
  NMI: 2, // NMI
  HARD: 3, // HardFault
  MEMORY: 4, // MemManage fault
  BUS: 5, // BusFault
  USAGE: 6, // UsageFault
  SECURE: 7, // SecureFault
  UNEXPECTED_INTERRUPT: 16, // unexpected interrupt
  STACK_OVERFLOW: 256, // stack overflow
  WATCHDOG: 257, // watchdog
});

export const NamesKind = Object.freeze({
  LABELS: 0, // labels, in the order of the scores
  STATES: 1, // states, in tensor order
  LAYERS: 2, // layers, in the order in which a step runs them
});

export const SourceKind = Object.freeze({
  HOST: 0, // the host, by AUDIO
  MICROPHONE: 1, // the board's microphone; AUDIO is refused with UNAVAILABLE
});

export const ClockKind = Object.freeze({
  NONE: 0, // no clock: ticks stay 0
  INSTRUCTIONS: 1, // executed instructions (emulated boards)
  CYCLES: 2, // cycles of the core's clock
});

/** Bits of CONFIGURE. */
export const Config = Object.freeze({
  FEATURES: 1, // STEP carries the features
  STATE_DIGESTS: 2, // a STATE_DIGEST follows each STEP
  PROFILE: 4, // BENCH counts each layer (makes the engine a little slower)
  FRONTEND_DIGESTS: 8, // a FRONTEND_DIGEST follows each STEP (front end `micro`)
  AUDIO: 16, // AUDIO_HEARD brings what the front end takes, before the STEP that it completes
});

/** Types of answers: what answers a request. */
export const ANSWERS = Object.freeze({
  [MessageType.GET_INFO]: MessageType.INFO,
  [MessageType.RESET]: MessageType.RESET_DONE,
  [MessageType.AUDIO]: MessageType.CREDIT,
  [MessageType.CONFIGURE]: MessageType.CONFIGURED,
  [MessageType.GET_BENCH]: MessageType.BENCH,
  [MessageType.GET_STATS]: MessageType.STATS,
  [MessageType.GET_FAULT]: MessageType.FAULT,
  [MessageType.GET_NAMES]: MessageType.NAMES,
  [MessageType.SET_SOURCE]: MessageType.SOURCE,
  [MessageType.SET_DETECTOR]: MessageType.DETECTOR,
  [MessageType.GET_DETECTOR]: MessageType.DETECTOR,
});

/** Fields in the order of the payload: `payload.js` reads and writes them. */
export const MESSAGES = Object.freeze({
  // AUDIO: PCM that starts at an offset.
  AUDIO: {
    type: MessageType.AUDIO,
    fields: [
      { name: "offsetBytes", kind: "u32" },
      { name: "pcm", kind: "rest" },
    ],
  },
  // CONFIGURE: chooses what STEP and BENCH hold.
  CONFIGURE: {
    type: MessageType.CONFIGURE,
    fields: [
      { name: "flags", kind: "u8" },
    ],
  },
  // GET_BENCH: sums of the layers from one on.
  GET_BENCH: {
    type: MessageType.GET_BENCH,
    fields: [
      { name: "firstLayer", kind: "u16" },
    ],
  },
  // GET_NAMES: names of one kind from one on.
  GET_NAMES: {
    type: MessageType.GET_NAMES,
    fields: [
      { name: "kind", kind: "u8" },
      { name: "first", kind: "u16" },
    ],
  },
  // SET_SOURCE: where PCM comes from. Forgets all audio, as RESET does.
  SET_SOURCE: {
    type: MessageType.SET_SOURCE,
    fields: [
      { name: "kind", kind: "u8" },
      { name: "gainQ8", kind: "u16", default: 256 },
      { name: "removeDc", kind: "u8", default: 1 },
    ],
  },
  // SET_DETECTOR: settings of the detector, and the levels of some labels, from one on.
  SET_DETECTOR: {
    type: MessageType.SET_DETECTOR,
    fields: [
      { name: "action", kind: "u8" },
      { name: "smoothingSteps", kind: "u8" },
      { name: "runSteps", kind: "u8" },
      { name: "refractorySteps", kind: "u16" },
      { name: "quietSteps", kind: "u16" },
      { name: "firstLabel", kind: "u8" },
      { name: "levels", kind: "rest" },
    ],
  },
  // GET_DETECTOR: settings of the detector, with levels from one label on.
  GET_DETECTOR: {
    type: MessageType.GET_DETECTOR,
    fields: [
      { name: "firstLabel", kind: "u8" },
    ],
  },
  // RESTART: resets the chip; no answer.
  RESTART: {
    type: MessageType.RESTART,
    fields: [
      { name: "key", kind: "u32", default: 1414681428, constant: true },
    ],
  },
  // TEST_FAULT: the device faults on purpose; no answer.
  TEST_FAULT: {
    type: MessageType.TEST_FAULT,
    fields: [
      { name: "key", kind: "u32", default: 1414283590, constant: true },
    ],
  },
  // CONFIGURED: the flags that hold now.
  CONFIGURED: {
    type: MessageType.CONFIGURED,
    fields: [
      { name: "flags", kind: "u8" },
    ],
  },
  // SOURCE: where PCM comes from now.
  SOURCE: {
    type: MessageType.SOURCE,
    fields: [
      { name: "kind", kind: "u8" },
    ],
  },
  // DETECTOR: settings that hold, and the levels of as many labels as fit, from one on.
  DETECTOR: {
    type: MessageType.DETECTOR,
    fields: [
      { name: "origin", kind: "u8" },
      { name: "maxSmoothingSteps", kind: "u8" },
      { name: "smoothingSteps", kind: "u8" },
      { name: "runSteps", kind: "u8" },
      { name: "refractorySteps", kind: "u16" },
      { name: "quietSteps", kind: "u16" },
      { name: "firstLabel", kind: "u8" },
      { name: "levels", kind: "many", count: "u16", item: "u16" },
    ],
  },
  // INFO: what runs on the device.
  INFO: {
    type: MessageType.INFO,
    fields: [
      { name: "clockKind", kind: "u8" },
      { name: "tickNumerator", kind: "u32" },
      { name: "tickDenominator", kind: "u32" },
      { name: "sampleRateHz", kind: "u32" },
      { name: "windowSamples", kind: "u16" },
      { name: "hopSamples", kind: "u16" },
      { name: "framesPerStep", kind: "u8" },
      { name: "featureCount", kind: "u8" },
      { name: "labelCount", kind: "u8" },
      { name: "stateCount", kind: "u8" },
      { name: "layerCount", kind: "u16" },
      { name: "maxPayloadBytes", kind: "u16", constant: true },
      { name: "creditWindowBytes", kind: "u32" },
      { name: "stateBytes", kind: "u32" },
      { name: "scratchBytes", kind: "u32" },
      { name: "weightsBytes", kind: "u32" },
      { name: "stackSizeBytes", kind: "u32" },
      { name: "modelSha256", kind: "digest", size: 32 },
      { name: "firmwareVersion", kind: "str" },
      { name: "board", kind: "str" },
      { name: "engine", kind: "str" },
      { name: "modelName", kind: "str" },
    ],
  },
  // CREDIT: how far the device has come, and how far the host may go.
  CREDIT: {
    type: MessageType.CREDIT,
    fields: [
      { name: "receivedBytes", kind: "u32" },
      { name: "limitBytes", kind: "u32" },
    ],
  },
  // RESET_DONE: the first credit.
  RESET_DONE: {
    type: MessageType.RESET_DONE,
    fields: [
      { name: "receivedBytes", kind: "u32" },
      { name: "limitBytes", kind: "u32" },
    ],
  },
  // BENCH: sums of ticks over the steps since RESET, of layers from one on.
  BENCH: {
    type: MessageType.BENCH,
    fields: [
      { name: "steps", kind: "u32" },
      { name: "frontendTicks", kind: "u64" },
      { name: "engineTicks", kind: "u64" },
      { name: "detectorTicks", kind: "u64" },
      { name: "firstLayer", kind: "u16" },
      { name: "layerTicks", kind: "many", count: "u8", item: "u32" },
      { name: "awakeTicks", kind: "u64", default: 0n },
    ],
  },
  // STATS: counters since start-up (they wrap at 2^32) and memory figures.
  STATS: {
    type: MessageType.STATS,
    fields: [
      { name: "framesOk", kind: "u32" },
      { name: "framesBadCobs", kind: "u32" },
      { name: "framesTooShort", kind: "u32" },
      { name: "framesTooLong", kind: "u32" },
      { name: "framesBadCrc", kind: "u32" },
      { name: "framesRepeated", kind: "u32" },
      { name: "errorsSent", kind: "u32" },
      { name: "serialOverruns", kind: "u32" },
      { name: "audioGaps", kind: "u32" },
      { name: "audioOverruns", kind: "u32" },
      { name: "audioRepeatedBytes", kind: "u32" },
      { name: "steps", kind: "u32" },
      { name: "detections", kind: "u32" },
      { name: "stackSizeBytes", kind: "u32" },
      { name: "stackUsedBytes", kind: "u32" },
      { name: "stateBytes", kind: "u32" },
      { name: "scratchBytes", kind: "u32" },
      { name: "weightsBytes", kind: "u32" },
      { name: "frontendBytes", kind: "u32" },
      { name: "detectorBytes", kind: "u32" },
      { name: "linkBytes", kind: "u32" },
      { name: "audioRingBytes", kind: "u32" },
      { name: "microphoneSamples", kind: "u32", default: 0 },
      { name: "microphoneLostSamples", kind: "u32", default: 0 },
    ],
  },
  // FAULT: registers of the last processor fault. All addresses are the board's.
  FAULT: {
    type: MessageType.FAULT,
    fields: [
      { name: "count", kind: "u32" },
      { name: "type", kind: "u32" },
      { name: "pc", kind: "u32" },
      { name: "lr", kind: "u32" },
      { name: "sp", kind: "u32" },
      { name: "xpsr", kind: "u32" },
      { name: "cfsr", kind: "u32" },
      { name: "hfsr", kind: "u32" },
      { name: "mmfar", kind: "u32" },
      { name: "bfar", kind: "u32" },
    ],
  },
  // NAMES: names of a kind, from one on, as many as fit one frame.
  NAMES: {
    type: MessageType.NAMES,
    fields: [
      { name: "kind", kind: "u8" },
      { name: "total", kind: "u16" },
      { name: "first", kind: "u16" },
      { name: "names", kind: "many", count: "u8", item: "str" },
    ],
  },
  // ERROR: a request that the device refuses.
  ERROR: {
    type: MessageType.ERROR,
    fields: [
      { name: "code", kind: "u8" },
      { name: "requestType", kind: "u8" },
      { name: "detail", kind: "u32" },
    ],
  },
  // HELLO: the firmware (re)started.
  HELLO: {
    type: MessageType.HELLO,
    fields: [
      { name: "starts", kind: "u32" },
      { name: "faults", kind: "u32" },
    ],
  },
  // STEP: results of one step. Scores and features are raw int8 bytes in Python.
  STEP: {
    type: MessageType.STEP,
    fields: [
      { name: "step", kind: "u32" },
      { name: "audioCrc", kind: "u32" },
      { name: "frontendTicks", kind: "u32" },
      { name: "engineTicks", kind: "u32" },
      { name: "detectorTicks", kind: "u32" },
      { name: "topLabel", kind: "u8" },
      { name: "topSmoothedQ15", kind: "u16" },
      { name: "scores", kind: "many", count: "u8", item: "i8" },
      { name: "features", kind: "many", count: "u16", item: "i8" },
    ],
  },
  // DETECTION: the detector raised a detection.
  DETECTION: {
    type: MessageType.DETECTION,
    fields: [
      { name: "step", kind: "u32" },
      { name: "label", kind: "u8" },
      { name: "smoothedQ15", kind: "u16" },
    ],
  },
  // STATE_DIGEST: CRC-32 of every state after a step.
  STATE_DIGEST: {
    type: MessageType.STATE_DIGEST,
    fields: [
      { name: "step", kind: "u32" },
      { name: "crcs", kind: "many", count: "u8", item: "u32" },
    ],
  },
  // FRONTEND_DIGEST: CRC-32 of what every stage of the front end computed in a step, and the time that it took.
  FRONTEND_DIGEST: {
    type: MessageType.FRONTEND_DIGEST,
    fields: [
      { name: "step", kind: "u32" },
      { name: "crcs", kind: "many", count: "u8", item: "u32" },
      { name: "ticks", kind: "many", count: "u8", item: "u32" },
    ],
  },
  // AUDIO_HEARD: a piece of the PCM that the front end took, from the host or from the microphone.
  AUDIO_HEARD: {
    type: MessageType.AUDIO_HEARD,
    fields: [
      { name: "firstSample", kind: "u32" },
      { name: "pcm", kind: "many", count: "u16", item: "i16" },
    ],
  },
});
