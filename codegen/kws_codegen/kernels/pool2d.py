"""Pools over rows and columns: ``aot::AveragePool2d`` and ``aot::MaxPool2d``."""

import dataclasses

from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.output_range import OutputRange


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Pool2d(KernelCall):
    """One result for each channel of what a filter covers.

    Attributes:
      geometry: the filter as a kernel of a convolution of each channel.
      range: of the results.
    """

    geometry: ConvGeometry
    range: OutputRange

    header = "engine/aot/pool2d.h"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class AveragePool2d(_Pool2d):
    """The mean."""

    kernel = "average_pool_2d"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class MaxPool2d(_Pool2d):
    """The largest element."""

    kernel = "max_pool_2d"
