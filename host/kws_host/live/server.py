"""The page, its files and its WebSocket, behind one port of the loopback interface."""

import socket
from pathlib import Path

import uvicorn
from kws_reference.errors import KwsError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from kws_host.emulator import tcp_ports
from kws_host.live import connections, wire
from kws_host.live.board import LiveBoard
from kws_host.live.guard import Guard
from kws_host.live.session import Session
from kws_host.project import ROOT

HOST = "127.0.0.1"
"""Never another: what listens here hears whoever speaks."""
PAGE = ROOT / "host" / "web"
MODELS = ROOT / "build" / "web" / "models"
"""Of the page's own devices, where `make web` has built them."""
MOST_HEADER_BYTES = 16384
PING_S = 10.0
SHUTDOWN_S = 1


class LiveServer(uvicorn.Server):
    """Serves the page until it is told to end (`should_exit`), with signals handled while `run` runs.

    Attributes:
      url: of the page.
    """

    def __init__(self, board: LiveBoard, port: int = 0, page: Path = PAGE, models: Path = MODELS):
        """Listens.

        Args:
          board: that the page hears with.
          port: of TCP; 0 chooses a free one.
          page: folder of the page's files.
          models: folder of its models, may be missing.

        Raises:
          KwsError: the port is taken, or the page is not there.
        """
        if not (page / "index.html").is_file():
            raise KwsError(f"the page is missing: no index.html in {page}. Run kws-host from a checkout of the kit.")
        self._socket = _listen(port)
        port = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{port}/?device=server"
        super().__init__(
            uvicorn.Config(
                Guard(_application(board, page, models), port),
                http=connections.Http,
                ws=connections.WebSockets,
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="error",
                server_header=False,
                proxy_headers=False,
                ws_max_size=wire.MAX_MESSAGE_BYTES,
                ws_ping_interval=PING_S,
                ws_ping_timeout=PING_S,
                ws_per_message_deflate=False,
                h11_max_incomplete_event_size=MOST_HEADER_BYTES,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
        )

    def serve_here(self) -> None:
        """Serves until the end."""
        try:
            self.run(sockets=[self._socket])
        finally:
            self._socket.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, tcp_ports.require_free(HOST, port)))
    except KwsError as error:
        raise KwsError(f"{str(error).rstrip('.')}. Give another by --http-port; 0 chooses a free one.") from error


def _application(board: LiveBoard, page: Path, models: Path) -> Starlette:
    async def live(websocket: WebSocket) -> None:
        await Session(websocket, board).run()

    async def front(request: Request) -> Response:
        if "device" not in request.query_params:
            return RedirectResponse("/?device=server")
        return await files.get_response("index.html", request.scope)

    async def no_models(request: Request) -> Response:
        return JSONResponse({"models": []})

    files = StaticFiles(directory=page)
    is_built = (models / "index.json").is_file()
    return Starlette(
        routes=[
            Route("/", front),
            WebSocketRoute("/live", live),
            Mount("/models", StaticFiles(directory=models)) if is_built else Route("/models/index.json", no_models),
            Mount("/", files),
        ]
    )
