"""Planted faults: copies of the generated C++ with one thing wrong."""

import re
import shutil
import struct
from pathlib import Path

from tests.support.paths import ROOT

GENERATED = ROOT / "firmware" / "generated"


def change(folder: Path, changes: dict[str, tuple[str, str]], generated: Path = GENERATED) -> Path:
    """Copies the generated files below `folder` and replaces text in them.

    Args:
      folder: where the copy goes.
      changes: per file name a pattern, which must be found, and its replacement, as for `re.sub`.
      generated: what is copied.
    """
    copy = folder / "generated"
    shutil.copytree(generated, copy)
    for file, (pattern, replacement) in changes.items():
        text, count = re.subn(pattern, replacement, (copy / file).read_text(), count=1)
        assert count == 1, f"{file} holds no {pattern}"
        (copy / file).write_text(text)
    return copy


def _flip(bit: int, text: str) -> str:
    return str(struct.unpack("b", bytes([(int(text) & 0xFF) ^ (1 << bit)]))[0])


def flip_weight(folder: Path, array: str, index: int, bit: int, generated: Path = GENERATED) -> Path:
    """Copies the generated files below `folder`, one bit of one weight flipped."""
    source = (generated / "aot_model.cc").read_text()
    body = re.search(rf"{array}\[\d+\] = {{(.*?)}}", source, re.DOTALL).group(1)
    values = re.findall(r"-?\d+", body)
    values[index] = _flip(bit, values[index])
    wanted = (rf"({array}\[\d+\] = {{)[^}}]*}}", rf"\g<1>{', '.join(values)}}}")
    return change(folder, {"aot_model.cc": wanted}, generated)


def change_table(folder: Path, table: str, entry: int, by: int, generated: Path) -> Path:
    """Copies the generated files below `folder`, one entry of a table of the front end larger by `by`."""
    source = (generated / "frontend_tables.cc").read_text()
    head, body = re.search(rf"({table}\[[^]]+\] = {{)(.*?)}}", source, re.DOTALL).groups()
    values = re.findall(r"-?\d+", body)
    values[entry] = str(int(values[entry]) + by)
    wanted = (rf"{re.escape(head)}[^}}]*}}", f"{head}{', '.join(values)}}}")
    return change(folder, {"frontend_tables.cc": wanted}, generated)


def change_window(folder: Path) -> Path:
    """Copies the generated files below `folder`, the third coefficient of the window one larger."""
    table = (GENERATED / "frontend_tables.cc").read_text()
    third = int(re.search(r"kHannQ16\[\w+\] = {\s*\d+, \d+, (\d+)", table).group(1))
    wanted = (r"(kHannQ16\[\w+\] = {\s*\d+, \d+, )\d+", rf"\g<1>{third + 1}")
    return change(folder, {"frontend_tables.cc": wanted})
