"""Convolution whose channels are convolved in groups: ``aot::GroupedConv``."""

import dataclasses

from kws_codegen.kernels.call import Constant
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.linear import LinearCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class GroupedConv(LinearCall):
    """A convolution of each group of channels.

    Attributes:
      matrix: int8 ``[out_c, kernel_h * kernel_w * in_c / groups]``.
      geometry: of all channels.
      groups: equal ones.
      input_zero_point: int8.
    """

    geometry: ConvGeometry
    groups: int
    input_zero_point: int

    kernel = "grouped_conv"
    header = "engine/aot/grouped_conv.h"

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (self.requantization.plain_table(),)

    @property
    def macs(self) -> int:
        g = self.geometry
        return g.frames * g.taps * g.in_c // self.groups * g.out_c
