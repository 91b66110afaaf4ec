"""What instructions of a Cortex-M4 take, by the tables of its Technical Reference Manual (Arm 100166, chapters 3, 7).

The manual counts for memory without wait states and leaves ranges: how many cycles (its "P", 1 to 3) it takes to refill
the pipeline after a branch, and a division's 2 to 12. `Cycles` keeps the ends of all ranges beside what is likely:

- a branch to a place that its instruction names refills in 1 cycle, or 2 where a wide instruction straddles two words
  there (a loop of ``subs`` and ``bne`` takes 3, as vendors' delay loops rely on); one to a register's value in 2, one
  to a loaded value in 3, as the manual says of TBB and of loads to the PC;
- a division takes 7, the middle; a change of state and an IT instruction 1;
- a load's cycle that the next load or store hides, and the cycle that an address waits for the result before it, are
  counted as the manual's section on load and store timings says.

An instruction of an IT block counts as executed even where its condition failed.
"""

import dataclasses
import functools
import re
from collections.abc import Sequence

from kws_reference.errors import KwsError

from kws_host.cycles.instruction import Instruction
from kws_host.cycles.trace import Block

_CONDITIONS = ("eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al")

_ONE = re.compile(
    r"mov|movw|movt|mvn|add|addw|adc|adr|sub|subw|sbc|rsb|cmp|cmn|and|eor|orr|orn|bic|tst|teq|neg"
    r"|lsl|lsr|asr|ror|rrx|clz|mul|mla|mls|[su]mull|[su]mlal|umaal|nop|pld"
    r"|smla(bb|bt|tb|tt|d|dx|wb|wt|lbb|lbt|ltb|ltt|ld|ldx)|smls(d|dx|ld|ldx)|smul(bb|bt|tb|tt|wb|wt)"
    r"|smu(ad|adx|sd|sdx)|smm(ul|ulr|la|lar|ls|lsr)|usad8|usada8|sel"
    r"|(s|u|sh|uh|q|uq)(add8|add16|sub8|sub16|asx|sax)|qadd|qsub|qdadd|qdsub"
    r"|[su]xt(b|h|b16|ab|ah|ab16)|pkhbt|pkhtb|[su]sat(16)?|[su]bfx|bfi|bfc|rbit|rev|rev16|revsh|clrex"
    r"|v(abs|add|sub|mul|nmul|neg|cmp|cmpe|cvt|cvtr|mrs|msr)"
)
_LOAD = re.compile(r"ldr(b|h|sb|sh|t|bt|ht|sbt|sht|ex|exb|exh)?|vldr")
_STORE = re.compile(r"str(b|h|t|bt|ht|ex|exb|exh)?|vstr")
_MULTIPLE = re.compile(r"ldm(ia|db|fd|ea)?|stm(ia|db|fd|ea)?|push|pop|vldm(ia|db)?|vstm(ia|db)?|vpush|vpop|ldrd|strd")
_DIRECT = ("b", "bl", "cbz", "cbnz")
_REFILL = (1, 3)  # least and most
_DIVISION = (2, 7, 12)


@dataclasses.dataclass(frozen=True)
class Cycles:
    """Cycles of a core.

    Attributes:
      least: if every range that the manual leaves ends well.
      likely: the estimate.
      most: if every range ends badly.
    """

    least: int
    likely: int
    most: int

    def __add__(self, other: "Cycles") -> "Cycles":
        return Cycles(self.least + other.least, self.likely + other.likely, self.most + other.most)


def _exactly(count: int) -> Cycles:
    return Cycles(count, count, count)


def plain(mnemonic: str) -> str:
    """A mnemonic without its condition, its type (``.f32``) and the S that sets flags.

    Raises:
      KwsError: the timings of no such instruction are known.
    """
    name = mnemonic.split(".")[0]
    if re.fullmatch(r"it[te]{0,3}", name):
        return "it"
    if name.startswith("b") and name[1:] in _CONDITIONS:
        return "b"
    without = [name, name.removesuffix("s")]
    if name[-2:] in _CONDITIONS:
        without += [name[:-2], name[:-2].removesuffix("s")]
    for each in without:
        if each in _OTHERS or any(kind.fullmatch(each) for kind in (_ONE, _LOAD, _STORE, _MULTIPLE)):
            return each
    raise KwsError(f"the timing of a Cortex-M4's instruction is not known. Received: {mnemonic!r}.")


def _branch(one: Instruction, name: str, target: Instruction | None) -> Cycles:
    """Cycles of an instruction that may leave the straight line. `target`: where it went; None: nowhere."""
    base = {"tbb": 3, "tbh": 3}.get(name, 1)  # a load of two cycles, and an addition
    if target is None:
        return _exactly(base)
    if name in _DIRECT:
        likely = 2 if target.size == 4 and target.address % 4 else 1
    else:
        likely = 3 if name in ("tbb", "tbh") else 2
    return Cycles(base + _REFILL[0], base + likely, base + _REFILL[1])


def _memory(one: Instruction, name: str, before: Instruction | None, hides: bool) -> Cycles:
    """Cycles of a load or a store; `hides`: the load before it can overlap with it."""
    waits = before is not None and not _is_load(before) and bool(before.results & one.address_registers)
    offset_by_register = "[" in one.operands and len(one.address_registers - {"pc"}) > 1
    cycles = 2
    if _STORE.fullmatch(name) and not offset_by_register:
        cycles = 1
    if name in ("vldr", "vstr") and one.operands.startswith("d"):
        cycles = 3
    if hides and cycles > 1:
        cycles -= 1
    return Cycles(cycles, cycles + waits, cycles + waits)


def _is_load(one: Instruction) -> bool:
    return one.mnemonic.startswith(("ldr", "vldr", "ldm", "pop", "vldm", "vpop"))


def _can_hide(before: Instruction | None, one: Instruction) -> bool:
    """Whether a single load is overlapped by the load or store that follows it."""
    if before is None or before.mnemonic.startswith("ldrd") or "]!" in before.operands or "], #" in before.operands:
        return False
    return _LOAD.fullmatch(plain(before.mnemonic)) is not None and not before.results & one.address_registers


def _one(one: Instruction, before: Instruction | None, target: Instruction | None) -> Cycles:
    name = plain(one.mnemonic)
    if name in _OTHERS and name not in ("it", "vmov"):
        if name in (*_DIRECT, "bx", "blx", "tbb", "tbh"):
            return _branch(one, name, target)
        return _OTHERS[name]
    loads_pc = target is not None and "pc" in one.operands
    refill = Cycles(_REFILL[0], 3, _REFILL[1]) if loads_pc else _exactly(0)
    if _MULTIPLE.fullmatch(name):
        count = 2 if name in ("ldrd", "strd") else one.listed
        doubles = name.startswith("v") and "{d" in one.operands.replace(" ", "")
        return _exactly(1 + count * (2 if doubles else 1)) + refill
    if _LOAD.fullmatch(name) or _STORE.fullmatch(name):
        return _memory(one, name, before, _can_hide(before, one)) + refill
    if name == "it":
        return Cycles(0, 1, 1)
    if name == "vmov":
        return _exactly(2 if len(one.registers) > 2 else 1)
    return _exactly(1) + (Cycles(_REFILL[0], 2, _REFILL[1]) if loads_pc else _exactly(0))


_OTHERS: dict[str, Cycles] = {
    **{name: _exactly(1) for name in ("b", "bl", "bx", "blx", "cbz", "cbnz", "tbb", "tbh", "it", "vmov")},
    **{name: Cycles(*_DIVISION) for name in ("sdiv", "udiv")},
    **{name: _exactly(14) for name in ("vdiv", "vsqrt")},
    **{name: _exactly(3) for name in ("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms")},
    **{name: Cycles(1, 1, 2) for name in ("cpsid", "cpsie", "mrs", "msr")},
    **{name: Cycles(1, 1, 4) for name in ("dmb", "dsb")},
    "isb": Cycles(1 + _REFILL[0], 3, 1 + _REFILL[1]),
}


@functools.cache
def _block(block: Block, target: Instruction | None) -> Cycles:
    total, before = _exactly(0), None
    for one in block.instructions:
        total += _one(one, before, target if one is block.instructions[-1] else None)
        before = one
    return total


def cycles_of(piece: Sequence[Block]) -> list[Cycles]:
    """Cycles of each block of a piece of a trace but the last, which only says where the one before it went.

    Raises:
      KwsError: the piece has an instruction whose timing is not known.
    """
    return [
        _block(block, None if block.end == after.start else after.instructions[0])
        for block, after in zip(piece, piece[1:], strict=False)
    ]
