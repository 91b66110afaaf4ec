"""Writes every measured figure that the pages state, from the committed records.

    python -m tests.tools.figures            write (make figures)
    python -m tests.tools.figures --check    exit 1 with the lines that a page should have (make lint)

A table stands between two lines, a figure in a sentence between two comments:

    <!-- NAME: begin -->                     <!-- fig: NAME -->192,792<!-- /fig -->
    | ... |
    <!-- NAME: end -->

`makers` knows what makes the text of each name. A name that no page has, or that nothing makes, is an error: neither a
page nor a record can be forgotten.
"""

import argparse
import difflib
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from kws_reference.cli.output import print_anything
from kws_reference.errors import KwsError

from tests.support.paths import ROOT
from tests.tools.figures.makers import Maker, all_makers

FOLDERS = ("training", "codegen", "firmware", "host", "tests")
MARK = re.compile(
    r"<!-- (?P<table>[^:>\n]+): begin -->\n(?P<rows>.*?)\n?<!-- (?P<end>[^:>\n]+): end -->"
    r"|<!-- fig: (?P<figure>[^>\n]+?) -->(?P<value>[^<\n]*)<!-- /fig -->",
    re.DOTALL,
)
LOOSE = re.compile(r"<!-- (?:[^:>\n]+: (?:begin|end)|fig: [^>\n]+|/fig) -->")


def pages(root: Path = ROOT) -> list[Path]:
    """Every page of ours that may state figures."""
    found = [*root.glob("*.md"), *(path for folder in FOLDERS for path in (root / folder).rglob("*.md"))]
    return sorted(path for path in found if not {"third_party", "fixtures"} & set(path.relative_to(root).parts))


def renewed(text: str, makers: Mapping[str, Maker], where: object, used: set[str]) -> str:
    """The text of a page with the figures that its records give today.

    Args:
      text: of the page.
      makers: of tables and figures, by name.
      where: the page's name, for messages.
      used: is given the names that the page has.

    Raises:
      KwsError: a name is unknown, or a marker stands alone.
    """

    def renew(mark: re.Match[str]) -> str:
        name = mark["table"] or mark["figure"]
        if mark["table"] and mark["end"] != name:
            raise KwsError(f"{where}: the table {name} ends as {mark['end']}.")
        if name not in makers:
            raise KwsError(f"{where}: nothing makes figures called {name}. Add them to tests/tools/figures.")
        used.add(name)
        made = makers[name]()
        if mark["table"]:
            return f"<!-- {name}: begin -->\n{made}\n<!-- {name}: end -->"
        return f"<!-- fig: {name} -->{made}<!-- /fig -->"

    alone = LOOSE.search(MARK.sub("", text))
    if alone:
        raise KwsError(f"{where}: {alone.group()} has no partner.")
    return MARK.sub(renew, text)


def run(paths: Iterable[Path], makers: Mapping[str, Maker], check: bool) -> list[str]:
    """Renews pages.

    Args:
      paths: of the pages.
      makers: of tables and figures, by name; all of them must be used.
      check: only compares.

    Returns:
      Lines of a diff, of the pages that state something else.

    Raises:
      KwsError: a name is unknown or unused, or a marker stands alone.
    """
    used: set[str] = set()
    stale: list[str] = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        wanted = renewed(text, makers, path.name if not path.is_relative_to(ROOT) else path.relative_to(ROOT), used)
        if wanted == text:
            continue
        if not check:
            path.write_text(wanted, encoding="utf-8")
        stale += difflib.unified_diff(
            text.splitlines(), wanted.splitlines(), f"{path}: states", f"{path}: measured", lineterm="", n=0
        )
    unused = sorted(set(makers) - used)
    if unused:
        raise KwsError(f"no page states {', '.join(unused)}. Put the markers into a page, or delete what makes them.")
    return stale


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when a page states something else (with --check), 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 when a page states something else")
    options = parser.parse_args(argv)
    print_anything()
    try:
        stale = run(pages(), all_makers(), options.check)
    except (KwsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(stale or ["every page states what was measured"]))
    if stale and options.check:
        print("make figures renews them", file=sys.stderr)
        return 1
    return 0
