"""Results as text tables, JSON and JUnit XML."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.files import replace


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


def _write(path: Path, text: str) -> None:
    try:
        replace(path, text.encode())
    except OSError as error:
        raise KwsError(f"cannot write {path}: {error.strerror}. Choose another file.") from None


def write_json(target: str, result: dict[str, Any]) -> None:
    """Writes JSON to a file, or to stdout for ``-``."""
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        _write(Path(target), text)


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
        case = ElementTree.SubElement(root, "testcase", classname=group, name=name)
        if failure:
            ElementTree.SubElement(case, "failure", message=failure).text = failure
    ElementTree.indent(root)
    _write(target, ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n")
