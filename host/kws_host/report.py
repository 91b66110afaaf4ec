"""Results as files: JSON, also on stdout, and JUnit XML."""

import json
import os
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.system.file_names import printable
from kws_reference.system.files import replace


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


def write_text(path: Path, text: str) -> None:
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
        write_text(Path(target), json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def write_junit(target: Path, suite: str, cases: Sequence[tuple[str, str, str]]) -> None:
    """Writes JUnit XML.

    Args:
      target: the file.
      suite: name of the suite.
      cases: class name, case name, and the failure's text ("" for a case that passed).
    """
    failures = sum(bool(failure) for _, _, failure in cases)
    # XML has no way to write most control characters.
    root = ElementTree.Element(
        "testsuite", name=printable(suite), tests=str(len(cases)), failures=str(failures), errors="0"
    )
    for group, name, failure in cases:
        case = ElementTree.SubElement(root, "testcase", classname=printable(group), name=printable(name))
        if failure:
            ElementTree.SubElement(case, "failure", message=printable(failure)).text = printable(failure)
    ElementTree.indent(root)
    write_text(target, ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n")
