"""``kws-host live``: a page in the browser that lets a board hear this machine's microphone, and shows every score."""

import argparse
import contextlib
import logging
import threading
import webbrowser
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host import options, report
from kws_host.live.board import LiveBoard, Source

if TYPE_CHECKING:
    from kws_host.live.server import LiveServer

DEFAULT_HTTP_PORT = 8765

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser("live", help="hear and see a board in the browser", description=__doc__)
    options.add_target(parser)
    parser.add_argument(
        "--source",
        choices=[source.value for source in Source],
        default=Source.PAGE.value,
        help="who hears: the page (default), or the board by a microphone of its own",
    )
    parser.add_argument(
        "--http-port",
        type=int,
        default=DEFAULT_HTTP_PORT,
        metavar="N",
        help="TCP port of the page, on this machine alone; 0 chooses one (default: %(default)s)",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page, only say where it is")
    parser.add_argument("--duration", type=float, metavar="S", help="end after so many seconds (default: Ctrl-C)")
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Serves the page until the user ends it."""
    try:
        from kws_host.live.server import LiveServer
    except ImportError as error:
        raise KwsError(f"{error.name} is not installed: pip install 'kws-kit[host]'") from error
    report.require_writable(args.json)
    if args.duration is not None and not 0 < args.duration <= threading.TIMEOUT_MAX:
        raise KwsError(f"--duration must be above 0. Received: {args.duration:g}.")
    with (
        contextlib.suppress(KeyboardInterrupt),
        LiveBoard(options.target_of(args), Source(args.source)) as board,
    ):
        server = LiveServer(board, args.http_port)
        if args.json != "-":
            print(server.url, flush=True)
        log.info(f"the page is at {server.url}; Ctrl-C ends" if args.json == "-" else "the page is there; Ctrl-C ends")
        if not args.no_browser:
            # In a thread: one that runs in a terminal would not return before its end.
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        try:
            with _ending(server, args.duration):
                server.serve_here()
        finally:
            if args.json:
                report.write_json(args.json, board.counts.json())
    return program.OK


@contextlib.contextmanager
def _ending(server: "LiveServer", duration_s: float | None) -> Iterator[None]:
    """Ends the server after some seconds, if not before."""

    def end() -> None:
        server.should_exit = True

    timer = threading.Timer(duration_s or 0.0, end)
    timer.daemon = True
    if duration_s is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
