"""The table of the serial protocol: every number, message, field and name that host and firmware share.

``kws_host`` uses these classes as they stand. ``python -m kws_codegen.protocol --overwrite`` writes the C++ and the
byte tables of ``host/PROTOCOL.md`` from them. ``tests/vectors/link.txt`` holds bytes that were made without them.

Appending a field, a message or a name is all right; any other change raises `PROTOCOL_VERSION`.
"""

import dataclasses
import enum
from typing import Annotated, Self

from kws_reference.protocol.wire import (
    U8,
    U16,
    U32,
    U64,
    Always,
    Described,
    Int8s,
    Int16sToTheEnd,
    ManyInt8s,
    ManyInt16s,
    ManyU16s,
    Message,
    ProtocolError,
    Sha256,
    Str,
    Strs,
    U16sToTheEnd,
    U32s,
)

PROTOCOL_VERSION = 1
MAX_PAYLOAD_BYTES = 768
"""Of a frame."""
FRAME_CRC_BYTES = 4
"""Behind the payload."""
LEVELS_PER_LABEL = 4
"""Of the detector, in SET_DETECTOR and DETECTOR."""
MAX_PROFILED_LAYERS = 64
"""Whose ticks BENCH can count. Longer networks run, without that table."""
RESTART_KEY = 0x54525354  # "TSRT"
"""Payload of RESTART: guards against a stray byte stream doing it."""
TEST_FAULT_KEY = 0x544C4146  # "FALT"
"""Payload of TEST_FAULT, for the same reason."""
ANSWER_TIMEOUT_S = 2.0
"""How long the host waits for an answer before it repeats the request."""
REQUEST_ATTEMPTS = 3
"""How often the host sends a request before it gives up."""
BULK_VERSION = 1
"""Of the files that an emulated board reads and writes without the link."""
NO_LABEL = 255
"""Of a step without a detection, in these files."""


class MessageType(Described):
    """Values of the frame's type byte. Below 0x80: from the host to the device (requests), else the other way."""

    GET_INFO = 0x01, "who is there"
    RESET = 0x02, "forget all audio"
    AUDIO = 0x03, "a piece of PCM"
    CONFIGURE = 0x04, "what STEP and BENCH hold"
    GET_BENCH = 0x05, "sums of ticks"
    GET_STATS = 0x06, "counters and memory"
    GET_FAULT = 0x07, "the last processor fault"
    GET_NAMES = 0x08, "labels, states or layers"
    RESTART = 0x09, "reset the chip"
    TEST_FAULT = 0x0A, "fault on purpose"
    SET_SOURCE = 0x0B, "where PCM comes from"
    SET_DETECTOR = 0x0C, "thresholds and smoothing"
    GET_DETECTOR = 0x0D, "thresholds and smoothing that hold"
    INFO = 0x81, "what runs on the device"
    RESET_DONE = 0x82, "all audio is forgotten"
    CREDIT = 0x83, "how much audio may be sent"
    CONFIGURED = 0x84, "the flags that hold now"
    BENCH = 0x85, "sums of ticks over the steps since RESET"
    STATS = 0x86, "counters since start-up (they wrap at 2^32), and memory"
    FAULT = 0x87, "registers of the last processor fault"
    NAMES = 0x88, "names of one kind, as many as fit"
    SOURCE = 0x89, "where PCM comes from now"
    DETECTOR = 0x8A, "thresholds and smoothing that hold now"
    HELLO = 0x90, "the firmware (re)started"
    STEP = 0x91, "results of one step"
    DETECTION = 0x92, "the detector raised a detection"
    STATE_DIGEST = 0x93, "the network's states after a step"
    FRONTEND_DIGEST = 0x94, "what the stages of the front end computed in a step"
    AUDIO_HEARD = 0x95, "a piece of the PCM that the front end took"
    ERROR = 0x9F, "a request that the device refuses"


class ErrorCode(Described):
    """Values of ERROR's code; the meaning says what its detail is."""

    BAD_VERSION = 1, "the frame has another protocol version; detail: the device's"
    UNKNOWN_TYPE = 2, "no such request; detail: 0"
    BAD_PAYLOAD = 3, "the payload's length, or a value in it, is wrong; detail: its length"
    AUDIO_GAP = 4, "AUDIO starts behind the end of the last one; detail: the offset to go on from"
    AUDIO_OVERRUN = 5, "AUDIO beyond the granted credit, dropped; detail: the credit's limit"
    UNAVAILABLE = 6, "not offered, or not now; detail: 0, or the status of the microphone or of the settings' memory"
    ENGINE = 7, "the engine's start or a step failed; detail: its status"


class Status(Described):
    """Results of the firmware's operations, the detail of ENGINE errors."""

    OK = 0, ""
    INVALID_ARGUMENT = 1, "a parameter is outside its documented range"
    OUT_OF_RANGE = 2, "a size does not fit the caller's buffer"
    UNAVAILABLE = 3, "the board or the build does not offer this"
    DATA_LOSS = 4, "bytes arrived corrupted or truncated"
    BUSY = 5, "the other side must drain first"
    FAILED_PRECONDITION = 6, "called in the wrong state, for example before Init()"
    INTERNAL = 7, "a check that cannot fail did; please report it"

    @property
    def words(self) -> str:
        """For people: ``out of range``."""
        return self.name.lower().replace("_", " ")


class FaultType(Described):
    """Values of FAULT's type. Below 16: the exception's number on the core."""

    NMI = 2, "NMI"
    HARD = 3, "HardFault"
    MEMORY = 4, "MemManage fault"
    BUS = 5, "BusFault"
    USAGE = 6, "UsageFault"
    SECURE = 7, "SecureFault"
    UNEXPECTED_INTERRUPT = 16, "unexpected interrupt"
    STACK_OVERFLOW = 256, "stack overflow"
    WATCHDOG = 257, "watchdog"


class Config(enum.IntFlag):
    """Bits of CONFIGURE. All are 0 after start-up; RESET keeps them."""

    NONE = 0
    FEATURES = 1
    STATE_DIGESTS = 2
    PROFILE = 4
    FRONTEND_DIGESTS = 8
    AUDIO = 16


CONFIG_MEANINGS = {
    Config.FEATURES: "STEP carries the features",
    Config.STATE_DIGESTS: "a STATE_DIGEST follows each STEP",
    Config.PROFILE: "BENCH counts each layer (makes the engine a little slower)",
    Config.FRONTEND_DIGESTS: "a FRONTEND_DIGEST follows each STEP (front end `micro`)",
    Config.AUDIO: "AUDIO_HEARD brings what the front end takes, before the STEP that it completes",
}


class NamesKind(Described):
    """What GET_NAMES asks for."""

    LABELS = 0, "labels, in the order of the scores"
    STATES = 1, "states, in tensor order"
    LAYERS = 2, "layers, in the order in which a step runs them"


class SourceKind(Described):
    """Where PCM comes from. The host after start-up."""

    HOST = 0, "the host, by AUDIO"
    MICROPHONE = 1, "the board's microphone; AUDIO is refused with UNAVAILABLE"


class DetectorAction(Described):
    """What SET_DETECTOR does with its settings."""

    USE = 0, "they hold until the next start"
    KEEP = 1, "they hold, and are kept over the next start"
    FORGET = 2, "the generated ones hold again, and nothing is kept; the other fields are not looked at"


class SettingsOrigin(Described):
    """Where the detector's settings come from."""

    GENERATED = 0, "as the firmware was generated"
    SET = 1, "set since the start"
    KEPT = 2, "kept, and so after the next start"


class ClockKind(Described):
    """Unit of the device's ticks."""

    NONE = 0, "no clock: ticks stay 0"
    INSTRUCTIONS = 1, "executed instructions (emulated boards)"
    CYCLES = 2, "cycles of the core's clock"


@dataclasses.dataclass(frozen=True)
class FrameHeader(Message):
    """What stands before every payload."""

    version: U8
    type: Annotated[U8, MessageType]
    seq: Annotated[U16, "chosen by the host; an answer repeats it. Events count their own"]


# Requests


@dataclasses.dataclass(frozen=True)
class Audio(Message):
    """AUDIO: PCM that starts at an offset."""

    offset_bytes: Annotated[U32, "where this piece starts: PCM bytes since RESET"]
    pcm: Annotated[Int16sToTheEnd, "an even number of bytes, may be none"]

    TYPE = MessageType.AUDIO


@dataclasses.dataclass(frozen=True)
class Configure(Message):
    """CONFIGURE: chooses what STEP and BENCH hold."""

    flags: Annotated[U8, "bits, see below; others are refused with BAD_PAYLOAD"]

    TYPE = MessageType.CONFIGURE


@dataclasses.dataclass(frozen=True)
class GetBench(Message):
    """GET_BENCH: sums of the layers from one on."""

    first_layer: Annotated[U16, "at most INFO's layer_count"]

    TYPE = MessageType.GET_BENCH


@dataclasses.dataclass(frozen=True)
class GetNames(Message):
    """GET_NAMES: names of one kind from one on."""

    kind: Annotated[U8, NamesKind]
    first: Annotated[U16, "at most as many as there are"]

    TYPE = MessageType.GET_NAMES


@dataclasses.dataclass(frozen=True)
class SetSource(Message):
    """SET_SOURCE: where PCM comes from. Forgets all audio, as RESET does."""

    kind: Annotated[U8, SourceKind]
    gain_q8: Annotated[U16, "of the microphone; 256 is 1; 1 to 32767"] = 256
    remove_dc: Annotated[U8, "0 or 1: of the microphone"] = 1

    TYPE = MessageType.SET_SOURCE


@dataclasses.dataclass(frozen=True)
class SetDetector(Message):
    """SET_DETECTOR: settings of the detector, and the levels of some labels, from one on."""

    action: Annotated[U8, DetectorAction]
    smoothing_steps: Annotated[U8, "1 to DETECTOR's max_smoothing_steps"]
    run_steps: Annotated[U8, "1 to 255"]
    refractory_steps: U16
    quiet_steps: U16
    first_label: Annotated[U8, "whose levels come first"]
    levels: Annotated[U16sToTheEnd, "four of each label, 0 to 32768: threshold, busy threshold, quiet, release"]

    TYPE = MessageType.SET_DETECTOR


@dataclasses.dataclass(frozen=True)
class GetDetector(Message):
    """GET_DETECTOR: settings of the detector, with levels from one label on."""

    first_label: Annotated[U8, "at most as many as there are labels"]

    TYPE = MessageType.GET_DETECTOR


@dataclasses.dataclass(frozen=True)
class Restart(Message):
    """RESTART: resets the chip; no answer."""

    key: Annotated[U32, Always("RESTART_KEY")] = RESTART_KEY

    TYPE = MessageType.RESTART


@dataclasses.dataclass(frozen=True)
class TestFault(Message):
    """TEST_FAULT: the device faults on purpose; no answer."""

    __test__ = False  # pytest: no class of tests

    key: Annotated[U32, Always("TEST_FAULT_KEY")] = TEST_FAULT_KEY

    TYPE = MessageType.TEST_FAULT


# Answers


@dataclasses.dataclass(frozen=True)
class Configured(Message):
    """CONFIGURED: the flags that hold now."""

    flags: Annotated[U8, "as in CONFIGURE"]

    TYPE = MessageType.CONFIGURED


@dataclasses.dataclass(frozen=True)
class Source(Message):
    """SOURCE: where PCM comes from now."""

    kind: Annotated[U8, SourceKind]

    TYPE = MessageType.SOURCE


@dataclasses.dataclass(frozen=True)
class DetectorSettings(Message):
    """DETECTOR: settings that hold, and the levels of as many labels as fit, from one on."""

    origin: Annotated[U8, SettingsOrigin]
    max_smoothing_steps: Annotated[U8, "as many as the firmware has room for"]
    smoothing_steps: Annotated[U8, "posteriors that are averaged"]
    run_steps: Annotated[U8, "in a row that must reach the threshold"]
    refractory_steps: Annotated[U16, "after a detection, without another one"]
    quiet_steps: Annotated[U16, "of which one must be quiet for the threshold to hold"]
    first_label: Annotated[U8, "whose levels come first"]
    levels: Annotated[ManyU16s, "as in SET_DETECTOR"]

    TYPE = MessageType.DETECTOR


@dataclasses.dataclass(frozen=True)
class Info(Message):
    """INFO: what runs on the device."""

    clock_kind: Annotated[U8, ClockKind]
    tick_numerator: Annotated[U32, "units = ticks * numerator / denominator, to the nearest whole number"]
    tick_denominator: Annotated[U32, "not 0"]
    sample_rate_hz: U32
    window_samples: U16
    hop_samples: U16
    frames_per_step: Annotated[U8, "not 0"]
    feature_count: Annotated[U8, "of one frame"]
    label_count: U8
    state_count: U8
    layer_count: Annotated[U16, "0: the engine cannot tell"]
    max_payload_bytes: Annotated[U16, Always("MAX_PAYLOAD_BYTES")]
    credit_window_bytes: Annotated[U32, "most PCM that may be under way"]
    state_bytes: Annotated[U32, "engine RAM kept between steps"]
    scratch_bytes: Annotated[U32, "engine RAM used inside a step"]
    weights_bytes: Annotated[U32, "flash"]
    stack_size_bytes: Annotated[U32, "0: not measured on this board"]
    model_sha256: Annotated[Sha256, "of `model.tflite`"]
    firmware_version: Str
    board: Str
    engine: Str
    model_name: Str

    TYPE = MessageType.INFO

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reads the payload. Raises: ProtocolError."""
        info = super().decode(payload)
        if info.tick_denominator == 0 or info.frames_per_step == 0 or info.credit_window_bytes < 2:
            raise ProtocolError("bad_payload", "INFO holds a zero where none may be")
        return info

    def units(self, ticks: int) -> int:
        """Converts a difference of ticks to instructions or cycles, as `clock_kind` says: the nearest whole number.

        A tick is so small a part of an emulated instruction that this is the exact count.
        """
        return (ticks * self.tick_numerator + self.tick_denominator // 2) // self.tick_denominator

    @property
    def unit(self) -> str:
        """``instructions``, ``cycles`` or ``ticks``."""
        units: dict[int, str] = {ClockKind.INSTRUCTIONS: "instructions", ClockKind.CYCLES: "cycles"}
        return units.get(self.clock_kind, "ticks")


@dataclasses.dataclass(frozen=True)
class Credit(Message):
    """CREDIT: how far the device has come, and how far the host may go."""

    received_bytes: Annotated[U32, "PCM bytes taken since RESET"]
    limit_bytes: Annotated[U32, "the host may send up to this offset"]

    TYPE = MessageType.CREDIT


@dataclasses.dataclass(frozen=True)
class ResetDone(Credit):
    """RESET_DONE: the first credit."""

    TYPE = MessageType.RESET_DONE


@dataclasses.dataclass(frozen=True)
class Bench(Message):
    """BENCH: sums of ticks over the steps since RESET, of layers from one on."""

    steps: Annotated[U32, "since RESET"]
    frontend_ticks: Annotated[U64, "sum over the steps"]
    engine_ticks: Annotated[U64, "likewise"]
    detector_ticks: Annotated[U64, "likewise"]
    first_layer: U16
    layer_ticks: Annotated[U32s, "sums modulo 2^32; zeros unless CONFIGURE asks for them"]
    awake_ticks: Annotated[U64, "since RESET, outside of the core's sleep"] = 0

    TYPE = MessageType.BENCH


@dataclasses.dataclass(frozen=True)
class Stats(Message):
    """STATS: counters since start-up (they wrap at 2^32) and memory figures."""

    frames_ok: U32
    frames_bad_cobs: U32
    frames_too_short: U32
    frames_too_long: U32
    frames_bad_crc: U32
    frames_repeated: Annotated[U32, "type and seq of the request before"]
    errors_sent: U32
    serial_overruns: Annotated[U32, "bytes that the port lost"]
    audio_gaps: U32
    audio_overruns: U32
    audio_repeated_bytes: U32
    steps: U32
    detections: U32
    stack_size_bytes: U32
    stack_used_bytes: U32
    state_bytes: U32
    scratch_bytes: U32
    weights_bytes: U32
    frontend_bytes: U32
    detector_bytes: U32
    link_bytes: U32
    audio_ring_bytes: U32
    microphone_samples: Annotated[U32, "taken from the microphone since it was started"] = 0
    microphone_lost_samples: Annotated[U32, "that it dropped since then: nobody fetched them in time"] = 0

    TYPE = MessageType.STATS


@dataclasses.dataclass(frozen=True)
class Fault(Message):
    """FAULT: registers of the last processor fault. All addresses are the board's."""

    count: Annotated[U32, "faults since power-on; 0: there was none, and all others are 0"]
    type: Annotated[U32, FaultType]
    pc: Annotated[U32, "instruction that faulted; 0: the exception frame could not be read"]
    lr: Annotated[U32, "its link register"]
    sp: Annotated[U32, "main stack pointer at the fault"]
    xpsr: U32
    cfsr: Annotated[U32, "SCB->CFSR"]
    hfsr: Annotated[U32, "SCB->HFSR"]
    mmfar: Annotated[U32, "SCB->MMFAR, meaningful when CFSR says so"]
    bfar: Annotated[U32, "SCB->BFAR, meaningful when CFSR says so"]

    TYPE = MessageType.FAULT

    def __str__(self) -> str:
        name = FaultType(self.type).meaning if self.type in list(FaultType) else f"fault {self.type}"
        return (
            f"{name} at pc {self.pc:#010x} (lr {self.lr:#010x}, "
            f"sp {self.sp:#010x}, cfsr {self.cfsr:#010x}, hfsr {self.hfsr:#010x})"
        )


@dataclasses.dataclass(frozen=True)
class Names(Message):
    """NAMES: names of a kind, from one on, as many as fit one frame."""

    kind: Annotated[U8, NamesKind]
    total: Annotated[U16, "names of this kind that exist"]
    first: Annotated[U16, "index of the first name here"]
    names: Strs

    TYPE = MessageType.NAMES


@dataclasses.dataclass(frozen=True)
class Error(Message):
    """ERROR: a request that the device refuses."""

    code: Annotated[U8, ErrorCode]
    request_type: U8
    detail: Annotated[U32, "as the code says"]

    TYPE = MessageType.ERROR

    def __str__(self) -> str:
        code = ErrorCode(self.code).name if self.code in list(ErrorCode) else f"error {self.code}"
        known = self.request_type in list(MessageType)
        kind = MessageType(self.request_type).name if known else f"type {self.request_type}"
        detail = str(self.detail)
        if self.code == ErrorCode.ENGINE and self.detail in list(Status):
            detail = f"the engine says: {Status(self.detail).words}"
        return f"{code} for {kind} ({detail})"


# Events


@dataclasses.dataclass(frozen=True)
class Hello(Message):
    """HELLO: the firmware (re)started."""

    starts: Annotated[U32, "since power-on, this one included"]
    faults: Annotated[U32, "since power-on"]

    TYPE = MessageType.HELLO


@dataclasses.dataclass(frozen=True)
class StepRecord(Message):
    """STEP: results of one step. Scores and features are raw int8 bytes in Python."""

    step: Annotated[U32, "since RESET, from 0"]
    audio_crc: Annotated[U32, "CRC-32 of the PCM bytes since RESET up to the end of the step's last window"]
    frontend_ticks: Annotated[U32, "of the step's frames"]
    engine_ticks: U32
    detector_ticks: U32
    top_label: Annotated[U8, "label with the largest smoothed posterior"]
    top_smoothed_q15: Annotated[U16, "its smoothed posterior, 0 to 32767"]
    scores: Annotated[Int8s, "one per label"]
    features: Annotated[ManyInt8s, "of every frame of the step; none unless CONFIGURE asks for them"]

    TYPE = MessageType.STEP


@dataclasses.dataclass(frozen=True)
class DetectionRecord(Message):
    """DETECTION: the detector raised a detection."""

    step: Annotated[U32, "since RESET, from 0"]
    label: U8
    smoothed_q15: Annotated[U16, "its smoothed posterior, 0 to 32767"]

    TYPE = MessageType.DETECTION


@dataclasses.dataclass(frozen=True)
class StateDigest(Message):
    """STATE_DIGEST: CRC-32 of every state after a step."""

    step: U32
    crcs: Annotated[U32s, "CRC-32 of each state's bytes, in tensor order"]

    TYPE = MessageType.STATE_DIGEST


@dataclasses.dataclass(frozen=True)
class FrontendDigest(Message):
    """FRONTEND_DIGEST: CRC-32 of what every stage of the front end computed in a step, and the time that it took."""

    step: U32
    crcs: Annotated[U32s, "CRC-32 of each stage's values in the step's frames, u32 each, in the order of computation"]
    ticks: Annotated[U32s, "of each stage, a little more than without being looked at"]

    TYPE = MessageType.FRONTEND_DIGEST


@dataclasses.dataclass(frozen=True)
class AudioHeard(Message):
    """AUDIO_HEARD: a piece of the PCM that the front end took, from the host or from the microphone."""

    first_sample: Annotated[U32, "of this piece, since RESET"]
    pcm: Annotated[ManyInt16s, "after gain and removal of the constant part"]

    TYPE = MessageType.AUDIO_HEARD


ANSWERS = {
    MessageType.GET_INFO: MessageType.INFO,
    MessageType.RESET: MessageType.RESET_DONE,
    MessageType.AUDIO: MessageType.CREDIT,
    MessageType.CONFIGURE: MessageType.CONFIGURED,
    MessageType.GET_BENCH: MessageType.BENCH,
    MessageType.GET_STATS: MessageType.STATS,
    MessageType.GET_FAULT: MessageType.FAULT,
    MessageType.GET_NAMES: MessageType.NAMES,
    MessageType.SET_SOURCE: MessageType.SOURCE,
    MessageType.SET_DETECTOR: MessageType.DETECTOR,
    MessageType.GET_DETECTOR: MessageType.DETECTOR,
}
"""What answers a request; ERROR may stand in its place. RESTART and TEST_FAULT have no answer: HELLO follows."""
