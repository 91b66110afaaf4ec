"""Averages over time: of a few rows at once (``aot::AveragePool``), and of a whole state (``aot::PoolRing``)."""

import dataclasses

from kws_codegen.buffers import PoolRing
from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.output_range import OutputRange


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class AveragePool(KernelCall):
    """The mean of `rows` rows for each frame.

    Attributes:
      range: of the results.
      channels, rows, frames: sizes.
      frame_stride: elements from the first row of a frame to that of the next.
    """

    range: OutputRange
    channels: int
    rows: int
    frames: int
    frame_stride: int

    kernel = "average_pool"
    header = "engine/aot/pool.h"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class AverageOfRing(KernelCall):
    """The mean of a ring's rows and one new row, which then replaces the oldest.

    Attributes:
      range: of the results.
      ring: keeps rows and running sums.
    """

    range: OutputRange
    ring: PoolRing

    kernel = "pool_ring"
    header = "engine/aot/pool.h"

    @property
    def buffer(self) -> PoolRing:
        return self.ring
