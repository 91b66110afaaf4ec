"""Layers with int8 weights between int16 activations: ``aot::DenseInt16``, ``ConvInt16`` and ``DepthwiseInt16``."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant, KernelCall
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.output_range import OutputRange


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LinearInt16(KernelCall):
    """A convolution or fully connected layer of int16.

    Attributes:
      matrix: int8 weights in the order that the kernel reads.
      bias: ``[outputs]``, of the type of the sums: int32 where no sum is proven to need more, else int64.
      factors: int32 ``[2, outputs]``: multipliers, and shifts as the rounding has them.
      rounds_once: the sums are multiplied with 15 bits and rounded once; else as those of int8 layers.
      range: of the results.
    """

    reads_int16: bool = True
    writes_int16: bool = True
    matrix: np.ndarray
    bias: np.ndarray
    factors: np.ndarray
    rounds_once: bool
    range: OutputRange

    @property
    def weights(self) -> Constant:
        return Constant("Weights", self.matrix)

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (Constant("Bias", self.bias), Constant("Factors", self.factors))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DenseInt16(LinearInt16):
    """A dot product of each row of weights with each frame.

    Attributes:
      matrix: int8 ``[outputs, inputs]``.
      inputs, outputs: elements of a frame before and after.
      frames: frames of a step.
      input_stride: elements from one frame to the next.
    """

    inputs: int
    outputs: int
    frames: int
    input_stride: int

    kernel = "dense_int16"
    header = "engine/aot/dense_int16.h"

    @property
    def macs(self) -> int:
        return self.frames * self.inputs * self.outputs


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ConvInt16(LinearInt16):
    """A convolution over rows and columns, of each of `groups` equal groups of channels.

    Attributes:
      matrix: int8 ``[out_c, kernel_h * kernel_w * in_c / groups]``.
    """

    geometry: ConvGeometry
    groups: int

    kernel = "conv_int16"
    header = "engine/aot/conv_int16.h"

    @property
    def macs(self) -> int:
        g = self.geometry
        return g.frames * g.taps * g.in_c // self.groups * g.out_c


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DepthwiseInt16(LinearInt16):
    """A convolution of each channel.

    Attributes:
      matrix: int8 ``[kernel_h * kernel_w, out_c]``.
    """

    geometry: ConvGeometry

    kernel = "depthwise_int16"
    header = "engine/aot/depthwise_int16.h"

    @property
    def macs(self) -> int:
        return self.geometry.frames * self.geometry.taps * self.geometry.out_c
