"""Results as text tables, JSON and JUnit XML."""

import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kws_reference.cli.output import drop_output
from kws_reference.errors import KwsError
from kws_reference.system.file_names import printable
from kws_reference.system.files import replace


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Lines up columns; ``right`` names the columns that are right-aligned."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(cells[0]), "  ".join("-" * width for width in widths), *map(line, cells[1:])])


def require_writable(*targets: str | Path | None) -> None:
    """Finds before the work what would lose its result at the end. Args: targets: of `write_json`, `write_junit`.

    Raises:
      KwsError: a target is a folder, or its folder is missing or cannot be written to.
    """
    for target in targets:
        if target is None or str(target) == "-":
            continue
        path, folder = Path(target), Path(target).absolute().parent
        if path.is_dir():
            raise KwsError(f"cannot write {path}: it is a folder. Choose a file in it.")
        if not folder.is_dir():
            raise KwsError(f"cannot write {path}: there is no folder {folder}. Make it, or choose another file.")
        if not os.access(path if path.exists() else folder, os.W_OK):
            raise KwsError(f"cannot write {path}: permission denied. Choose another file.")


def _write(path: Path, text: str) -> None:
    """Writes a whole file or, of a full disk, none: what was there before stays."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        replace(path, data)
    except OSError as error:
        raise KwsError(f"cannot write {path}: {error.strerror}. Choose another file.") from None


def write_json(target: str, result: dict[str, Any]) -> None:
    """Writes JSON in UTF-8 to a file, or to stdout for ``-``, there in ASCII where stdout is not UTF-8."""
    if target == "-":
        utf8 = (sys.stdout.encoding or "").lower().replace("_", "-") in ("utf-8", "utf8")
        sys.stdout.write(json.dumps(result, indent=1, ensure_ascii=not utf8) + "\n")
    else:
        _write(Path(target), json.dumps(result, indent=1, ensure_ascii=False) + "\n")


class Screen:
    """Prints text that goes with reports: when nobody reads it any more (``| head``), the reports still get written."""

    def __init__(self, *reports: str | Path | None):
        """Args: reports: targets; ``-`` in the place of text."""
        self.quiet = "-" in reports
        self._kept = any(report is not None for report in reports)

    def print(self, text: str) -> None:
        """Prints lines, unless stdout is a report's.

        Raises:
          BrokenPipeError: nobody reads, and no report is wanted either.
        """
        if self.quiet:
            return
        try:
            print(text, flush=True)
        except BrokenPipeError:
            if not self._kept:
                raise
            self.quiet = True
            drop_output()


def write_junit(target: Path, suite: str, cases: Sequence[tuple[str, str, str]]) -> None:
    """Writes JUnit XML.

    Args:
      target: the file.
      suite: name of the suite.
      cases: class name, case name, and the failure's text ("" for a case that passed).
    """
    failures = sum(bool(failure) for _, _, failure in cases)
    root = ElementTree.Element("testsuite", name=suite, tests=str(len(cases)), failures=str(failures), errors="0")
    for group, name, failure in cases:
        # XML has no way to write most control characters.
        case = ElementTree.SubElement(root, "testcase", classname=printable(group), name=printable(name))
        if failure:
            ElementTree.SubElement(case, "failure", message=printable(failure)).text = printable(failure)
    ElementTree.indent(root)
    _write(target, ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n")
