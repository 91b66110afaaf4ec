"""Tables of pages that are made of the boards, their environments and what was measured on them.

`TABLES` names each by its markers: the lines ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` of a page stand around
it.
"""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE, emulated_boards
from kws_firmware.environments import environments

MEASURED = FIRMWARE / "measured.json"
COLUMNS = ("frontend", "engine", "detector", "step", "flash", "ram", "stack")


@dataclasses.dataclass(frozen=True)
class Measured:
    """What `kws_firmware.measure` kept.

    Attributes:
      tools: versions of ``compiler`` (arm-none-eabi-gcc) and ``emulator`` (QEMU): others give other figures.
      boards: figures of every emulated board.
    """

    tools: dict[str, str]
    boards: dict[str, dict[str, int]]


def load_measured(path: Path = MEASURED) -> Measured:
    """What was kept.

    Raises:
      KwsError: the file is missing, damaged or of other boards.
    """
    try:
        kept = Measured(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise KwsError(f"cannot read {path}: {error}. Run make measure.") from error
    if list(kept.boards) != list(emulated_boards()):
        raise KwsError(f"{path} is not of the boards {', '.join(emulated_boards())}. Run make measure.")
    return kept


def measured(rows: dict[str, dict[str, int]] | None = None) -> str:
    """Markdown of the measured figures: of `rows`, or of what was kept."""
    rows, boards = load_measured().boards if rows is None else rows, emulated_boards()
    lines = [
        "| Board | Core | Front end | Engine | Detector | Step (20 ms) | Flash | RAM | Worst stack |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, row in rows.items():
        figures = " | ".join(f"{row[key]:,}" for key in COLUMNS)
        lines.append(f"| `{name}` | {boards[name].core} | {figures} |")
    return "\n".join(lines)


def boards() -> str:
    """Markdown of platformio.ini's environments."""
    lines = ["| Environment | Core | Engine | Serial port | State |", "|---|---|---|---|---|"]
    for item in environments():
        name = f"`{item.name}`{' (default)' if item.is_default else ''}"
        port = f"`{item.upload_port}`" if item.upload_port else "-"
        lines.append(f"| {name} | {item.core} | {item.engine} | {port} | {item.state} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {"measured": measured, "boards": boards}
