"""Tables that tools put into READMEs, between two marker lines."""

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kws_reference.cli.output import print_anything
from kws_reference.errors import KwsError


def markers(name: str) -> tuple[str, str]:
    """The lines around a table."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def replaced(text: str, name: str, new: str, where: object = "README.md") -> str:
    """The text with another table between the markers.

    Args:
      text: of the README.
      name: of the table, see `markers`.
      new: the table.
      where: name of the file, for the message.

    Raises:
      KwsError: a marker is missing.
    """
    begin, end = markers(name)
    if text.count(begin) != 1 or text.count(end) != 1:
        raise KwsError(f"{where} must hold the lines {begin} and {end} once each.")
    head, rest = text.split(begin)
    return f"{head}{begin}\n{new}\n{end}{rest.split(end)[1]}"


def add_options(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Adds ``--write`` and ``--check``; one of them or none."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="put the tables into the READMEs")
    mode.add_argument("--check", action="store_true", help="compare with the READMEs: exit 1 if one differs")
    return mode


def run(options: argparse.Namespace, names: Sequence[str], table: Callable[[str], str], readmes: Sequence[Path]) -> int:
    """Prints tables, and with the options of `add_options` writes them into READMEs or compares.

    Args:
      options: what was given.
      names: of the tables, see `markers`.
      table: makes the table of a name.
      readmes: hold all of them.

    Returns:
      0, 1 when a README differs, 2 after an error, of which one line says what it is.
    """
    print_anything()
    status = 0
    try:
        for name in names:
            new = table(name)
            print(new, end="\n\n" if len(names) > 1 else "\n")
            for path in readmes if options.write or options.check else ():
                text = path.read_text(encoding="utf-8")
                wanted = replaced(text, name, new, path)
                if options.write:
                    path.write_text(wanted, encoding="utf-8")
                elif text != wanted:
                    print(f"{path} says something else; --write renews it:", file=sys.stderr)
                    lines = difflib.unified_diff(text.splitlines(), wanted.splitlines(), lineterm="", n=0)
                    print("\n".join(lines), file=sys.stderr)
                    status = 1
    except (KwsError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return status
