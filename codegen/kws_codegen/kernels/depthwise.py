"""Depthwise convolution along time: ``aot::Depthwise`` and ``aot::DepthwiseInt4``."""

import dataclasses

from kws_codegen.kernels.call import Constant
from kws_codegen.kernels.linear import LinearCall
from kws_codegen.kernels.packing import pack_taps


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Depthwise(LinearCall):
    """A sum over the taps of each channel.

    Attributes:
      matrix: int8 ``[taps, channels]``.
      channels, taps, frames: sizes.
      tap_stride: elements from one tap to the next; a dilation of d has a stride of d rows.
      frame_stride: elements from the first tap of a frame to that of the next.
    """

    channels: int
    taps: int
    frames: int
    tap_stride: int
    frame_stride: int

    kernel = "depthwise"
    header = "engine/aot/depthwise.h"

    @property
    def macs(self) -> int:
        return self.frames * self.taps * self.channels


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DepthwiseInt4(Depthwise):
    """`Depthwise` with 4-bit weights, packed two taps a byte."""

    kernel = "depthwise_int4"
    header = "engine/aot/depthwise_int4.h"

    @property
    def weights(self) -> Constant:
        return Constant("Weights", pack_taps(self.matrix))
