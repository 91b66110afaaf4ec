"""Committed records of what was measured, and Markdown of their figures."""

import functools
import json
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from tests.support.paths import ROOT

ZOO = ROOT / "training" / "zoo"
EXPERIMENTS = ZOO / "experiments"
RELEASED, INT4 = ZOO / "matchbox_kit12", ZOO / "matchbox_kit12_int4"
KINDS = ("float_batch", "float_streaming", "int8_streaming")


@functools.cache
def record(path: Path) -> Any:
    """A committed JSON file.

    Raises:
      KwsError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KwsError(f"cannot read {path}: {error}") from None


def table(head: str, align: str, *rows: list[str]) -> str:
    """Markdown. Args: head: titles, divided by ``|``. align: ``l`` or ``r`` for each column."""
    lines = [f"| {head} |", f"|{'|'.join('--:' if side == 'r' else '---' for side in align)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def percent(value: float, digits: int = 2) -> str:
    """A share as per cent."""
    return f"{100 * value:.{digits}f} %"


def accuracy(bundle: Path, name: str, kind: str) -> float:
    """Of an evaluation that lies in a bundle: share of clips that are right."""
    return record(bundle / f"evaluation_{name}.json")[kind]["accuracy"]
