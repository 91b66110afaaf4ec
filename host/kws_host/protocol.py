"""The serial link's byte formats: COBS, frames and messages. ``host/PROTOCOL.md`` is the specification.

Nothing here does input or output. ``tests/vectors/link.txt`` tests this module and the firmware's C++ alike.
"""

import dataclasses
import enum
import struct
import zlib
from collections.abc import Iterator
from typing import Self

from kws_reference.limits import MAX_PAYLOAD_BYTES

PROTOCOL_VERSION = 1
HEADER_BYTES = 4
CRC_BYTES = 4
MAX_FRAME_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES + CRC_BYTES
MAX_TEXT_BYTES = 4096  # bytes without a delimiter that are kept for the text sink


class MessageType(enum.IntEnum):
    """Values of the frame's type byte."""

    GET_INFO = 0x01
    RESET = 0x02
    AUDIO = 0x03
    CONFIGURE = 0x04
    GET_BENCH = 0x05
    GET_STATS = 0x06
    GET_FAULT = 0x07
    GET_NAMES = 0x08
    RESTART = 0x09
    TEST_FAULT = 0x0A
    INFO = 0x81
    RESET_DONE = 0x82
    CREDIT = 0x83
    CONFIGURED = 0x84
    BENCH = 0x85
    STATS = 0x86
    FAULT = 0x87
    NAMES = 0x88
    HELLO = 0x90
    STEP = 0x91
    DETECTION = 0x92
    STATE_DIGEST = 0x93
    ERROR = 0x9F


class ErrorCode(enum.IntEnum):
    """Values of ERROR's code byte."""

    BAD_VERSION = 1
    UNKNOWN_TYPE = 2
    BAD_PAYLOAD = 3
    AUDIO_GAP = 4
    AUDIO_OVERRUN = 5
    UNAVAILABLE = 6
    ENGINE = 7


# Names of the firmware's status codes (firmware/include/kws/status.h), the detail of ENGINE errors.
STATUS_NAMES = (
    "ok",
    "invalid argument",
    "out of range",
    "unavailable",
    "data loss",
    "busy",
    "failed precondition",
    "internal",
)


class Config(enum.IntFlag):
    """Bits of CONFIGURE."""

    NONE = 0
    FEATURES = 1
    STATE_DIGESTS = 2
    PROFILE = 4


class NamesKind(enum.IntEnum):
    """What GET_NAMES asks for."""

    LABELS = 0
    STATES = 1
    LAYERS = 2


class ClockKind(enum.IntEnum):
    """Unit of the device's ticks."""

    NONE = 0
    INSTRUCTIONS = 1
    CYCLES = 2


RESTART_KEY = 0x54525354
TEST_FAULT_KEY = 0x544C4146


class ProtocolError(ValueError):
    """Bytes that are no valid frame or payload. ``reason`` is the short name that both sides use."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


def cobs_encode(data: bytes) -> bytes:
    """Returns ``data`` without any 0x00 byte, at most ``len // 254 + 1`` bytes longer."""
    out = bytearray()
    for index, group in enumerate(groups := data.split(b"\0")):
        # A group is the bytes up to a zero; blocks of 254 cut it, and a full block stands for no zero.
        while len(group) > 254:
            out.append(255)
            out += group[:254]
            group = group[254:]
        out.append(len(group) + 1)
        out += group
        if len(group) == 254 and index < len(groups) - 1:
            out.append(1)  # the zero after a full block needs a block of its own
    return bytes(out)


def cobs_decode(data: bytes) -> bytes:
    """Inverse of `cobs_encode`; ``data`` holds no delimiter.

    Raises:
      ProtocolError: ``bad_cobs``, the bytes end in the middle of a block or hold a 0x00.
    """
    out = bytearray()
    position, size = 0, len(data)
    while position < size:
        code = data[position]
        block = data[position + 1 : position + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            raise ProtocolError("bad_cobs")
        out += block
        position += code
        if code != 255 and position < size:
            out.append(0)
    return bytes(out)


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame: ``type`` 0..255, ``seq`` 0..65535, ``payload`` at most 768 bytes."""

    type: int
    seq: int
    payload: bytes = b""
    version: int = PROTOCOL_VERSION

    def encode(self) -> bytes:
        """Returns the wire form, a 0x00 on both sides.

        Raises:
          ProtocolError: ``too_long``, the payload is above `MAX_PAYLOAD_BYTES`.
        """
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise ProtocolError("too_long", f"payload of {len(self.payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
        body = struct.pack("<BBH", self.version, self.type, self.seq) + self.payload
        return b"\0" + cobs_encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0"

    @classmethod
    def decode(cls, encoded: bytes) -> "Frame":
        """Reads what stood between two delimiters.

        Raises:
          ProtocolError: ``bad_cobs``, ``too_long``, ``too_short`` or ``bad_crc``.
        """
        # The length is judged before the stuffing's end, as a device must that stores bytes as they come.
        try:
            data = cobs_decode(encoded)
        except ProtocolError:
            if _decoded_length(encoded) > MAX_FRAME_BYTES:
                raise ProtocolError("too_long") from None
            raise
        if len(data) > MAX_FRAME_BYTES:
            raise ProtocolError("too_long")
        if len(data) < HEADER_BYTES + CRC_BYTES:
            raise ProtocolError("too_short")
        body, crc = data[:-CRC_BYTES], struct.unpack("<I", data[-CRC_BYTES:])[0]
        if crc != zlib.crc32(body):
            raise ProtocolError("bad_crc")
        version, kind, seq = struct.unpack_from("<BBH", body)
        return cls(kind, seq, body[HEADER_BYTES:], version)


def _decoded_length(encoded: bytes) -> int:
    """Bytes that the device had stored when ``encoded`` ended, complete or not."""
    length, position = 0, 0
    while position < len(encoded):
        code = encoded[position]
        length += min(code - 1, len(encoded) - position - 1)
        position += code
        if code != 255 and position < len(encoded):
            length += 1
    return length


@dataclasses.dataclass(frozen=True)
class Text:
    """Bytes between two delimiters that are no frame: boot text, or a damaged frame. ``reason`` says what failed."""

    data: bytes
    reason: str


class FrameDecoder:
    """Splits a byte stream, in chunks of any size, into frames and other bytes."""

    def __init__(self) -> None:
        self._pending = bytearray()

    @property
    def pending(self) -> bytes:
        """Bytes after the last delimiter."""
        return bytes(self._pending)

    def feed(self, data: bytes) -> Iterator[Frame | Text]:
        """Takes bytes and yields what they completed, in order. Any bytes are fine."""
        self._pending += data
        *chunks, rest = bytes(self._pending).split(b"\0")
        self._pending = bytearray(rest)
        for chunk in chunks:
            if not chunk:
                continue
            try:
                yield Frame.decode(chunk)
            except ProtocolError as error:
                yield Text(chunk, error.reason)
        if len(self._pending) > MAX_TEXT_BYTES:
            yield Text(bytes(self._pending), "too_long")
            self._pending.clear()


class Reader:
    """Reads a payload front to back. Bytes behind the last known field are left alone (a newer minor format)."""

    def __init__(self, payload: bytes):
        self._payload = payload
        self._position = 0

    def unpack(self, layout: str) -> tuple:
        """Reads fields in `struct` notation, little-endian without padding."""
        try:
            values = struct.unpack_from("<" + layout, self._payload, self._position)
        except struct.error:
            raise ProtocolError("bad_payload", f"{len(self._payload)} bytes are too few") from None
        self._position += struct.calcsize("<" + layout)
        return values

    def bytes(self, size: int) -> bytes:
        """Reads ``size`` raw bytes."""
        data = self._payload[self._position : self._position + size]
        if len(data) != size:
            raise ProtocolError("bad_payload", f"{len(self._payload)} bytes are too few")
        self._position += size
        return data

    def string(self) -> str:
        """Reads a length byte and UTF-8 text; wrong bytes become U+FFFD."""
        return self.bytes(self.unpack("B")[0]).decode("utf-8", "replace")


def _string(text: str) -> bytes:
    data = text.encode("utf-8")[:255]
    return bytes([len(data)]) + data


class _Plain:
    """A payload of numbers only, laid out in the order of its fields."""

    _LAYOUT: str

    def encode(self) -> bytes:
        """Returns the payload."""
        return struct.pack("<" + self._LAYOUT, *dataclasses.astuple(self))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reads the payload. Raises: ProtocolError."""
        return cls(*Reader(payload).unpack(cls._LAYOUT))


@dataclasses.dataclass(frozen=True)
class Info:
    """INFO: what runs on the device. Field units as named; the order is that of the payload."""

    clock_kind: int
    tick_numerator: int
    tick_denominator: int
    sample_rate_hz: int
    window_samples: int
    hop_samples: int
    frames_per_step: int
    feature_count: int
    label_count: int
    state_count: int
    layer_count: int
    max_payload_bytes: int
    credit_window_bytes: int
    state_bytes: int
    scratch_bytes: int
    weights_bytes: int
    stack_size_bytes: int
    model_sha256: str
    firmware_version: str
    board: str
    engine: str
    model_name: str

    TYPE = MessageType.INFO
    _LAYOUT = "BIIIHHBBBBHHIIIII"

    def encode(self) -> bytes:
        """Returns the payload."""
        *numbers, sha256, version, board, engine, name = dataclasses.astuple(self)
        packed = struct.pack("<" + self._LAYOUT, *numbers) + bytes.fromhex(sha256)
        return packed + b"".join(map(_string, (version, board, engine, name)))

    @classmethod
    def decode(cls, payload: bytes) -> "Info":
        """Reads the payload. Raises: ProtocolError."""
        reader = Reader(payload)
        info = cls(*reader.unpack(cls._LAYOUT), reader.bytes(32).hex(), *(reader.string() for _ in range(4)))
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
        return {ClockKind.INSTRUCTIONS: "instructions", ClockKind.CYCLES: "cycles"}.get(self.clock_kind, "ticks")


@dataclasses.dataclass(frozen=True)
class StepRecord:
    """STEP: results of one step. ``scores`` and ``features`` are raw int8 bytes (features empty unless asked for)."""

    step: int
    audio_crc: int
    frontend_ticks: int
    engine_ticks: int
    detector_ticks: int
    top_label: int
    top_smoothed_q15: int
    scores: bytes
    features: bytes

    TYPE = MessageType.STEP
    _LAYOUT = "IIIIIBH"

    def encode(self) -> bytes:
        """Returns the payload."""
        *numbers, scores, features = dataclasses.astuple(self)
        packed = struct.pack("<" + self._LAYOUT, *numbers) + bytes([len(scores)]) + scores
        return packed + struct.pack("<H", len(features)) + features

    @classmethod
    def decode(cls, payload: bytes) -> "StepRecord":
        """Reads the payload. Raises: ProtocolError."""
        reader = Reader(payload)
        numbers = reader.unpack(cls._LAYOUT)
        scores = reader.bytes(reader.unpack("B")[0])
        return cls(*numbers, scores, reader.bytes(reader.unpack("H")[0]))


@dataclasses.dataclass(frozen=True)
class DetectionRecord(_Plain):
    """DETECTION: an event of the detector."""

    step: int
    label: int
    smoothed_q15: int

    TYPE = MessageType.DETECTION
    _LAYOUT = "IBH"


@dataclasses.dataclass(frozen=True)
class Credit(_Plain):
    """CREDIT and RESET_DONE: PCM bytes taken since RESET, and the offset up to which the host may send."""

    received_bytes: int
    limit_bytes: int

    TYPE = MessageType.CREDIT
    _LAYOUT = "II"


@dataclasses.dataclass(frozen=True)
class Hello(_Plain):
    """HELLO: the firmware has started. ``starts`` counts since power-on, this one included."""

    starts: int
    faults: int

    TYPE = MessageType.HELLO
    _LAYOUT = "II"


@dataclasses.dataclass(frozen=True)
class Error(_Plain):
    """ERROR: a request that the device refuses."""

    code: int
    request_type: int
    detail: int

    TYPE = MessageType.ERROR
    _LAYOUT = "BBI"

    def __str__(self) -> str:
        code = ErrorCode(self.code).name if self.code in list(ErrorCode) else f"error {self.code}"
        kind = (
            MessageType(self.request_type).name
            if self.request_type in list(MessageType)
            else f"type {self.request_type}"
        )
        detail = str(self.detail)
        if self.code == ErrorCode.ENGINE and self.detail < len(STATUS_NAMES):
            detail = f"the engine says: {STATUS_NAMES[self.detail]}"
        return f"{code} for {kind} ({detail})"


@dataclasses.dataclass(frozen=True)
class Fault(_Plain):
    """FAULT: registers of the last processor fault; ``count`` of faults since power-on, 0 = none."""

    count: int
    type: int
    pc: int
    lr: int
    sp: int
    xpsr: int
    cfsr: int
    hfsr: int
    mmfar: int
    bfar: int

    TYPE = MessageType.FAULT
    _LAYOUT = "IIIIIIIIII"

    NAMES = {
        2: "NMI",
        3: "HardFault",
        4: "MemManage fault",
        5: "BusFault",
        6: "UsageFault",
        7: "SecureFault",
        16: "unexpected interrupt",
        256: "stack overflow",
    }

    def __str__(self) -> str:
        return (
            f"{self.NAMES.get(self.type, f'fault {self.type}')} at pc {self.pc:#010x} "
            f"(lr {self.lr:#010x}, sp {self.sp:#010x}, cfsr {self.cfsr:#010x}, hfsr {self.hfsr:#010x})"
        )


@dataclasses.dataclass(frozen=True)
class Stats(_Plain):
    """STATS: counters since start-up (they wrap at 2^32) and memory figures in bytes."""

    frames_ok: int
    frames_bad_cobs: int
    frames_too_short: int
    frames_too_long: int
    frames_bad_crc: int
    frames_repeated: int
    errors_sent: int
    serial_overruns: int
    audio_gaps: int
    audio_overruns: int
    audio_repeated_bytes: int
    steps: int
    detections: int
    stack_size_bytes: int
    stack_used_bytes: int
    state_bytes: int
    scratch_bytes: int
    weights_bytes: int
    frontend_bytes: int
    detector_bytes: int
    link_bytes: int
    audio_ring_bytes: int

    TYPE = MessageType.STATS
    _LAYOUT = "I" * 22


@dataclasses.dataclass(frozen=True)
class StateDigest:
    """STATE_DIGEST: CRC-32 of every state after a step, in tensor order."""

    step: int
    crcs: tuple[int, ...]

    TYPE = MessageType.STATE_DIGEST

    def encode(self) -> bytes:
        """Returns the payload."""
        return struct.pack(f"<IB{len(self.crcs)}I", self.step, len(self.crcs), *self.crcs)

    @classmethod
    def decode(cls, payload: bytes) -> "StateDigest":
        """Reads the payload. Raises: ProtocolError."""
        reader = Reader(payload)
        step, count = reader.unpack("IB")
        return cls(step, reader.unpack(f"{count}I"))


@dataclasses.dataclass(frozen=True)
class Bench:
    """BENCH: sums of ticks over the steps since RESET; layers from ``first_layer`` on, modulo 2^32."""

    steps: int
    frontend_ticks: int
    engine_ticks: int
    detector_ticks: int
    first_layer: int
    layer_ticks: tuple[int, ...]

    TYPE = MessageType.BENCH
    _LAYOUT = "IQQQH"

    def encode(self) -> bytes:
        """Returns the payload."""
        *numbers, layers = dataclasses.astuple(self)
        return struct.pack(f"<{self._LAYOUT}B{len(layers)}I", *numbers, len(layers), *layers)

    @classmethod
    def decode(cls, payload: bytes) -> "Bench":
        """Reads the payload. Raises: ProtocolError."""
        reader = Reader(payload)
        numbers = reader.unpack(cls._LAYOUT)
        return cls(*numbers, reader.unpack(f"{reader.unpack('B')[0]}I"))


@dataclasses.dataclass(frozen=True)
class Names:
    """NAMES: ``total`` names of a kind exist; ``names`` are those from ``first`` on that fit one frame."""

    kind: int
    total: int
    first: int
    names: tuple[str, ...]

    TYPE = MessageType.NAMES

    def encode(self) -> bytes:
        """Returns the payload."""
        head = struct.pack("<BHHB", self.kind, self.total, self.first, len(self.names))
        return head + b"".join(map(_string, self.names))

    @classmethod
    def decode(cls, payload: bytes) -> "Names":
        """Reads the payload. Raises: ProtocolError."""
        reader = Reader(payload)
        kind, total, first, count = reader.unpack("BHHB")
        return cls(kind, total, first, tuple(reader.string() for _ in range(count)))
