"""The messages of the WebSocket. ``host/LIVE.md`` is the specification; nothing here does input or output.

A binary message is a message of the serial protocol (``host/PROTOCOL.md``) without its frame::

    type u8 | turn u16 | payload

A page numbers its RESETs: that number is the turn of all that comes of it, in both directions, so that nothing of
before is taken for something of now. What a serial port has no words for is JSON in a text message, from the server
only.
"""

import dataclasses
import json
import struct
from collections.abc import Mapping

from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from kws_reference.protocol.wire import Message, ProtocolError, fixed_bytes

WINDOW_BYTES = 32000
"""Most PCM that may be under way from a page to the board: a second at 16 kHz."""
MAX_AUDIO_BYTES = 8192
"""PCM of one message."""
MAX_TURN = 65535
_HEADER = struct.Struct("<BH")
HEADER_BYTES = _HEADER.size
MAX_MESSAGE_BYTES = HEADER_BYTES + fixed_bytes(messages.Audio) + MAX_AUDIO_BYTES


class Violation(KwsError):
    """A page broke the rules: one line for it, and the end of its connection."""


@dataclasses.dataclass(frozen=True)
class Outgoing:
    """A binary message to the page.

    Attributes:
      message: of the board.
      turn: of the RESET that it came of; 0: of none.
    """

    message: Message
    turn: int = 0

    def encode(self) -> bytes:
        """Returns its bytes."""
        return _HEADER.pack(self.message.TYPE, self.turn) + self.message.encode()


@dataclasses.dataclass(frozen=True)
class Incoming:
    """A page's request. Attributes: turn: of it. audio: a piece of PCM; None: RESET, which forgets all audio."""

    turn: int
    audio: messages.Audio | None

    @classmethod
    def decode(cls, data: bytes) -> "Incoming":
        """Reads a binary message.

        Raises:
          Violation: it is neither RESET nor AUDIO, or has a length that it cannot have.
        """
        if len(data) < HEADER_BYTES:
            raise Violation(f"A message has at least {HEADER_BYTES} bytes. Received: {len(data)}.")
        kind, turn = _HEADER.unpack_from(data)
        payload = data[HEADER_BYTES:]
        if kind == MessageType.RESET and not payload:
            return cls(turn, None)
        if kind != MessageType.AUDIO:
            raise Violation(f"A page may send AUDIO and RESET alone. Received: {data[:8].hex()}.")
        try:
            audio = messages.Audio.decode(payload)
        except ProtocolError as error:
            raise Violation(f"AUDIO cannot be read: {error}.") from error
        if not 2 <= len(audio.pcm) <= MAX_AUDIO_BYTES or len(audio.pcm) % 2:
            raise Violation(f"AUDIO holds 1 to {MAX_AUDIO_BYTES // 2} samples. Received: {len(audio.pcm)} bytes.")
        return cls(turn, audio)


def board_ready(facts: Mapping[str, object]) -> str:
    """The text message that says that the board listens. Args: facts: what INFO does not tell."""
    return _text("board", ready=True, message="", window_bytes=WINDOW_BYTES, **facts)


def board_away(message: str) -> str:
    """The text message that says that no board listens now. Args: message: why, in one line."""
    return _text("board", ready=False, message=message)


def note(message: str) -> str:
    """A text message of one line that a reader should see; nothing else changes."""
    return _text("note", message=message)


def refusal(message: str) -> str:
    """The text message before the server ends the connection. Args: message: why, in one line."""
    return _text("refused", message=message)


def _text(kind: str, **values: object) -> str:
    return json.dumps({"kind": kind, **values}, ensure_ascii=False)
