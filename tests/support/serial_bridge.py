"""The page's files, and the bytes of a board's TCP port on a WebSocket: what the stand-in of Web Serial opens."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from kws_host.live.server import PAGE
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.support.paths import ROOT

STAND_IN = ROOT / "tests/integration/web/serial_stand_in.js"


class Bridge:
    """What serves a test.

    Attributes:
      url: of the page; its folder ``tests`` has what stands beside the stand-in.
      board_port: TCP port of the board; None: it is unplugged.
      text: what the address ``text`` gives.
    """

    def __init__(self, board_port: int | None):
        self.board_port = board_port
        self.text = ""
        self._open: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        routes = [
            WebSocketRoute("/serial", self._serial),
            Route("/text", self._give_text),
            Route("/models/index.json", _no_models),
            Mount("/tests", StaticFiles(directory=STAND_IN.parent)),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ]
        self._server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=routes), ws="wsproto", lifespan="off", log_config=None, log_level="error")
        )
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self.unplug()
        self._server.should_exit = True
        self._thread.join()

    def unplug(self) -> None:
        """Breaks the connection to the board, and makes none until `board_port` is set again."""
        self.board_port = None
        for writer in list(self._open):
            assert self._loop
            self._loop.call_soon_threadsafe(writer.close)

    async def _give_text(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse(self.text)

    async def _serial(self, websocket: WebSocket) -> None:
        self._loop = asyncio.get_running_loop()
        await websocket.accept()
        if self.board_port is None:
            await websocket.close()
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self.board_port)
        await websocket.send_text("open")
        self._open.add(writer)
        tasks = {
            asyncio.create_task(_to_page(reader, websocket)),
            asyncio.create_task(_to_board(websocket, writer)),
        }
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._open.discard(writer)
        writer.close()
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await websocket.close()


async def _no_models(_: Request) -> JSONResponse:
    return JSONResponse({"models": []})


async def _to_page(reader: asyncio.StreamReader, websocket: WebSocket) -> None:
    while data := await reader.read(65536):
        await websocket.send_bytes(data)


async def _to_board(websocket: WebSocket, writer: asyncio.StreamWriter) -> None:
    async for data in websocket.iter_bytes():
        writer.write(data)
        await writer.drain()


@contextlib.contextmanager
def bridge(board_port: int | None) -> Iterator[Bridge]:
    """Serves the page beside a board's port."""
    server = Bridge(board_port)
    try:
        yield server
    finally:
        server.stop()
