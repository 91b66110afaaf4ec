"""firmware/ADD_A_BOARD.md, followed: its files and its commands add a board to a copy of the kit."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import boards

pytestmark = pytest.mark.qemu

PAGE = boards.ROOT / "firmware" / "ADD_A_BOARD.md"
LISTING = re.compile(r"^(New file|At the end of) `([^`]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^    ((?:pio|kws-host|python) .*)$", re.MULTILINE)
PROGRAMS = {"pio": ["-m", "platformio"], "kws-host": ["-m", "kws_host.cli"], "python": []}


def section(title: str) -> str:
    """Text of one section of the page."""
    return PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def kit(tmp_path_factory) -> Path:
    """A copy of the kit with what the page adds to it."""
    boards.require_tools()
    copy = tmp_path_factory.mktemp("kit")
    for name in ("firmware", "host"):
        ignored = shutil.ignore_patterns("__pycache__", "third_party")
        shutil.copytree(boards.ROOT / name, copy / name, ignore=ignored)
    for name in ("training", "firmware/third_party"):
        (copy / name).symlink_to(boards.ROOT / name)
    for name in ("platformio.ini", "size_budget.toml"):
        shutil.copy(boards.ROOT / name, copy)
    for how, name, text in LISTING.findall(PAGE.read_text(encoding="utf-8")):
        path = copy / name
        assert path.is_file() == (how == "At the end of"), f"{name} is not as the page says"
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") + "\n" if how == "At the end of" else ""
        path.write_text(before + text, encoding="utf-8")
    return copy


def run(kit: Path, line: str) -> str:
    """Runs a command of the page in the copy; returns what it printed."""
    program, *words = shlex.split(line)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PLATFORMIO", "KWS_"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join(str(kit / name) for name in ("training", "host", "firmware")),
        "PLATFORMIO_CORE_DIR": str(kit / ".pio-core"),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    }
    command = [sys.executable, *PROGRAMS[program], *words]
    result = subprocess.run(command, cwd=kit, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
    return result.stdout + result.stderr


def test_page_lists_every_file_that_a_board_needs():
    names = [name for _, name, _ in LISTING.findall(PAGE.read_text(encoding="utf-8"))]
    assert [Path(name).suffix for name in names] == [".json", ".ld", ".h", ".ini", ".toml"]
    assert not any((boards.ROOT / name).exists() for name in names[:3]), "the page's board is one of the kit's own now"


def test_page_followed_makes_a_board_that_computes_every_integer(kit):
    lines = COMMAND.findall(section("7. Try it"))
    assert [line.split()[0] for line in lines] == ["pio", "kws-host", "python", "pio"]
    said = {line: run(kit, line) for line in lines}
    checked = next(text for line, text in said.items() if line.startswith("kws-host check"))
    assert re.search(r"\b0 mismatch", checked), checked
    tested = next(text for line, text in said.items() if line.startswith("pio test"))
    assert "fault_overflow" in tested or "PASSED" in tested, tested
