"""Filters over time behind dot products with the input: ``aot::Svdf``."""

import dataclasses

import numpy as np

from kws_codegen.buffers import SvdfMemory
from kws_codegen.kernels.call import Constant, KernelCall
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.requantization import Requantization


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Svdf(KernelCall):
    """One result of each filter joins those of the last steps, which are then summed up with weights of their own.

    Attributes:
      matrix: int8 ``[filters, inputs]``.
      time_matrix: int8 or int16 ``[filters, steps]``, of the memory's type.
      requantization: of the dot products with the input, one factor for all.
      bias: int32 ``[units]``: the memory's zero point is folded into it.
      rank: filters of a unit.
      memory_zero_point: of the memory.
      factor: from the sums over time to the output.
      zero_point: of the output.
      fast: for the factor to the memory and that to the output: values are proven to stay below 2**30.
      memory: keeps the results.
    """

    matrix: np.ndarray
    time_matrix: np.ndarray
    requantization: Requantization
    bias: np.ndarray
    rank: int
    memory_zero_point: int
    factor: Factor
    zero_point: int
    fast: tuple[bool, bool]
    memory: SvdfMemory

    kernel = "svdf"
    header = "engine/aot/svdf.h"

    @property
    def inputs(self) -> int:
        """Elements of the input."""
        return self.matrix.shape[1]

    @property
    def feature_factor(self) -> Factor:
        """From the dot products with the input to the memory."""
        return Factor(int(self.requantization.multipliers[0]), int(self.requantization.shifts[0]))

    @property
    def scratch_bytes(self) -> int:
        """``aot::DotRowsScratchBytes``: the input as int16."""
        return 2 * self.inputs

    @property
    def macs(self) -> int:
        return self.matrix.size + self.time_matrix.size

    @property
    def weights(self) -> Constant:
        return Constant("Weights", self.matrix)

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (
            Constant("TimeWeights", self.time_matrix),
            Constant("Bias", np.concatenate([self.requantization.folded_bias, self.bias])),
        )

    @property
    def buffer(self) -> SvdfMemory:
        return self.memory
