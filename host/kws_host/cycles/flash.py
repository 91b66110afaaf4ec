"""Cycles that a core waits for instructions out of flash: its lines, a cache of them, and reading ahead.

A model of what ST's manuals call ART accelerator and others by other names: a line that is neither the last one, nor in
the cache, nor being read ahead, costs all wait states; one that is being read ahead costs what is left of them.
"""

import collections
from collections.abc import Iterable, Sequence

from kws_host.cycles.chips import Flash
from kws_host.cycles.cortex_m4 import Cycles
from kws_host.cycles.trace import Block


class CodeCache:
    """Follows a trace through the flash; what it holds is kept from piece to piece."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        self._lines: collections.OrderedDict[int, None] = collections.OrderedDict()
        self._line = -1
        self._spent = 0.0  # cycles of the core since that line came

    def waits(self, piece: Sequence[Block], cycles: Iterable[Cycles]) -> float:
        """Cycles that the core waits while it executes a piece of a trace; `cycles`: of its blocks, without waiting."""
        size, waited = self._flash.line_bytes, 0.0
        for block, taken in zip(piece, cycles, strict=False):
            lines = range(block.start // size, (block.end - 1) // size + 1)
            for line in lines:
                waited += self._fetch(line)
                self._spent += taken.likely / len(lines)
        return waited

    def _fetch(self, line: int) -> float:
        if line == self._line:
            return 0.0
        is_next, spent = line == self._line + 1, self._spent
        self._line, self._spent = line, 0.0
        if line in self._lines:
            self._lines.move_to_end(line)
            return 0.0
        self._lines[line] = None
        if len(self._lines) > self._flash.code_lines:
            self._lines.popitem(last=False)
        wait = float(self._flash.wait_states)
        return max(0.0, wait - spent) if is_next and self._flash.prefetch else wait
