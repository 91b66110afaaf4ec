"""The page's road from a model of one's own to the generated code: its file and its commands, with few clips."""

import re
import shlex
from pathlib import Path

from kws_codegen import cli as codegen
from kws_training import cli as train

from tests.support.paths import ROOT
from tests.support.tones import write_tones

BUNDLE, GENERATED = "bundles/own", "build/own"
PROGRAMS = {"kws-train": train, "kws-codegen": codegen}
LESS = {  # of everything, so that the road takes seconds
    "list-layers": ["Dense", "GRU", "--streaming-only"],
    "describe": [],
    "fit": ["--epochs", "1", "--batch", "8", "--unknown-percent", "50", "--workers", "0"],
    "export": ["--calibration-clips", "4"],
    "evaluate": ["--limit", "4"],
    "generate": [],
}


TO_THE_BOARD, FOR_INTEGERS = "From your own model to the board", "Training your own model for integers"


def section(title: str = TO_THE_BOARD) -> str:
    """A part of the page."""
    page = (ROOT / "training/STREAMING.md").read_text(encoding="utf-8")
    return page.partition(f"\n## {title}")[2].partition("\n## ")[0]


def commands(*programs: str, title: str = TO_THE_BOARD) -> list[list[str]]:
    """The command lines of some programs there, as words."""
    lines = re.findall(r"^ {4}(kws-\S.*)$", section(title), re.MULTILINE)
    found = [shlex.split(line, comments=True) for line in lines]
    return [words for words in found if words[0] in programs]


def write(folder: Path, title: str = TO_THE_BOARD) -> None:
    """Writes the page's file and some recordings to an empty folder; the page's paths are relative to it."""
    file = re.search(r"^```python\n(# (\S+)\n.*?)^```$", section(title), re.MULTILINE | re.DOTALL)
    assert file is not None
    (folder / file[2]).write_text(file[1])
    lines = commands(*PROGRAMS, title=title)
    for data in sorted({word for words in lines for word in words if word.startswith("data/")}):
        (folder / data).mkdir(parents=True)
        write_tones(folder / data, speakers=8)


def run(program: str, command: str, *words: str) -> None:
    """Does a command of the page with little of everything, which leads to a trained run or a bundle nevertheless."""
    less = [] if command == "export" and "--data" not in words else LESS[command]
    assert PROGRAMS[program].main([command, *words, *less]) == 0, command


def walk(folder: Path) -> None:
    """Writes the page's file and some recordings, and runs the commands up to the generated code.

    Args:
      folder: empty, and the working folder: the page's paths are relative.
    """
    write(folder)
    assert [words[1] for words in commands(*PROGRAMS)] == list(LESS)
    for words in commands(*PROGRAMS):
        run(*words)
