"""Exact memory plan: where each scratch value and each kernel's working memory lies, and what it all costs."""

import dataclasses

from kws_codegen.places import ScratchValue, whole
from kws_codegen.program import Program

ALIGNMENT_BYTES = 16
"""Of every scratch block, ``aot::kAlignmentBytes``: words for SMLAD kernels, vectors for Helium."""


@dataclasses.dataclass(frozen=True)
class Work:
    """The working memory of a kernel call, by the call's position in the program."""

    call: int


@dataclasses.dataclass(frozen=True)
class Block:
    """Scratch memory that is live from call `first` to call `last`, both included.

    Attributes:
      holds: a value, or a call's working memory.
      size, offset: bytes.
    """

    holds: ScratchValue | Work
    first: int
    last: int
    size: int
    offset: int = -1


@dataclasses.dataclass(frozen=True)
class Plan:
    """Where everything lies.

    Attributes:
      blocks: scratch blocks by offset.
      scratch_bytes: size of the scratch memory.
      peak_bytes: largest sum of blocks that are live at once: no plan can be smaller.
      unshared_bytes: what the blocks would take without overlap.
    """

    blocks: tuple[Block, ...]
    scratch_bytes: int
    peak_bytes: int
    unshared_bytes: int

    def offset(self, what: ScratchValue | Work) -> int:
        """Offset in bytes of the block that holds a value or a call's working memory."""
        return next(block.offset for block in self.blocks if block.holds == what)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _blocks(program: Program) -> list[Block]:
    first: dict[ScratchValue, int] = {}
    last: dict[ScratchValue, int] = {}
    blocks = []
    for index, call in enumerate(program.calls):
        written = whole(call.writes)
        if isinstance(written, ScratchValue):
            first.setdefault(written, index)
            last[written] = index
        for place in map(whole, call.reads):
            if isinstance(place, ScratchValue):
                last[place] = index
        if call.scratch_bytes:
            blocks.append(Block(Work(index), index, index, _aligned(call.scratch_bytes)))
    blocks += [Block(value, first[value], last[value], _aligned(program.values[value.index])) for value in first]
    return blocks


def _rank(block: Block) -> tuple[int, int, int]:
    """Breaks ties between blocks of one size, or one offset: earlier ones first, values before working memory."""
    match block.holds:
        case ScratchValue(index):
            return (block.first, 0, index)
        case Work(call):
            return (block.first, 1, call)


def lined_up(program: Program) -> Plan:
    """Places every scratch block behind the one before it: none of them shares memory."""
    offset, placed = 0, []
    for block in _blocks(program):
        placed.append(dataclasses.replace(block, offset=offset))
        offset += block.size
    return _plan(program, placed)


def overlapped(program: Program) -> Plan:
    """Places every scratch block so that blocks that are live together do not overlap.

    Largest first, each at the lowest offset that is free during its life. Operands and result of a call are live
    together, so kernels never work in place.
    """
    blocks = _blocks(program)
    placed: list[Block] = []
    for block in sorted(blocks, key=lambda b: (-b.size, _rank(b))):
        offset = 0
        for other in sorted(placed, key=lambda b: b.offset):
            together = other.first <= block.last and block.first <= other.last
            if together and other.offset < offset + block.size and offset < other.offset + other.size:
                offset = other.offset + other.size
        placed.append(dataclasses.replace(block, offset=offset))
    return _plan(program, placed)


def _plan(program: Program, placed: list[Block]) -> Plan:
    moments = range(len(program.calls))
    return Plan(
        blocks=tuple(sorted(placed, key=lambda b: (b.offset, _rank(b)))),
        scratch_bytes=max((b.offset + b.size for b in placed), default=0),
        peak_bytes=max((sum(b.size for b in placed if b.first <= m <= b.last) for m in moments), default=0),
        unshared_bytes=sum(b.size for b in placed),
    )
