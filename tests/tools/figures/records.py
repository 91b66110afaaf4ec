"""Committed records of what was measured, and Markdown of their figures."""

import functools
from pathlib import Path

from kws_training.tables.records import EXPERIMENTS, INT4, KIT12, RELEASED, read_record

__all__ = ["EXPERIMENTS", "INT4", "KINDS", "KIT12", "RELEASED", "accuracy", "percent", "record", "table"]

KINDS = ("float_batch", "float_streaming", "int8_streaming")

record = functools.cache(read_record)
"""What a committed record holds; many figures come from the same one."""


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
