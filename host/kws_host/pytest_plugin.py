"""pytest's side: ``--kws-port``, ``--kws-board``, and the fixtures ``board`` and ``check_clip`` (host/PYTEST.md).

pytest loads this module wherever the kit is installed: nothing but the standard library is imported before a test asks
for a board.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kws_host.regression.board import Board
    from kws_host.regression.board_pool import BoardPool
    from kws_host.regression.played_clip import PlayedClip

    CheckClip = Callable[..., PlayedClip]

NO_BOARD = "no board: give --kws-port (or set KWS_PORT), or --kws-board for an emulated one"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("kws", "keyword spotting boards")
    group.addoption(
        "--kws-port",
        action="append",
        default=[],
        metavar="PORT[,PORT...]",
        help="serial ports or socket://host:port of the boards, one for each pytest-xdist worker (default: $KWS_PORT)",
    )
    group.addoption(
        "--kws-board",
        action="append",
        default=[],
        metavar="BOARD[,BOARD...]",
        help="emulate these boards, in the place of --kws-port; workers take turns",
    )
    group.addoption("--kws-baud", type=int, metavar="N", help="bits per second of hardware ports (default: $KWS_BAUD)")
    group.addoption(
        "--kws-bundle",
        metavar="FOLDER",
        help="model bundle that the boards must run (default: $KWS_BUNDLE)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuses what cannot work, such as more workers than boards, before the first worker starts."""
    if hasattr(config, "workerinput") or not (config.getoption("kws_port") or config.getoption("kws_board")):
        return
    from kws_reference.errors import KwsError

    from kws_host.regression.board_pool import split

    for option in ("kws_port", "kws_board"):
        given = config.getoption(option)
        if given and not split(given):  # as of --kws-port "$UNSET": skipping all tests would look like success
            name = "--" + option.replace("_", "-")
            raise pytest.UsageError(f"{name} names nothing. Received: {' '.join(map(repr, given))}. Give a name.")
    try:
        _pool(config).check(workers=config.getoption("numprocesses", None) or 1)
    except KwsError as error:
        raise pytest.UsageError(str(error)) from None


def _pool(config: pytest.Config) -> "BoardPool":
    from kws_reference.errors import KwsError

    from kws_host.port import DEFAULT_BAUD
    from kws_host.regression.board_pool import BoardPool, split

    boards = split(config.getoption("kws_board"))
    ports = split(config.getoption("kws_port") or ([] if boards else [os.environ.get("KWS_PORT", "")]))
    baud = config.getoption("kws_baud") or os.environ.get("KWS_BAUD") or DEFAULT_BAUD
    if not str(baud).isdecimal():
        raise KwsError(f"KWS_BAUD must be a number of bits per second. Received: {baud}.")
    return BoardPool(ports, boards, int(baud))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Lets what is wrong with a board fail a test in one line, without a traceback of ours."""
    from kws_reference.errors import KwsError

    try:
        yield
    except KwsError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def _kws_board(request: pytest.FixtureRequest) -> "Iterator[Board]":
    """The board of this process."""
    with _told():
        pool = _pool(request.config)
    if not (pool.ports or pool.boards):
        pytest.skip(NO_BOARD)
    from kws_reference.bundle import Bundle

    from kws_host.regression.board import opened

    folder = request.config.getoption("kws_bundle") or os.environ.get("KWS_BUNDLE")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    with _told():
        bundle = Bundle.load(folder) if folder else None
        with pool.take(int(worker)) as target, opened(target, bundle) as board:
            yield board


@pytest.fixture
def board(_kws_board: "Board") -> "Iterator[Board]":
    """A board that has forgotten all audio: ``board.info``, ``board.labels``, ``board.play(pcm)``, ``board.device``.

    It is opened once for all tests of a process. One that faults in a test fails this test, and the next one has it
    after its restart.
    """
    with _told():
        _kws_board.make_ready()
    yield _kws_board
    with _told():
        fault = _kws_board.new_fault()
    if fault:
        pytest.fail(f"the board did not survive this test: {fault}", pytrace=False)


@pytest.fixture
def check_clip(board: "Board") -> "CheckClip":
    """Plays a recording and returns what the board detected (`kws_host.regression.played_clip.PlayedClip`)::

    def test_stop_is_heard(check_clip):
        check_clip("stop.wav").assert_detects_once("stop", within_ms=300)
    """
    from kws_host.regression.played_clip import PlayedClip

    def play(recording: "str | Path", **options: float) -> "PlayedClip":
        with _told():
            return PlayedClip.play(board, recording, **options)

    return play
