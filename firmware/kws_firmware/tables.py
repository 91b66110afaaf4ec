"""Tables of pages that are made of the boards, their environments and what was measured on them.

`TABLES` names each by its markers: the lines ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` of a page stand around
it.
"""

import json
from collections.abc import Callable
from pathlib import Path

from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE, emulated_boards
from kws_firmware.environments import environments

MEASURED = FIRMWARE / "measured.json"
COLUMNS = ("frontend", "engine", "detector", "step", "flash", "ram", "stack")


def load_measured(path: Path = MEASURED) -> dict[str, dict[str, int]]:
    """Figures of every emulated board, see `kws_firmware.measure`.

    Raises:
      KwsError: the file is missing, damaged or of other boards.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KwsError(f"cannot read {path}: {error}. Run make measure.") from error
    if list(rows) != list(emulated_boards()):
        raise KwsError(f"{path} is not of the boards {', '.join(emulated_boards())}. Run make measure.")
    return rows


def measured(rows: dict[str, dict[str, int]] | None = None) -> str:
    """Markdown of the measured figures: of `rows`, or of what was kept."""
    rows, boards = load_measured() if rows is None else rows, emulated_boards()
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
