"""Frames of the serial link: header and CRC, stuffed. ``host/PROTOCOL.md`` is the specification.

Nothing here does input or output, or knows a message (``kws_reference.protocol.messages`` does).
``tests/vectors/link.txt`` tests this module and the firmware's C++ alike.
"""

import dataclasses
import struct
import zlib
from collections.abc import Iterator

from kws_reference.protocol.messages import FRAME_CRC_BYTES, MAX_PAYLOAD_BYTES, PROTOCOL_VERSION, FrameHeader
from kws_reference.protocol.wire import ProtocolError, fixed_bytes

from kws_host import cobs

HEADER_BYTES = fixed_bytes(FrameHeader)
MAX_FRAME_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES + FRAME_CRC_BYTES
MAX_UNFRAMED_BYTES = 4096
"""Bytes without a delimiter that are kept; then they are given up as no frame."""


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
        return b"\0" + cobs.encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0"

    @classmethod
    def decode(cls, encoded: bytes) -> "Frame":
        """Reads what stood between two delimiters.

        Raises:
          ProtocolError: ``bad_cobs``, ``too_long``, ``too_short`` or ``bad_crc``.
        """
        # The length is judged before the stuffing's end, as a device must that stores bytes as they come.
        try:
            data = cobs.decode(encoded)
        except ProtocolError:
            if cobs.decoded_length(encoded) > MAX_FRAME_BYTES:
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


@dataclasses.dataclass(frozen=True)
class Unframed:
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

    def feed(self, data: bytes) -> Iterator[Frame | Unframed]:
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
                yield Unframed(chunk, error.reason)
        if len(self._pending) > MAX_UNFRAMED_BYTES:
            yield Unframed(bytes(self._pending), "too_long")
            self._pending.clear()
