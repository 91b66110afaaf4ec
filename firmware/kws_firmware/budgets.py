"""What the image of each board may need: `size_budget.toml`, checked against the list of boards."""

import tomllib
from pathlib import Path

from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE, Board, load_boards
from kws_firmware.sizes import Sizes

PATH = FIRMWARE.parent / "size_budget.toml"
OF_IMAGE = {"flash", "ram"}
OF_EMULATION = {"stack", "instructions"}


def load_budgets(path: Path = PATH, boards: dict[str, Board] | None = None) -> dict[str, dict[str, int]]:
    """Budgets by board: bytes of ``flash`` and ``ram``; with an emulator ``stack`` bytes and ``instructions`` a step.

    Args:
      path: the file.
      boards: the list that the file must agree with; default: all that are compiled for a chip.

    Raises:
      KwsError: the file is missing, has another board or lacks one, or a budget is not of this form.
    """
    if boards is None:
        boards = {name: board for name, board in load_boards().items() if board.toolchain == "arm"}
    try:
        budgets = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise KwsError(f"cannot read {path}: {error}") from error
    if set(budgets) != set(boards):
        raise KwsError(f"{path} must have a budget for each of {', '.join(boards)}. Received: {', '.join(budgets)}")
    for name, budget in budgets.items():
        wanted = OF_IMAGE | (OF_EMULATION if boards[name].is_emulated else set())
        if not isinstance(budget, dict) or set(budget) != wanted:
            raise KwsError(f"{path}: [{name}] must hold {', '.join(sorted(wanted))}. Received: {budget!r}")
    return budgets


def over_budget(sizes: Sizes, budget: dict[str, int], stack: int | None = None) -> list[str]:
    """One line for each of flash, RAM and, where it was measured, stack that is exceeded."""
    lines = []
    for what, value in (("flash", sizes.flash), ("ram", sizes.ram), ("stack", stack)):
        if value is not None and value > budget[what]:
            lines.append(f"{what}: {value:,} bytes, budget {budget[what]:,} ({value - budget[what]:,} too many)")
    return lines
