"""Convolution over rows and columns: ``aot::Conv2d``."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.linear import LinearCall


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Conv2d(LinearCall):
    """A dot product of each row of weights with what the kernel covers.

    Attributes:
      matrix: int8 ``[out_c, kernel_h * kernel_w * in_c]``.
      geometry: of the convolution.
      input_zero_point: int8, what padding counts as.
    """

    geometry: ConvGeometry
    input_zero_point: int

    kernel = "conv_2d"
    header = "engine/aot/conv2d.h"

    @property
    def weights(self) -> Constant:
        return Constant("Weights", np.pad(self.matrix, [(0, 0), (0, self.inputs - self.matrix.shape[1])]))

    @property
    def scratch_bytes(self) -> int:
        """``aot::Conv2dScratchBytes``: what three outputs cover, as int8 and as int16, and padded rows."""
        g = self.geometry
        band = g.kernel_h * g.columns * g.in_c if g.padded_w else 0
        return 9 * self.inputs + band

    @property
    def macs(self) -> int:
        return self.geometry.frames * self.matrix.size

    @property
    def inputs(self) -> int:
        """``aot::Conv2dInputs``: whole words."""
        return -(-self.matrix.shape[1] // 4) * 4
