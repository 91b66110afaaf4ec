"""Fixtures that several test folders share."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from kws_reference.cli import log

from tests.support import boards
from tests.support.paths import ROOT


@pytest.fixture(autouse=True)
def _log_as_in_a_program() -> None:
    """Every test begins with the log of a program that was given neither -q nor -v."""
    log.set_up(0, "kws_training", "kws_codegen", "kws_host")


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """The lines that training's log says, as they come."""
    handler, logger = _Lines(), logging.getLogger("kws_training")
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)


@pytest.fixture(scope="session")
def bundle_path() -> Path:
    """Folder of the released bundle, the one that the committed firmware is generated from."""
    return ROOT / "training" / "zoo" / "matchbox"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests one worker runs in their order: those of a file, and all that build in PlatformIO's folder."""
    for item in items:
        shares_builds = getattr(getattr(item, "module", None), "boards", None) is boards
        item.add_marker(pytest.mark.xdist_group("boards" if shares_builds else item.path.as_posix()))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--port``, which turns the tests marked hardware onto a real board."""
    parser.addoption("--port", help="serial port of a board with the committed firmware, for tests marked hardware")


@pytest.fixture
def port(request: pytest.FixtureRequest) -> str:
    """The board's port, or a skip that says what is missing."""
    value = request.config.getoption("--port")
    if not value:
        pytest.skip("no board: give its serial port by --port")
    return value
