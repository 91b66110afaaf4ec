"""The record of `kws_firmware.analyse`, and the tables of pages that are made of it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from kws_host.cycles.text import cycles_table
from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE
from kws_firmware.stack.image import StackBounds
from kws_firmware.tables import load_measured

ANALYSED = FIRMWARE / "analysed.json"


@dataclasses.dataclass(frozen=True)
class Analysed:
    """What `kws_firmware.analyse` kept.

    Attributes:
      tools: versions of ``compiler`` and ``emulator``.
      stacks: bounds in bytes, ``thread`` and ``handlers``, of every board of the kit's own.
      cycles: ``step`` (without wait states: ``instructions``, ``least``, ``likely``, ``most``) and ``boards``.
    """

    tools: dict[str, str]
    stacks: dict[str, dict[str, int]]
    cycles: dict[str, Any]


def load_analysed(path: Path = ANALYSED) -> Analysed:
    """What was kept.

    Raises:
      KwsError: the file is missing or damaged.
    """
    try:
        return Analysed(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise KwsError(f"cannot read {path}: {error}. Run make measure.") from error


def stack_rows(bounds: dict[str, StackBounds]) -> dict[str, dict[str, int]]:
    """Bounds as the record has them."""
    return {name: {"thread": bound.thread, "handlers": bound.handlers} for name, bound in bounds.items()}


def cycle_rows(estimate: dict) -> dict[str, Any]:
    """An estimate as the record has it, in whole cycles and hertz."""
    step = {key: round(value) for key, value in estimate["cycles"]["step"].items()}
    boards = [
        {key: round(value) if isinstance(value, float) and key != "share" else value for key, value in row.items()}
        for row in estimate["boards"]
    ]
    return {
        "step": {"instructions": round(estimate["instructions"]["step"]), **step},
        "boards": [{**row, "share": round(row["share"], 4)} for row in boards],
    }


def stacks(kept: Analysed | None = None) -> str:
    """Markdown: measured stacks beside their bounds."""
    kept, seen = kept or load_analysed(), load_measured().boards
    lines = ["| Board | Deepest stack seen | Bound by the calls | Bound of handlers |", "|---|--:|--:|--:|"]
    for name, row in kept.stacks.items():
        measured = f"{seen[name]['stack']:,}" if name in seen else "-"
        lines.append(f"| `{name}` | {measured} | {row['thread']:,} | {row['handlers']:,} |")
    return "\n".join(lines)


def cycles() -> str:
    """Markdown: estimated cycles of a step on boards with a documented core."""
    head, rows = cycles_table(load_analysed().cycles["boards"])
    lines = [f"| {' | '.join(head)} |", f"|---|{'--:|' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join((f'`{row[0]}`', *row[1:]))} |" for row in rows)])


TABLES = {"stack bounds": stacks, "cycles": cycles}
"""By the names of their markers, see `kws_firmware.tables`."""
