"""One page's conversation with the board, over a WebSocket."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from kws_reference.protocol import messages
from starlette.websockets import WebSocket, WebSocketDisconnect

from kws_host.live import wire
from kws_host.live.board import LiveBoard

MOST_WAITING = 500
"""Messages for a page that does not read them: ten seconds of steps. Then it is given up."""
MOST_MESSAGES_PER_S = 2000
"""Of a page: a hundred are usual."""
SEAT_WAIT_S = 1.0
SEAT_POLL_S = 0.05
IN_USE = "Another page hears this board already: close it, then load this one again."
POLICY, TRY_AGAIN = 1008, 1013
"""Codes of a WebSocket's end."""

log = logging.getLogger(__name__)


class Session:
    """What passes between the two until one of them ends it. A `kws_host.live.board.Listener`."""

    def __init__(self, socket: WebSocket, board: LiveBoard):
        """Args: socket: not yet accepted. board: that the page wants to hear with."""
        self._socket = socket
        self._board = board
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes | str] = deque()
        self._more = asyncio.Event()
        self._given_up: asyncio.Future[None] = self._loop.create_future()
        self._turn = 0  # of the page's last RESET
        self._awaited_bytes: int | None = None  # the offset of the next AUDIO; None: RESET must come first
        self._limit_bytes = 0
        self._second, self._messages = 0, 0

    async def run(self) -> None:
        """Serves the page until it leaves, or breaks a rule."""
        with contextlib.suppress(WebSocketDisconnect):  # gone already: the first to read sees it
            await self._socket.accept()
        if not await self._sit_down():
            await self._end(TRY_AGAIN, IN_USE)
            return
        log.info("a page is connected")
        try:
            await self._serve()
        finally:
            self._board.detach()
            log.info("the page is gone")

    async def _sit_down(self) -> bool:
        """Waits a moment for the seat: of a page that was loaded again, the one before is still leaving."""
        deadline = self._loop.time() + SEAT_WAIT_S
        while not self._board.attach(self):
            if self._loop.time() > deadline:
                return False
            await asyncio.sleep(SEAT_POLL_S)
        return True

    async def _serve(self) -> None:
        tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._write()), self._given_up}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            try:
                task.result()
            except wire.Violation as error:
                log.warning(f"the page broke the protocol: {error}")
                await self._end(POLICY, str(error))
            except (WebSocketDisconnect, asyncio.CancelledError):
                pass

    async def _end(self, code: int, message: str) -> None:
        """Says why, and ends the connection; who does not read is not waited for (`connections`)."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._socket.send_text(wire.refusal(message))
                await self._socket.close(code)

    # From the page.

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._count()
            data = message.get("bytes")
            if data is None:
                raise wire.Violation("A page sends binary messages alone. Received: text.")
            self._take(wire.Incoming.decode(data))
            await asyncio.sleep(0)  # a flood is not to keep the others waiting

    def _count(self) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        if self._messages > MOST_MESSAGES_PER_S:
            raise wire.Violation(f"A page may send {MOST_MESSAGES_PER_S} messages a second.")

    def _take(self, request: wire.Incoming) -> None:
        if request.audio is None:
            self._turn, self._awaited_bytes = request.turn, None
            self._board.reset(request.turn)
            return
        if request.turn != self._turn or self._awaited_bytes is None:
            return  # sent before the page knew that the board has begun anew
        start, end = request.audio.offset_bytes, request.audio.offset_bytes + len(request.audio.pcm)
        if start != self._awaited_bytes:
            raise wire.Violation(f"AUDIO must go on at {self._awaited_bytes}. Received: {start}.")
        if end > self._limit_bytes:
            raise wire.Violation(f"AUDIO may go up to {self._limit_bytes} until CREDIT grants more. Received: {end}.")
        self._awaited_bytes = end
        self._board.push(request.audio.pcm)

    # To the page. The first two are called from the board's thread.

    def on_message(self, message: wire.Outgoing) -> None:
        """Takes what the board says."""
        self._call(self._queue_message, message)

    def on_text(self, text: str) -> None:
        """Takes a text message."""
        self._call(self._queue, text)

    def _call(self, function: Callable[[Any], None], argument: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, argument)

    def _queue_message(self, message: wire.Outgoing) -> None:
        """Notes how much audio the page may send, in the order in which it is told, and queues the message."""
        match message.message:
            case messages.Info():  # the board has begun anew
                self._awaited_bytes = None
            case messages.ResetDone(limit_bytes=limit):
                if message.turn == self._turn:
                    self._awaited_bytes, self._limit_bytes = 0, limit
            case messages.Credit(limit_bytes=limit):
                if message.turn == self._turn:
                    self._limit_bytes = limit
        self._queue(message.encode())

    def _queue(self, data: bytes | str) -> None:
        self._waiting.append(data)
        self._more.set()
        if len(self._waiting) > MOST_WAITING and not self._given_up.done():
            self._given_up.set_exception(wire.Violation("The page does not read what it is sent."))

    async def _write(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting and not self._given_up.done():
                data = self._waiting.popleft()
                if isinstance(data, bytes):
                    await self._socket.send_bytes(data)
                else:
                    await self._socket.send_text(data)
