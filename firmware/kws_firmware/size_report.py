"""Measures built images and compares them with `size_budget.toml`.

    python -m kws_firmware.size_report                     table of what is built; exit 1 when over budget
    python -m kws_firmware.size_report --env mps2_an386 --stack    also runs it and measures the stack
    python -m kws_firmware.size_report --overwrite         renews the symbol lists in firmware/sizes/

Over budget, the symbols that grew since firmware/sizes/<board>.csv was written are printed, largest first.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.errors import KwsError

from kws_firmware import budgets, sizes
from kws_firmware.boards import FIRMWARE, load_boards

ROOT = FIRMWARE.parent
TITLES = {"flash": "flash", "ram": "RAM", "ram_without_stack": "RAM without stacks", "stack": "stack used"}


def measure_stack(elf: Path, board: str) -> int:
    """Deepest stack use in bytes after one second of loud noise has been streamed through the emulated board."""
    import numpy as np
    from kws_host.device import Device
    from kws_host.emulator import Emulator, EmulatorConfig
    from kws_host.link import Link

    pcm = np.random.default_rng(1).integers(-32768, 32768, 16000).astype(np.int16)
    with Emulator(EmulatorConfig(board, elf, port=0)) as emulator, Link(emulator.url) as link:
        device = Device(link)
        device.run(pcm)
        return device.stats().stack_used_bytes


def report(name: str, elf: Path, budget: dict[str, int], with_stack: bool) -> tuple[dict[str, int], list[str]]:
    """Figures of one image, and the lines to print if it is over its budget.

    Raises:
      KwsError: there is no image, or the board does not answer.
    """
    found = sizes.measure(elf)
    stack = measure_stack(elf, name) if with_stack else None
    row = {"flash": found.flash, "ram": found.ram, "ram_without_stack": found.ram_without_stack}
    if stack is not None:
        row["stack"] = stack
    lines = [f"{name}: over budget, {line}" for line in budgets.over_budget(found, budget, stack)]
    if lines:
        baseline = sizes.BASELINES / f"{name}.csv"
        lines.append(f"{name}: symbols since {baseline.relative_to(ROOT)}:")
        lines += sizes.differences(sizes.load_baseline(baseline), found.symbols) or ["  no change"]
    return row, lines


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when a budget is exceeded, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default_build = os.environ.get("PLATFORMIO_BUILD_DIR", str(ROOT / ".pio" / "build"))
    parser.add_argument("--env", action="append", help="board (repeatable; default: all with a budget)")
    parser.add_argument("--build-dir", type=Path, default=Path(default_build), help="default: %(default)s")
    parser.add_argument("--stack", action="store_true", help="run the images of emulated boards, too")
    parser.add_argument("--overwrite", action="store_true", help="renew firmware/sizes/<board>.csv")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    set_up(0, "kws_firmware")
    return status_of(lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Measures, compares and prints. Returns 0, or 1 when a budget is exceeded.

    Raises:
      KwsError: there is no image or no budget, or a board does not answer.
    """
    allowed, boards = budgets.load_budgets(), load_boards()
    rows: dict[str, dict[str, int]] = {}
    problems: list[str] = []
    for name in options.env or allowed:
        if name not in allowed:
            raise KwsError(f"size_budget.toml has {', '.join(allowed)}. Received: {name}")
        elf = options.build_dir / name / "firmware.elf"
        rows[name], lines = report(name, elf, allowed[name], options.stack and boards[name].is_emulated)
        problems += lines
        if options.overwrite:
            sizes.write_baseline(sizes.BASELINES / f"{name}.csv", sizes.measure(elf).symbols)
    for line in problems:
        print(line, file=sys.stderr)
    print(json.dumps(rows, indent=2) if options.json else table(rows))
    return 1 if problems else 0


def table(rows: dict[str, dict[str, int]]) -> str:
    """Columns for a terminal."""
    columns = [key for key in TITLES if any(key in row for row in rows.values())]
    lines = [f"{'board':<18}" + "".join(f"{TITLES[column]:>20}" for column in columns)]
    for name, row in rows.items():
        cells = [f"{row[column]:,}" if column in row else "-" for column in columns]
        lines.append(f"{name:<18}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
