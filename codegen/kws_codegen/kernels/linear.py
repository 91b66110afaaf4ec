"""What kernels with weights have in common."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant, KernelCall
from kws_codegen.kernels.output_range import OutputRange
from kws_codegen.kernels.requantization import Requantization


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LinearCall(KernelCall):
    """A convolution or fully connected layer: constant weights, int32 accumulators, requantized results.

    Attributes:
      matrix: int8 weights, one value per element, in the order that the kernel reads.
      requantization: of the accumulators.
      range: of the results.
    """

    matrix: np.ndarray
    requantization: Requantization
    range: OutputRange

    @property
    def weights(self) -> Constant:
        return Constant("Weights", self.matrix)

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (self.requantization.folded_table(),)
