#!/usr/bin/env python3
"""Measures every emulated board: instructions per step and stage, flash, RAM, worst stack. The README's table.

    python firmware/tools/measure.py                 build, run, print the table
    python firmware/tools/measure.py --write         also put it into README.md, between its two marker lines
    python firmware/tools/measure.py --check         exit 1 when README.md says something else, or a budget is exceeded

Instructions are counted by QEMU (-icount) while noise is streamed over the serial port; they are exact and repeatable.
"""

import argparse
import difflib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("training", "training/tools", "host", "firmware/tools")]

import numpy as np  # noqa: E402
import readme_table  # noqa: E402
import size_report  # noqa: E402
from kws_host.commands.bench import measure as bench  # noqa: E402
from kws_host.device import Device  # noqa: E402
from kws_host.emulator import Emulator, EmulatorConfig  # noqa: E402
from kws_host.link import Link  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402

README = ROOT / "README.md"
NAME = "measured"
BOARDS = {
    "mps2_an386": "Cortex-M4F",
    "mps2_an500": "Cortex-M7",
    "mps3_an547": "Cortex-M55 (Helium)",
    "netduinoplus2": "Cortex-M4F (STM32F405)",
}
STEPS = 100


def build(name: str) -> Path:
    """Builds one environment and returns its image.

    Raises:
      KwsError: the build failed.
    """
    print(f"building {name}", file=sys.stderr, flush=True)
    built = subprocess.run(["pio", "run", "-d", str(ROOT), "-e", name], capture_output=True, text=True)
    if built.returncode:
        raise KwsError(f"pio run -e {name} failed: {(built.stderr or built.stdout).strip().splitlines()[-1]}")
    return ROOT / ".pio" / "build" / name / "firmware.elf"


def measure_board(name: str, elf: Path) -> dict[str, int]:
    """Streams `STEPS` steps of noise to an image on its emulated board and reads what it measured.

    Returns:
      Instructions per step of ``frontend``, ``engine``, ``detector`` and ``step`` (mean, rounded), and bytes of
      ``flash``, ``ram`` (without stack) and ``stack`` (deepest use).

    Raises:
      KwsError: there is no image, or the board does not answer.
    """
    print(f"measuring {name}", file=sys.stderr, flush=True)
    sizes = size_report.measure(elf)
    with Emulator(EmulatorConfig(name, elf, port=0)) as emulator, Link(emulator.url) as link:
        device = Device(link)
        info = device.info
        samples = info.window_samples + (STEPS * info.frames_per_step - 1) * info.hop_samples
        result = bench(device, np.random.default_rng(0).integers(-8000, 8000, samples, dtype=np.int16))
    return {
        **{stage: round(result["stages"][stage]["mean"]) for stage in ("frontend", "engine", "detector", "step")},
        "flash": sizes.flash,
        "ram": sizes.ram_without_stack,
        "stack": result["memory"]["stack_used_bytes"],
    }


def table(rows: dict[str, dict[str, int]]) -> str:
    """Markdown of the measured figures."""
    lines = [
        "| Board | Core | Front end | Engine | Detector | Step (20 ms) | Flash | RAM | Worst stack |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, row in rows.items():
        figures = " | ".join(
            f"{row[key]:,}" for key in ("frontend", "engine", "detector", "step", "flash", "ram", "stack")
        )
        lines.append(f"| `{name}` | {BOARDS[name]} | {figures} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when the README differs or a budget is exceeded, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="put the table into README.md")
    mode.add_argument("--check", action="store_true", help="compare with README.md and the budgets")
    parser.add_argument("--built", type=Path, help="folder of images built before, in the place of building them")
    options = parser.parse_args(argv)
    try:
        images = {name: options.built / name / "firmware.elf" if options.built else build(name) for name in BOARDS}
        rows = {name: measure_board(name, elf) for name, elf in images.items()}
        new = table(rows)
        print(new)
        text = README.read_text(encoding="utf-8") if options.write or options.check else ""
        wanted = readme_table.replaced(text, NAME, new) if text else ""
        if options.write:
            README.write_text(wanted, encoding="utf-8")
        if not options.check:
            return 0
        failed = over_budget(rows)
    except KwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if wanted != text:
        failed.append("README.md says something else (python firmware/tools/measure.py --write renews it):")
        failed += [line for line in difflib.unified_diff(text.splitlines(), wanted.splitlines(), lineterm="", n=0)]
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


def over_budget(rows: dict[str, dict[str, int]]) -> list[str]:
    """One line for each board whose step takes more instructions than size_budget.toml allows."""
    budgets = size_report.load_budgets()
    return [
        f"{name}: a step takes {row['step']:,} instructions, budget {budgets[name]['instructions']:,}"
        for name, row in rows.items()
        if row["step"] > budgets[name]["instructions"]
    ]


if __name__ == "__main__":
    sys.exit(main())
