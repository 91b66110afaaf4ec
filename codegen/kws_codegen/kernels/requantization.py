"""Constants that take int32 accumulators to int8 results, and the tables that kernels read them from."""

import dataclasses

import numpy as np

from kws_codegen.kernels.call import Constant


@dataclasses.dataclass(frozen=True, eq=False)
class Requantization:
    """Bias and factor of each output of a kernel with weights.

    Attributes:
      bias: int32 ``[outputs]``, input zero point not folded.
      folded_bias: int32 ``[outputs]``: bias - input zero point * sum of weights.
      multipliers, shifts: int32 ``[outputs]``: Q31 and TensorFlow Lite's shift (positive to the left).
      fast: the kernels' fast rounding is proven to give the same integers.
    """

    bias: np.ndarray
    folded_bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    fast: bool

    def folded_table(self) -> Constant:
        """int32 ``[3, outputs]`` as ``aot::LinearTables`` has it for the kit's own kernels."""
        last = np.where(self.multipliers == 0, 0, -self.shifts - 1) if self.fast else self.shifts
        return Constant("Requantization", np.stack([self.folded_bias, self.multipliers, last]))

    def plain_table(self) -> Constant:
        """int32 ``[3, outputs]`` for CMSIS-NN, which sums the weights itself: its bias is the model's."""
        return Constant("Requantization", np.stack([self.bias, self.multipliers, self.shifts]))
