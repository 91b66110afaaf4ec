"""Measures every emulated board: instructions per step and stage, flash, RAM, worst stack.

    python -m kws_firmware.measure            build, run, print the table
    python -m kws_firmware.measure --write    also keep the figures in firmware/measured.json, of which tables are made
    python -m kws_firmware.measure --check    exit 1 when that file says something else, or a budget is exceeded

Instructions are counted by QEMU (-icount) while noise is streamed over the serial port; they are exact and repeatable.
"""

import argparse
import dataclasses
import json
import logging
import re
import subprocess
import sys
from pathlib import Path

from kws_host import benchmark
from kws_host.device import Device
from kws_host.emulator import Emulator, EmulatorConfig
from kws_host.link import Link
from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.errors import KwsError

from kws_firmware import budgets, sizes, tables
from kws_firmware.boards import FIRMWARE, emulated_boards

ROOT = FIRMWARE.parent
STEPS = 100

log = logging.getLogger(__name__)


def build(name: str) -> Path:
    """Builds one environment and returns its image.

    Raises:
      KwsError: the build failed.
    """
    log.info(f"building {name}")
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
    log.info(f"measuring {name}")
    image = sizes.measure(elf)
    with Emulator(EmulatorConfig(name, elf, port=0)) as emulator, Link(emulator.url) as link:
        device = Device(link)
        result = benchmark.measure(device, benchmark.noise(device.clock, STEPS))
    return {
        **{stage: round(result["stages"][stage]["mean"]) for stage in ("frontend", "engine", "detector", "step")},
        "flash": image.flash,
        "ram": image.ram_without_stack,
        "stack": result["memory"]["stack_used_bytes"],
    }


def tool_versions() -> dict[str, str]:
    """Versions, major and minor, of the compiler and the emulator on PATH: of both the figures depend.

    Raises:
      KwsError: one is missing.
    """
    commands = {"compiler": ["arm-none-eabi-gcc", "-dumpfullversion"], "emulator": ["qemu-system-arm", "--version"]}
    versions = {}
    for name, command in commands.items():
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except FileNotFoundError:
            raise KwsError(f"{command[0]} is not on PATH. Install it (make measure does).") from None
        found = re.search(r"\d+\.\d+", said)
        versions[name] = found[0] if found else said.strip()
    return versions


def over_budget(rows: dict[str, dict[str, int]]) -> list[str]:
    """One line for each board whose step takes more instructions than size_budget.toml allows."""
    allowed = budgets.load_budgets()
    return [
        f"{name}: a step takes {row['step']:,} instructions, budget {allowed[name]['instructions']:,}"
        for name, row in rows.items()
        if row["step"] > allowed[name]["instructions"]
    ]


def differences(before: dict[str, dict[str, int]], now: dict[str, dict[str, int]]) -> list[str]:
    """One line for each board whose figures are not what was kept."""
    return [
        f"{name}: measured {now.get(name)}, kept {before.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when the kept figures differ or a budget is exceeded, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="keep the figures in firmware/measured.json")
    mode.add_argument("--check", action="store_true", help="compare with firmware/measured.json and the budgets")
    parser.add_argument("--built", type=Path, help="folder of images built before, in the place of building them")
    options = parser.parse_args(argv)
    set_up(0, "kws_firmware")
    return status_of(lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Builds, measures, prints, keeps or compares. Returns 0, or 1 when something differs or exceeds its budget.

    Raises:
      KwsError: a build failed, an image is missing, or a board does not answer.
    """
    names = list(emulated_boards())
    images = {name: options.built / name / "firmware.elf" if options.built else build(name) for name in names}
    rows = {name: measure_board(name, elf) for name, elf in images.items()}
    print(tables.measured(rows))
    if options.write:
        kept = tables.Measured(tool_versions(), rows)
        tables.MEASURED.write_text(json.dumps(dataclasses.asdict(kept), indent=1) + "\n", encoding="utf-8")
    failed = [*over_budget(rows), *differences(tables.load_measured().boards, rows)] if options.check else []
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
