"""Copies between tensors of any layout: ``aot::Move``. Elements of two bytes are an innermost axis of two."""

import dataclasses

from kws_codegen.kernels.axes import Axis
from kws_codegen.kernels.call import KernelCall

AXES = 5
"""Dimensions that the kernel walks through, ``aot::kMoveAxes``."""


@dataclasses.dataclass(frozen=True)
class Fill:
    """What all elements are set to before the copy.

    Attributes:
      value: of a byte.
      count: bytes.
    """

    value: int
    count: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Move(KernelCall):
    """Copies bytes from the positions of one layout to those of another.

    Attributes:
      axes: `AXES` of them, with the strides of source and target.
      source_offset, target_offset: the first byte of each.
      fill: of the target; None where the copies of an operator write all of it.
    """

    axes: tuple[Axis, ...]
    source_offset: int = 0
    target_offset: int = 0
    fill: Fill | None = None

    kernel = "move"
    header = "engine/aot/move.h"
