"""The host's end of the serial link: frames, requests with retries, and a sink for everything else."""

import enum
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import ANSWER_TIMEOUT_S, REQUEST_ATTEMPTS, MessageType
from kws_reference.protocol.wire import Message, ProtocolError

from kws_host.frame import Frame, FrameDecoder, Unframed
from kws_host.port import DEFAULT_BAUD, Port, PortBroken, PortUnavailable

AnyMessage = TypeVar("AnyMessage", bound=Message)


class LinkError(KwsError):
    """The port went away, or nobody answers on it."""


class LinkBroken(LinkError):
    """The port went away while it was open: the device was unplugged, or the emulator ended."""


class RequestRefused(KwsError):
    """The device answered a request with ERROR.

    Attributes:
      error: the message.
    """

    def __init__(self, port: str, error: messages.Error):
        super().__init__(f"{port}: the device refuses: {error}")
        self.error = error


def other_version(port: str, device_version: int) -> KwsError:
    """The error of a device that speaks another version of the protocol."""
    return KwsError(
        f"{port}: the device speaks protocol version {device_version}, this program {messages.PROTOCOL_VERSION}. "
        "Flash this kit's firmware, or use the kit that the firmware came from."
    )


class Link:
    """Frames over one port. Use as a context manager.

    Attributes:
      port: name or URL of the port, for messages.
      on_frame: called with every frame that answers no request (events).
      on_text: called with bytes that are no frame, such as boot messages.
      dropped: frames dropped because they came damaged, by reason.
    """

    def __init__(
        self,
        port: str,
        *,
        baud: int = DEFAULT_BAUD,
        timeout_s: float = ANSWER_TIMEOUT_S,
        on_frame: Callable[[Frame], object] | None = None,
        on_text: Callable[[bytes], None] | None = None,
    ):
        """Opens the port.

        Args:
          port: name or URL, see `Port`.
          baud: bits per second of a hardware port.
          timeout_s: how long one request may stay unanswered before it is repeated.
          on_frame: see the attribute.
          on_text: see the attribute.

        Raises:
          LinkError: no such port, no permission, in use, or nobody listens.
        """
        self.port = port
        self.timeout_s = timeout_s
        self.on_frame = on_frame
        self.on_text = on_text
        self.dropped: dict[str, int] = {}
        self._decoder = FrameDecoder()
        self._received: deque[Frame] = deque()
        self._seq = 0
        self._last_text = b""
        try:
            self._stream = Port(port, baud)
        except PortUnavailable as error:
            raise LinkError(str(error)) from error
        self._write(b"\0")  # ends whatever somebody sent before us

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the port. May be called twice."""
        self._stream.close()

    def _broken(self, error: PortBroken) -> LinkBroken:
        return LinkBroken(
            f"{self.port}: the connection broke ({error}){self._text_note()}. "
            "Was the device unplugged or the emulator stopped?"
        )

    @property
    def last_words(self) -> str:
        """The end of what came and is no frame, in one line; "" when that was nothing to be read."""
        text = (self._last_text + self._decoder.pending).decode("utf-8", "replace")
        shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return shown[-100:] if len(shown) >= 4 else ""

    def _text_note(self) -> str:
        return f"; it said: {self.last_words}" if self.last_words else ""

    def _write(self, data: bytes) -> None:
        try:
            self._stream.write(data)
        except PortBroken as error:
            for item in self._decoder.feed(self._stream.last_words()):
                if isinstance(item, Unframed):
                    self._drop(item)
            raise self._broken(error) from error

    def _read(self, timeout_s: float) -> bytes:
        """Waits for bytes; empty after the timeout."""
        try:
            return self._stream.read(timeout_s)
        except PortBroken as error:
            raise self._broken(error) from error

    def send(self, kind: MessageType, payload: bytes = b"", seq: int | None = None) -> int:
        """Sends one frame and returns its seq."""
        if seq is None:
            self._seq = (self._seq + 1) % 65536
            seq = self._seq
        self._write(Frame(kind, seq, payload).encode())
        return seq

    def receive(self, timeout_s: float) -> Frame | None:
        """Returns the next frame of any kind, or None after the timeout."""
        deadline = time.monotonic() + timeout_s
        while not self._received:
            left = deadline - time.monotonic()
            data = self._read(max(0.0, left))
            for item in self._decoder.feed(data):
                if isinstance(item, Unframed):
                    self._drop(item)
                else:
                    self._received.append(item)
            if left <= 0 and not self._received:  # also of a port that never falls silent
                return None
        return self._received.popleft()

    def _drop(self, item: Unframed) -> None:
        self.dropped[item.reason] = self.dropped.get(item.reason, 0) + 1
        self._last_text = item.data
        if self.on_text:
            self.on_text(item.data)

    @property
    def dropped_chunks(self) -> int:
        """All of `dropped`."""
        return sum(self.dropped.values())

    def request(self, kind: MessageType, payload: bytes, answer: enum.IntEnum) -> bytes:
        """Sends a request, repeats it while it stays unanswered, and returns the answer's payload.

        Raises:
          LinkError: no answer in all attempts, or the port broke.
          RequestRefused: the device answered with ERROR.
        """
        seq = self.send(kind, payload)
        for attempt in range(REQUEST_ATTEMPTS):
            if attempt:
                self.send(kind, payload, seq)
            deadline = time.monotonic() + self.timeout_s
            while (left := deadline - time.monotonic()) > 0:
                frame = self.receive(left)
                if frame is None:
                    break
                if frame.seq == seq and frame.type == answer:
                    self._check_version(frame)
                    return frame.payload
                if frame.seq == seq and frame.type == MessageType.ERROR:
                    self._check_version(frame)
                    raise RequestRefused(self.port, self.decode(messages.Error, frame.payload))
                if self.on_frame:
                    self.on_frame(frame)
        raise LinkError(
            f"no answer from {self.port} to {kind.name} in {REQUEST_ATTEMPTS * self.timeout_s:g} s{self._text_note()}. "
            "Is it the right port and baud rate, does the firmware run, and is no other program connected?"
        )

    def decode(self, kind: type[AnyMessage], payload: bytes) -> AnyMessage:
        """Reads a message's payload.

        Args:
          kind: of the message, its class.
          payload: the bytes.

        Raises:
          LinkError: they are no such message.
        """
        try:
            return kind.decode(payload)
        except ProtocolError as error:
            raise LinkError(
                f"{self.port}: {kind.TYPE.name} cannot be read ({error}). Flash this kit's firmware."
            ) from error

    def _check_version(self, frame: Frame) -> None:
        if frame.version != messages.PROTOCOL_VERSION:
            raise other_version(self.port, frame.version)
