"""Depthwise convolution over rows and columns: ``aot::Depthwise2d``."""

import dataclasses

from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.linear import LinearCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Depthwise2d(LinearCall):
    """A sum over what the kernel covers of each channel.

    Attributes:
      matrix: int8 ``[kernel_w, kernel_h, channels]``.
      geometry: of the convolution; one output for each channel.
      input_zero_point: int8, what padding counts as.
    """

    geometry: ConvGeometry
    input_zero_point: int

    kernel = "depthwise_2d"
    header = "engine/aot/depthwise2d.h"

    @property
    def scratch_bytes(self) -> int:
        """``aot::Depthwise2dScratchBytes``: the rows that one row of outputs covers, with their padding."""
        g = self.geometry
        return g.columns * g.kernel_h * g.in_c

    @property
    def macs(self) -> int:
        return self.geometry.frames * self.geometry.taps * self.geometry.out_c
