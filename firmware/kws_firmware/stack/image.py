"""Bounds of the two stacks of an image: the application's, and the handlers'."""

import dataclasses
import struct
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from kws_reference.errors import KwsError

from kws_firmware.boards import Board
from kws_firmware.sizes import STACK_SECTIONS
from kws_firmware.stack.bound import Bound, CallGraph, load_indirect_calls
from kws_firmware.stack.listing import functions

_VECTORS = "_ZN3kws5board12_GLOBAL__N_1L8kVectorsE"
_START = "KwsStart"
_FAULT = "KwsFaultHandler"


@dataclasses.dataclass(frozen=True)
class StackBounds:
    """Bytes of stack that an image can need at most.

    Attributes:
      thread: of the application, with the frame that an interrupt leaves there.
      handlers: of the handlers, with the frames of what interrupts them.
      path: to the application's deepest place, outermost first, each with what it adds.
    """

    thread: int
    handlers: int
    path: tuple[tuple[str, int], ...]


def exception_frame(board: Board) -> int:
    """Bytes that the core leaves on the interrupted stack: registers, those of a floating point unit, and alignment."""
    has_floats = any(flag.startswith("-mfloat-abi=") and not flag.endswith("soft") for flag in board.arch_flags)
    return (104 if has_floats else 32) + 4


def stack_bounds(elf: Path, board: Board) -> StackBounds:
    """Bounds of an image of one of the kit's own boards.

    Whatever the priorities, each handler interrupts the others at most once, and a fault the last of them, whose own
    handler begins at the top of the stack again.

    Raises:
      KwsError: see `CallGraph.bound`; the image has no vector table of ours.
    """
    graph = CallGraph(functions(elf), load_indirect_calls())
    frame = exception_frame(board)
    start: list[Bound] = [graph.bound(address) for address in graph.named(_START)]
    if not start:
        raise KwsError(f"{elf} has no {_START}: it does not start as the kit's own boards do")
    faults = graph.named(_FAULT)
    handlers = [graph.bound(address).bytes + frame for address in _handlers(elf) if address not in faults]
    deepest = max(sum(handlers), *(graph.bound(address).bytes for address in faults))
    return StackBounds(start[0].bytes + frame, deepest, start[0].path)


def stack_sizes(elf: Path) -> tuple[int, int]:
    """Bytes of an image's stack and of its handlers'.

    Raises:
      KwsError: the image has no such sections.
    """
    with elf.open("rb") as handle:
        image = ELFFile(handle)
        sizes = [section["sh_size"] for name in STACK_SECTIONS if (section := image.get_section_by_name(name))]
    if len(sizes) != len(STACK_SECTIONS):
        raise KwsError(f"{elf} has no sections {' and '.join(STACK_SECTIONS)}: it is no image of this firmware")
    return sizes[0], sizes[1]


def _handlers(elf: Path) -> list[int]:
    """Addresses of the functions in the vector table, the reset's excluded."""
    with elf.open("rb") as handle:
        image = ELFFile(handle)
        for section in image.iter_sections():
            for symbol in section.get_symbol_by_name(_VECTORS) or () if isinstance(section, SymbolTableSection) else ():
                place, held = symbol["st_value"], image.get_section(symbol["st_shndx"])
                first = place - held["sh_addr"]
                table = held.data()[first : first + symbol["st_size"]]
                words = struct.unpack(f"<{len(table) // 4}I", table)
                return sorted({word & ~1 for word in words[2:]})
    raise KwsError(f"{elf} has no vector table of the kit's own boards")
