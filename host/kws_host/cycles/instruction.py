"""One instruction as QEMU's log writes it."""

import dataclasses
import functools
import re

_LINE = re.compile(r"0x([0-9a-f]{8}):  ((?:[0-9a-f]{4} ){1,2}) *(?![0-9a-f]{4}\b)([a-z]\S*) *(.*)")
_REGISTER = re.compile(r"\b(r\d+|sb|sl|fp|ip|sp|lr|pc|[sd]\d+)\b")
_ALSO_CALLED = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12"}
_STORES = ("str", "stm", "push", "vstr", "vstm", "vpush")
_NO_RESULT = ("cmp", "cmn", "tst", "teq", "b", "bl", "bx", "blx", "cbz", "cbnz", "tbb", "tbh", "it")


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
      address: of its first byte.
      size: bytes, 2 or 4.
      mnemonic: without a width (``.w``), with its condition.
      operands: as the disassembler writes them.
    """

    address: int
    size: int
    mnemonic: str
    operands: str

    @functools.cached_property
    def registers(self) -> tuple[str, ...]:
        """All that its operands name, in order."""
        return registers_of(self.operands)

    @functools.cached_property
    def address_registers(self) -> frozenset[str]:
        """What a load or a store computes its address from; none for other instructions."""
        inside = re.search(r"\[(.*?)\]", self.operands)
        if inside:
            return frozenset(registers_of(inside[1]))
        if self.mnemonic.startswith(("push", "pop", "vpush", "vpop")):
            return frozenset({"sp"})
        if self.mnemonic.startswith(("ldm", "stm", "vldm", "vstm")):
            return frozenset(self.registers[:1])
        return frozenset()

    @functools.cached_property
    def results(self) -> frozenset[str]:
        """Registers that it writes, as far as timings ask: the first, or two of LDRD and long products."""
        if self.mnemonic.startswith((*_STORES, *_NO_RESULT)) and not self.mnemonic.startswith(("bic", "bfi", "bfc")):
            return frozenset()
        if self.mnemonic.startswith(("ldrd", "smull", "umull", "smlal", "umlal", "umaal")):
            return frozenset(self.registers[:2])
        return frozenset(self.registers[:1])

    @property
    def listed(self) -> int:
        """How many registers stand in its braces, as ``push {r4, r5, pc}`` has three."""
        inside = re.search(r"\{(.*)\}", self.operands)
        return len(registers_of(inside[1])) if inside else 0


def registers_of(text: str) -> tuple[str, ...]:
    """Registers in a piece of disassembly, by number."""
    return tuple(_ALSO_CALLED.get(name, name) for name in _REGISTER.findall(text))


def parse(line: str) -> Instruction | None:
    """Instruction of a line of the log; None where it has no disassembly."""
    found = _LINE.fullmatch(line.rstrip())
    if found is None:
        return None
    mnemonic = found[3].removesuffix(".w").removesuffix(".n")
    return Instruction(int(found[1], 16), 2 * len(found[2].split()), mnemonic, found[4])
