"""Sizes of a built image, of all its symbols, and what changed since a committed list of them."""

import csv
import dataclasses
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from kws_reference.errors import KwsError

from kws_firmware.boards import FIRMWARE

BASELINES = FIRMWARE / "sizes"
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
