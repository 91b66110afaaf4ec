"""CMSIS-NN's kernels, for the shapes that the kit has no kernel of its own for, and what they ask for.

A generated engine runs on any core, so each size is the largest of those of plain C, DSP and Helium. Generated code
compares the sizes with ``aot::CmsisMaxScratchBytes`` when it is compiled and with CMSIS-NN's own answer when it starts;
tests compare them with CMSIS-NN's answers on all three.
"""

import dataclasses

from kws_codegen.kernels.call import Constant
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.linear import LinearCall

_CHANNEL_BLOCK = 124
"""``CH_IN_BLOCK_MVE``."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _CmsisCall(LinearCall):
    """Weights in TensorFlow Lite's order, one per byte: CMSIS-NN 4.0.0 has no 4-bit kernels.

    Attributes:
      input_zero_point: int8.
    """

    input_zero_point: int

    header = "engine/aot/cmsis_nn.h"

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (self.requantization.plain_table(),)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CmsisConvolve(_CmsisCall):
    """``aot::CmsisConvolve``; matrix int8 ``[out_c, kernel_h * kernel_w * in_c]``."""

    geometry: ConvGeometry

    kernel = "cmsis_conv"

    @property
    def scratch_bytes(self) -> int:
        return convolve_scratch_bytes(self.geometry)

    @property
    def macs(self) -> int:
        g = self.geometry
        return g.frames * g.taps * g.in_c * g.out_c


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CmsisDepthwise(_CmsisCall):
    """``aot::CmsisDepthwise``; matrix int8 ``[kernel_h * kernel_w, out_c]``."""

    geometry: ConvGeometry

    kernel = "cmsis_depthwise"

    @property
    def scratch_bytes(self) -> int:
        return depthwise_scratch_bytes(self.geometry)

    @property
    def macs(self) -> int:
        return self.geometry.frames * self.geometry.taps * self.geometry.out_c


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CmsisFullyConnected(_CmsisCall):
    """``aot::CmsisFullyConnected``; matrix int8 ``[outputs, inputs]``, one scale for all of it."""

    inputs: int
    outputs: int
    frames: int

    kernel = "cmsis_fully_connected"

    @property
    def macs(self) -> int:
        return self.frames * self.inputs * self.outputs


def convolve_scratch_bytes(g: ConvGeometry) -> int:
    """Working memory of ``arm_convolve_wrapper_s8``."""
    if g.taps == 1 and g.pad_h == g.pad_w == 0 and g.dilation_h == g.dilation_w == 1:
        return 0  # arm_convolve_1x1_s8 and its fast twin
    column = g.in_c * g.taps
    if g.in_h == g.kernel_h == g.dilation_w == 1 and g.out_w % 4 == 0:
        return 4 * column  # arm_convolve_1_x_n_s8: two int16 columns, nothing with Helium
    # arm_convolve_s8: two int16 columns, or with Helium four int8 columns of whole vectors.
    return max(4 * column, 4 * 8 * -(-column // 8))


def depthwise_scratch_bytes(g: ConvGeometry) -> int:
    """Working memory of ``arm_depthwise_conv_wrapper_s8``."""
    if g.depth_multiplier != 1 or (g.dilation_h, g.dilation_w) != (1, 1):
        return 0  # arm_depthwise_conv_s8
    return max(2 * g.in_c * g.taps, 4 * _CHANNEL_BLOCK * g.taps)
