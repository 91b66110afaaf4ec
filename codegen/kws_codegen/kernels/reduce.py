"""Sums and means over any dimensions: ``aot::Reduce``."""

import dataclasses

from kws_codegen.kernels.axes import Axis
from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.output_range import OutputRange

AXES = 3
"""Dimensions of each kind that the kernel walks through, ``aot::kReduceAxes``."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Reduce(KernelCall):
    """A requantized sum over the reduced dimensions.

    Attributes:
      kept, reduced: `AXES` axes of each.
      offset: added to each sum.
      factor: from the sum to the output.
      range: of the results.
    """

    kept: tuple[Axis, ...]
    reduced: tuple[Axis, ...]
    offset: int
    factor: Factor
    range: OutputRange

    kernel = "reduce"
    header = "engine/aot/reduce.h"
