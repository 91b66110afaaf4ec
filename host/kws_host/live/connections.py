"""TCP connections that ask nothing, take nothing or are too many: uvicorn's protocols, with an end for each of them."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

MOST_CONNECTIONS = 64
REQUEST_TIMEOUT_S = 10.0
"""From a connection's start, or its last answer, to the end of the next request's header."""
CLOSING_S = 2.0
"""In which a connection that is over must be gone."""


class Http(H11Protocol):
    """HTTP that waits for a request for a while only."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection begins, or is one too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came: a request, or a part of one."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget_deadline()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """The connection becomes a WebSocket's, which has rules of its own."""
        self._forget_deadline()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """A request is answered: the next one may come."""
        super().on_response_complete()
        self._forget_deadline()
        self._expect_request()

    def _expect_request(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self.transport.abort)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class WebSockets(WSProtocol):
    """WebSockets of peers that may not read: their pings are not answered on and on, and their end does not wait."""

    def pause_writing(self) -> None:
        """The peer does not read: nothing more is read of it either, or answers to its pings would pile up."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        """The next message for the application, which makes room for another."""
        message = await super().receive()
        if not self.writable.is_set():
            self.transport.pause_reading()
        return message

    def keepalive_timeout(self) -> None:
        """The peer does not answer: it is gone, whatever lies in its buffers."""
        super().keepalive_timeout()
        self._end_soon()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The application is done with it."""
        super().on_task_complete(task)
        self._end_soon()

    def _end_soon(self) -> None:
        self.loop.call_later(CLOSING_S, self.transport.abort)
