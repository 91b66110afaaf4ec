"""A WebSocket's client end on a plain socket, which a test may also break the rules with."""

import json
import select
import socket
import time
from typing import Self

import wsproto
from kws_host.live import wire
from kws_reference.protocol.wire import Message
from wsproto import events


class Refused(Exception):
    """The server answered the handshake with an HTTP status. Attributes: status: it. body: what it says."""

    def __init__(self, status: int, body: str):
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


class WebSocketClient:
    """Attributes: socket: of the connection, for what no client should send. code: of the end, None before."""

    def __init__(
        self,
        port: int,
        path: str = "/live",
        host: str = "",
        origin: str | None = "",
        timeout_s: float = 30.0,
        receive_bytes: int = 0,
    ):
        """Connects.

        Args:
          port: of TCP.
          path: of the request.
          host: of the request; "": the server's own.
          origin: likewise; None: none.
          timeout_s: of sending, and of receiving a message: the server's pings are none.
          receive_bytes: that the system keeps for this end; 0: as many as it likes.

        Raises:
          Refused: by a status of HTTP.
        """
        own = f"127.0.0.1:{port}"
        headers = [] if origin is None else [(b"Origin", (origin or f"http://{own}").encode())]
        self.code: int | None = None
        self._timeout_s = timeout_s
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout_s)
        self.socket.connect(("127.0.0.1", port))
        self._ws = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._events: list[events.Event] = []
        self.send_event(events.Request(host or own, path, extra_headers=headers))
        answer = self._next()
        if isinstance(answer, events.RejectConnection):
            body = b""
            while isinstance(data := self._next(), events.RejectData):
                body += data.data
                if data.body_finished:
                    break
            raise Refused(answer.status_code, body.decode())
        assert isinstance(answer, events.AcceptConnection), answer

    def bytes_of(self, event: events.Event) -> bytes:
        """What `wsproto` makes of an event."""
        return self._ws.send(event)

    def send_event(self, event: events.Event) -> None:
        """Sends an event."""
        self.socket.sendall(self.bytes_of(event))

    def send(self, data: bytes | str) -> None:
        """Sends a message."""
        self.send_event(events.Message(data=data))

    def send_message(self, message: Message, turn: int) -> None:
        """Sends one of the protocol's."""
        self.send(wire.Outgoing(message, turn).encode())

    def _next(self) -> events.Event:
        while not self._events:
            data = self.socket.recv(65536)
            self._ws.receive_data(data or None)
            self._events = list(self._ws.events())
            if not data and not self._events:
                return events.CloseConnection(1006)
        return self._events.pop(0)

    def has_message(self, wait_s: float) -> bool:
        """Whether `receive` has something to look at; waits for it for so long."""
        return bool(self._events) or bool(select.select([self.socket], [], [], wait_s)[0])

    def receive(self) -> bytes | dict | None:
        """The next message, JSON read; None: the server ended the connection. Raises: TimeoutError: none came."""
        parts: list = []
        deadline = time.monotonic() + self._timeout_s
        while self.code is None:
            event = self._next()
            if time.monotonic() > deadline:
                raise TimeoutError(f"no message in {self._timeout_s:g} s, but {type(event).__name__}")
            match event:
                case events.Ping():
                    self.send_event(event.response())
                case events.CloseConnection(code=code):
                    self.code = int(code)
                case events.Message(data=data, message_finished=is_whole):
                    parts.append(bytes(data) if isinstance(data, bytearray) else data)
                    if is_whole:
                        text = type(parts[0])().join(parts)
                        return json.loads(text) if isinstance(text, str) else text
        return None

    def close(self) -> None:
        """Ends the connection without a word."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
