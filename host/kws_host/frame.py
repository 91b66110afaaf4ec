"""Frames of the serial link: COBS, header and CRC. ``host/PROTOCOL.md`` is the specification.

Nothing here does input or output, or knows a message (``kws_reference.protocol.messages`` does).
``tests/vectors/link.txt`` tests this module and the firmware's C++ alike.
"""

import dataclasses
import struct
import zlib
from collections.abc import Iterator

from kws_reference.protocol.messages import FRAME_CRC_BYTES, MAX_PAYLOAD_BYTES, PROTOCOL_VERSION, FrameHeader
from kws_reference.protocol.wire import ProtocolError, fixed_bytes

HEADER_BYTES = fixed_bytes(FrameHeader)
MAX_FRAME_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES + FRAME_CRC_BYTES
MAX_TEXT_BYTES = 4096  # bytes without a delimiter that are kept for the text sink


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
        body = FrameHeader(self.version, self.type, self.seq).encode() + self.payload
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
        if len(data) < HEADER_BYTES + FRAME_CRC_BYTES:
            raise ProtocolError("too_short")
        body, crc = data[:-FRAME_CRC_BYTES], struct.unpack("<I", data[-FRAME_CRC_BYTES:])[0]
        if crc != zlib.crc32(body):
            raise ProtocolError("bad_crc")
        header = FrameHeader.decode(body)
        return cls(header.type, header.seq, body[HEADER_BYTES:], header.version)


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
