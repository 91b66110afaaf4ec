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


def section() -> str:
    """The part of the page."""
    return (ROOT / "training/STREAMING.md").read_text(encoding="utf-8").partition("\n## From your own model")[2]


def commands(*programs: str) -> list[list[str]]:
    """The command lines of some programs there, as words."""
    found = [shlex.split(line, comments=True) for line in re.findall(r"^ {4}(kws-\S.*)$", section(), re.MULTILINE)]
    return [words for words in found if words[0] in programs]


def walk(folder: Path) -> None:
    """Writes the page's file and some recordings, and runs the commands up to the generated code.

    Args:
      folder: empty, and the working folder: the page's paths are relative.
    """
    file = re.search(r"^```python\n(# (\S+)\n.*?)^```$", section(), re.MULTILINE | re.DOTALL)
    assert file is not None
    (folder / file[2]).write_text(file[1])
    for data in sorted({word for words in commands(*PROGRAMS) for word in words if word.startswith("data/")}):
        (folder / data).mkdir(parents=True)
        write_tones(folder / data, speakers=8)
    assert [words[1] for words in commands(*PROGRAMS)] == list(LESS)
    for program, command, *words in commands(*PROGRAMS):
        assert PROGRAMS[program].main([command, *words, *LESS[command]]) == 0, command
