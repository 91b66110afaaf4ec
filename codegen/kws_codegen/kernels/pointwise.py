"""1x1 convolution, also over whole rows, and fully connected layer: ``aot::Pointwise`` and ``aot::PointwiseInt4``."""

import dataclasses

from kws_codegen.kernels.call import Constant
from kws_codegen.kernels.linear import LinearCall
from kws_codegen.kernels.packing import pack_rows


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Pointwise(LinearCall):
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

    kernel = "pointwise"
    header = "engine/aot/pointwise.h"

    @property
    def scratch_bytes(self) -> int:
        """``aot::PointwiseScratchBytes``: two frames as int16, of many frames three."""
        return 2 * self.inputs * (2 if self.frames < 3 else 3)

    @property
    def macs(self) -> int:
        return self.frames * self.inputs * self.outputs


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PointwiseInt4(Pointwise):
    """`Pointwise` with 4-bit weights, packed two rows a byte."""

    kernel = "pointwise_int4"
    header = "engine/aot/pointwise_int4.h"

    @property
    def scratch_bytes(self) -> int:
        """``aot::PointwiseScratchBytes``: two frames as int16."""
        return 4 * self.inputs

    @property
    def weights(self) -> Constant:
        return Constant("Weights", pack_rows(self.matrix))
