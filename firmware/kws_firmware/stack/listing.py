"""The functions of an image, as the ARM toolchain disassembles them."""

import dataclasses
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kws_reference.errors import KwsError

OBJDUMP = "arm-none-eabi-objdump"

_FUNCTION = re.compile(r"([0-9a-f]{8}) <(.*)>:")
_INSTRUCTION = re.compile(r" *([0-9a-f]+):\t(\S+)\t?(.*)")
_DATA = (".word", ".short", ".byte")


@dataclasses.dataclass(frozen=True)
class Line:
    """One instruction.

    Attributes:
      address: of it.
      name: mnemonic without its width.
      operands: as the disassembler writes them, without comments.
    """

    address: int
    name: str
    operands: str


@dataclasses.dataclass(frozen=True)
class Function:
    """One function.

    Attributes:
      name: demangled.
      lines: at least one.
    """

    name: str
    lines: tuple[Line, ...]

    @property
    def start(self) -> int:
        """Its address."""
        return self.lines[0].address


def functions(elf: Path) -> dict[int, Function]:
    """Functions of an image by address.

    Raises:
      KwsError: there is no image, or no disassembler.
    """
    if not elf.is_file():
        raise KwsError(f"no firmware at {elf}: build it first (pio run -e {elf.parent.name})")
    command = [OBJDUMP, "-d", "-C", "--no-show-raw-insn", str(elf)]
    try:
        said = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise KwsError(f"{OBJDUMP} is not on PATH: install it (make measure does)") from None
    if said.returncode:
        raise KwsError(f"{OBJDUMP} cannot read {elf}: {said.stderr.strip()}")
    return read(said.stdout.splitlines())


def read(text: Iterable[str]) -> dict[int, Function]:
    """Functions of a disassembly by address. Args: text: lines of `objdump -d -C --no-show-raw-insn`."""
    found: dict[int, Function] = {}
    name, lines = "", list[Line]()

    def end() -> None:
        if lines:
            found[lines[0].address] = Function(name, tuple(lines))
        lines.clear()

    for line in text:
        head = _FUNCTION.fullmatch(line)
        if head is not None:
            end()
            name = head[2]
            continue
        one = _INSTRUCTION.fullmatch(line)
        if one is not None and one[2] not in _DATA:
            mnemonic = re.sub(r"\.[nw]$", "", one[2])
            lines.append(Line(int(one[1], 16), mnemonic, re.split(r"\s*[@;]", one[3])[0].strip()))
    end()
    return found
