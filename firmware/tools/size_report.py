#!/usr/bin/env python3
"""Measures the images of the PlatformIO environments and compares them with size_budget.toml.

    python firmware/tools/size_report.py                     table of what is built; exit 1 when over budget
    python firmware/tools/size_report.py --env mps2_an386 --stack    also runs it and measures the stack
    python firmware/tools/size_report.py --overwrite         renews the symbol lists in firmware/sizes/

Over budget, the symbols that grew since firmware/sizes/<env>.csv was written are printed, largest first.
"""

import argparse
import csv
import dataclasses
import json
import os
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "training"), str(ROOT / "host")]

from elftools.elf.constants import SH_FLAGS  # noqa: E402
from elftools.elf.elffile import ELFFile  # noqa: E402
from elftools.elf.sections import SymbolTableSection  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402

BUDGET = ROOT / "size_budget.toml"
BASELINES = ROOT / "firmware" / "sizes"
MIN_SYMBOL_BYTES = 32  # smaller ones are noise in a comparison
STACK_SECTIONS = (".stack", ".handler_stack")


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Sizes of one image in bytes.

    Attributes:
      flash: code, constants and the initial values of data.
      ram: data, zeroed data and stacks.
      ram_without_stack: the same without the two stacks.
      symbols: size of every function and object by name; equal names are added up.
    """

    flash: int
    ram: int
    ram_without_stack: int
    symbols: dict[str, int]


def measure(elf: Path) -> Sizes:
    """Reads the sizes out of an ELF file.

    Raises:
      KwsError: there is no such file, or it is not an ELF file.
    """
    if not elf.is_file():
        raise KwsError(f"no firmware at {elf}: build it first (pio run -e {elf.parent.name})")
    flash = ram = stack = 0
    symbols: dict[str, int] = {}
    with elf.open("rb") as handle:
        try:
            image = ELFFile(handle)
        except Exception as error:
            raise KwsError(f"{elf} is not an ELF file: {error}") from error
        first_in_ram = image.get_section_by_name(STACK_SECTIONS[0])
        if first_in_ram is None:
            raise KwsError(f"{elf} has no section {STACK_SECTIONS[0]}: it is no image of this firmware")
        for section in image.iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                continue
            size = section["sh_size"]
            if section["sh_addr"] >= first_in_ram["sh_addr"]:  # RAM lies above flash on all boards
                ram += size
                stack += size if section.name in STACK_SECTIONS else 0
                flash += 0 if section["sh_type"] == "SHT_NOBITS" else size
            else:
                flash += size
        for section in image.iter_sections():
            if isinstance(section, SymbolTableSection):
                for symbol in section.iter_symbols():
                    if symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT") and symbol["st_size"]:
                        symbols[symbol.name] = symbols.get(symbol.name, 0) + symbol["st_size"]
    return Sizes(flash, ram, ram - stack, symbols)


def load_budgets(path: Path = BUDGET) -> dict[str, dict[str, int]]:
    """Budgets by environment: {"flash": bytes, "ram": bytes, "stack": bytes, "instructions": per step}.

    Raises:
      KwsError: the file is missing, or not of this form.
    """
    try:
        budgets = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise KwsError(f"cannot read {path}: {error}") from error
    for name, budget in budgets.items():
        if not isinstance(budget, dict) or set(budget) != {"flash", "ram", "stack", "instructions"}:
            raise KwsError(f"{path}: [{name}] must hold flash, ram, stack and instructions; received {budget!r}")
    return budgets


def over_budget(sizes: Sizes, budget: dict[str, int], stack: int | None = None) -> list[str]:
    """One line for each budget that is exceeded."""
    lines = []
    for what, value in (("flash", sizes.flash), ("ram", sizes.ram), ("stack", stack)):
        if value is not None and value > budget[what]:
            lines.append(f"{what}: {value:,} bytes, budget {budget[what]:,} ({value - budget[what]:,} too many)")
    return lines


def load_baseline(path: Path) -> dict[str, int]:
    """Symbol sizes of a committed list; empty when there is none."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as handle:
        return {row["symbol"]: int(row["bytes"]) for row in csv.DictReader(handle)}


def write_baseline(path: Path, symbols: dict[str, int]) -> None:
    """Writes the symbols of at least `MIN_SYMBOL_BYTES`, sorted by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["symbol", "bytes"])
        writer.writerows(sorted((name, size) for name, size in symbols.items() if size >= MIN_SYMBOL_BYTES))


def differences(before: dict[str, int], now: dict[str, int], limit: int = 20) -> list[str]:
    """Lines `+bytes symbol (before -> now)`, largest change first."""
    changes = []
    for name in before.keys() | now.keys():
        old, new = before.get(name, 0), now.get(name, 0)
        if old != new and max(old, new) >= MIN_SYMBOL_BYTES:
            changes.append((new - old, name, old, new))
    changes.sort(key=lambda change: (-abs(change[0]), change[1]))
    lines = [f"{delta:+8,} {name} ({old:,} -> {new:,})" for delta, name, old, new in changes[:limit]]
    if len(changes) > limit:
        lines.append(f"         ... and {len(changes) - limit} smaller changes")
    return lines


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


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when a budget is exceeded, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default_build = os.environ.get("PLATFORMIO_BUILD_DIR", str(ROOT / ".pio" / "build"))
    parser.add_argument("--env", action="append", help="environment (repeatable; default: all with a budget)")
    parser.add_argument("--build-dir", type=Path, default=Path(default_build), help="default: %(default)s")
    parser.add_argument("--stack", action="store_true", help="run each image on its emulated board too")
    parser.add_argument("--overwrite", action="store_true", help="renew firmware/sizes/<env>.csv")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(argv)
    try:
        budgets = load_budgets()
        rows, failures = {}, 0
        for name in options.env or budgets:
            if name not in budgets:
                raise KwsError(f"size_budget.toml has no [{name}]; it has: {', '.join(budgets)}")
            elf = options.build_dir / name / "firmware.elf"
            sizes = measure(elf)
            stack = measure_stack(elf, name) if options.stack else None
            rows[name] = {"flash": sizes.flash, "ram": sizes.ram, "ram_without_stack": sizes.ram_without_stack}
            if stack is not None:
                rows[name]["stack"] = stack
            baseline = BASELINES / f"{name}.csv"
            problems = over_budget(sizes, budgets[name], stack)
            for line in problems:
                print(f"{name}: over budget, {line}", file=sys.stderr)
            if problems:
                failures += 1
                known = load_baseline(baseline)
                print(f"{name}: symbols since {baseline.relative_to(ROOT)}:", file=sys.stderr)
                print("\n".join(differences(known, sizes.symbols)) or "  no change", file=sys.stderr)
            if options.overwrite:
                write_baseline(baseline, sizes.symbols)
    except KwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        columns = ["flash", "ram", "ram_without_stack"] + (["stack"] if options.stack else [])
        titles = {"flash": "flash", "ram": "RAM", "ram_without_stack": "RAM without stacks", "stack": "stack used"}
        print(f"{'environment':<18}" + "".join(f"{titles[column]:>20}" for column in columns))
        for name, row in rows.items():
            print(f"{name:<18}" + "".join(f"{row[column]:>20,}" for column in columns))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
