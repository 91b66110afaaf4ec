"""Who may ask: the page that this server sent, in a browser of this machine.

A page of another site can make a browser send requests to 127.0.0.1, and a name that its owner controls can be made
to lead there (DNS rebinding). Both show: in the header Origin, and in the header Host.
"""

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")
"""Of this machine, in addresses of the page."""
HTTP_PORT = 80

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; worker-src 'self'; connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), serial=(self), camera=(), geolocation=()",
    "Cache-Control": "no-cache",  # another version of the kit may answer here tomorrow
}


def hosts(port: int) -> tuple[str, ...]:
    """What a browser of this machine puts into the header Host. Args: port: of the server."""
    return tuple(f"{name}:{port}" for name in NAMES) + (NAMES if port == HTTP_PORT else ())


class Guard:
    """Refuses who is not of this machine, or of another origin, and sends the headers that bind the page."""

    def __init__(self, app: ASGIApp, port: int):
        """Args: app: that answers the others. port: of the server."""
        self._app = app
        self._hosts = hosts(port)
        sockets = " ".join(f"ws://{host}" for host in self._hosts)
        self._headers = {name: value.format(sockets=sockets) for name, value in _HEADERS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or hands it on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        reason = self._refuses(scope["type"] == "websocket", Headers(scope=scope))
        app = PlainTextResponse(reason + "\n", status_code=403) if reason else self._app
        await app(scope, receive, send_with_headers)

    def _refuses(self, is_socket: bool, headers: Headers) -> str:
        """Why a request is refused, in one line; empty: it is not."""
        host, origin = headers.getlist("host"), headers.getlist("origin")
        if len(host) != 1 or host[0].lower() not in self._hosts:
            return f"This server answers to {' and '.join(self._hosts)} alone. Received: {_shown(host)}."
        if is_socket and not origin:
            return "A WebSocket's request must say its Origin: open the page of this server."
        if origin and (len(origin) != 1 or origin[0].lower() not in {f"http://{name}" for name in self._hosts}):
            return f"This server answers its own page alone. Received: Origin {_shown(origin)}."
        return ""


def _shown(values: Sequence[str]) -> str:
    text = ", ".join(values)[:100] or "none"
    return "".join(character if character.isprintable() else "?" for character in text)
