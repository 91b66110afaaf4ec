"""Exact memory plan: where each scratch value and each kernel's working memory lies, and what it all costs."""

import dataclasses

from kws_codegen.ir import Program

ALIGNMENT_BYTES = 16
"""Of every scratch block: words for SMLAD kernels, vectors for Helium."""


@dataclasses.dataclass(frozen=True)
class Block:
    """Scratch memory that is live from layer `first` to layer `last`, both included.

    Attributes:
      what: ``value`` or ``work`` (a kernel's working memory).
      index: number of the value, or of the layer whose working memory it is.
      size, offset: bytes.
    """

    what: str
    index: int
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

    def offset(self, what: str, index: int) -> int:
        """Offset in bytes of one block."""
        return next(block.offset for block in self.blocks if (block.what, block.index) == (what, index))


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _blocks(program: Program) -> list[Block]:
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    blocks = []
    for index, layer in enumerate(program.layers):
        if layer.output.kind == "value":
            first.setdefault(layer.output.index, index)
            last[layer.output.index] = index
        for place in layer.inputs:
            if place.kind == "value":
                last[place.index] = index
        if layer.scratch_bytes:
            blocks.append(Block("work", index, index, index, _aligned(layer.scratch_bytes)))
    blocks += [Block("value", value, first[value], last[value], _aligned(program.values[value])) for value in first]
    return blocks


def plan(program: Program) -> Plan:
    """Places every scratch block so that blocks that are live together do not overlap.

    Largest first, each at the lowest offset that is free during its life. An input and an output of the same layer are
    live together, so kernels never work in place.
    """
    blocks = _blocks(program)
    placed: list[Block] = []
    for block in sorted(blocks, key=lambda b: (-b.size, b.first, b.what, b.index)):
        offset = 0
        for other in sorted(placed, key=lambda b: b.offset):
            together = other.first <= block.last and block.first <= other.last
            if together and other.offset < offset + block.size and offset < other.offset + other.size:
                offset = other.offset + other.size
        placed.append(dataclasses.replace(block, offset=offset))
    moments = range(len(program.layers))
    return Plan(
        blocks=tuple(sorted(placed, key=lambda b: (b.offset, b.first, b.what, b.index))),
        scratch_bytes=max((b.offset + b.size for b in placed), default=0),
        peak_bytes=max((sum(b.size for b in blocks if b.first <= m <= b.last) for m in moments), default=0),
        unshared_bytes=sum(b.size for b in blocks),
    )
