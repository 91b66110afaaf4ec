"""Fixtures that several test folders share."""

import functools
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kws_reference.cli import log

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


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, which need not be there
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests one process runs in their order: those of a file, and all that build in PlatformIO's folder.

    Groups by mark would do (``--dist loadgroup``), but pytest-xdist 3.8 loses them with pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    @functools.cache
    def scope_of(file: str) -> str:
        builds = re.search(r"\bboards\.(build|pio)\(", (ROOT / file).read_text(encoding="utf-8"))
        return "PlatformIO's folder" if builds else file

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid.partition("::")[0])

    return ByFile(config, log)


class _FailuresAsTheyCome:
    """Names a failed test at once: a run that is cut off never comes to its summary."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter

    @pytest.hookimpl(trylast=True)  # behind the letter of the test
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            cause = getattr(getattr(report.longrepr, "reprcrash", None), "message", "").partition("\n")[0]
            self._reporter.write_line(f"\nFAILED {report.nodeid} ({report.when}, {report.duration:.0f} s): {cause}")


@pytest.hookimpl(trylast=True)  # behind the one that makes the reporter
def pytest_configure(config: pytest.Config) -> None:
    """Sets up what only the process that prints has."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_FailuresAsTheyCome(reporter))


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
