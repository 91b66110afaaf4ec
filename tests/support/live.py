"""`kws-host live` inside of a test, and a page's part of the conversation."""

import contextlib
import dataclasses
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from kws_host.live.board import LiveBoard, Source
from kws_host.live.server import PAGE, LiveServer
from kws_host.target import Target
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType
from kws_reference.protocol.wire import Message

from tests.support.web_socket import WebSocketClient

KINDS: dict[int, type[Message]] = {
    kind.TYPE: kind for kind in vars(messages).values() if isinstance(kind, type) and hasattr(kind, "TYPE")
}


@contextlib.contextmanager
def serving(target: Target, source: Source = Source.PAGE, page: Path = PAGE) -> Iterator[int]:
    """Runs the server. Yields: its TCP port."""
    with LiveBoard(target, source) as board:
        server = LiveServer(board, page=page, models=page / "models")
        thread = threading.Thread(target=server.serve_here)
        thread.start()
        try:
            yield int(server.url.split(":")[2].split("/")[0])
        finally:
            server.should_exit = True
            thread.join()


@dataclasses.dataclass
class Take:
    """What came of the audio since a RESET.

    Attributes:
      steps: STEP messages.
      detections: DETECTION messages.
      consumed: bytes that the board has taken.
      heard: int16 ``[samples]`` of a board's own microphone.
    """

    steps: list[messages.StepRecord] = dataclasses.field(default_factory=list)
    detections: list[messages.DetectionRecord] = dataclasses.field(default_factory=list)
    consumed: int = 0
    heard: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int16))


class Page:
    """A page as the kit's own is, without a browser.

    Attributes:
      info: INFO of the board.
      board: the last text message about it.
      notes: lines to be shown, in order.
    """

    def __init__(self, port: int, **connection: object):
        """Connects and waits until the server says how things are."""
        self.socket = WebSocketClient(port, **connection)  # type: ignore[arg-type]
        self.info: messages.Info | None = None
        self.board: dict = {}
        self.notes: list[str] = []
        self.take = Take()
        self._turn = 0
        self._limit = 0
        self._sent = 0
        self._is_reset = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def listen(self) -> bool:
        """Takes one message. Returns False at the end of the connection."""
        data = self.socket.receive()
        match data:
            case None:
                return False
            case bytes():
                kind, turn = struct.unpack_from("<BH", data)
                self._on_message(KINDS[kind].decode(data[3:]), turn)
            case {"kind": "board"}:
                self.board = data
            case _:
                self.notes.append(data["message"])
        return True

    def _on_message(self, message: Message, turn: int) -> None:
        if turn not in (0, self._turn):
            assert turn < self._turn and not isinstance(message, messages.ResetDone)
            return  # of before the last RESET
        match message:
            case messages.Info():
                self.info = message
            case messages.ResetDone(limit_bytes=limit):
                self._limit, self._is_reset = limit, True
            case messages.Credit(received_bytes=received, limit_bytes=limit):
                self.take.consumed, self._limit = received, limit
            case messages.StepRecord():
                self.take.steps.append(message)
            case messages.DetectionRecord():
                self.take.detections.append(message)
            case messages.AudioHeard(first_sample=first, pcm=pcm):
                assert first == len(self.take.heard)
                self.take.heard = np.concatenate([self.take.heard, np.frombuffer(pcm, "<i2")])

    def wait_ready(self, ready: bool = True, timeout_s: float = 30.0) -> None:
        """Waits until the board is there, or is gone."""
        self.until(lambda: bool(self.board) and self.board["ready"] == ready, timeout_s)

    def until(self, condition, timeout_s: float = 60.0) -> None:
        """Listens until something holds. Raises: AssertionError, TimeoutError: connection or time ended before."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.listen(), f"the server ended the connection: {self.socket.code} {self.notes}"
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing came of it: {self.board} {self.notes}")

    def reset(self) -> None:
        """Begins a new take."""
        self._turn += 1
        self._is_reset, self._sent, self.take = False, 0, Take()
        self.socket.send(struct.pack("<BH", MessageType.RESET, self._turn))
        self.until(lambda: self._is_reset)

    def audio(self, pcm: bytes, offset: int | None = None, turn: int | None = None) -> None:
        """Sends a piece, whatever the credit."""
        start = self._sent if offset is None else offset
        self.socket.send_message(messages.Audio(start, pcm), self._turn if turn is None else turn)
        self._sent = start + len(pcm)

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more are within the credit."""
        return self._sent + size <= self._limit

    def listen_for(self, wait_s: float) -> None:
        """Takes one message, if one comes in time."""
        if self.socket.has_message(wait_s):
            self.listen()

    def stream(self, pcm: np.ndarray, piece_bytes: int = 640) -> Take:
        """Sends a recording within the credit, and waits until the board has consumed it."""
        data = np.asarray(pcm, "<i2").tobytes()
        end = self._sent + len(data)
        for start in range(0, len(data), piece_bytes):
            piece = data[start : start + piece_bytes]
            self.until(lambda: self._sent + piece_bytes <= self._limit)
            self.audio(piece)
        self.until(lambda: self.take.consumed >= end)
        return self.take
