"""A layer of long short-term memory over the frames of a step: ``aot::Lstm``."""

import dataclasses

import numpy as np
from kws_reference.tflite import int16

from kws_codegen.kernels.call import Constant, KernelCall
from kws_codegen.kernels.factor import Factor

GATES = 4
"""Input gate, forget gate, candidate, output gate, ``aot::kLstmGates``."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Lstm(KernelCall):
    """Reads a frame, the hidden and the cell state; the states are changed in place.

    Attributes:
      frame_weights: int8 ``[GATES, units, inputs]``.
      hidden_weights: int8 ``[GATES, units, units]``.
      frame_bias, hidden_bias: int32 ``[GATES, units]``: zero points are folded in.
      of_frame, of_hidden: from dot products to a gate's argument, one factor for each gate.
      kept, added, to_hidden: of the products of gates and states.
      hidden_zero_point: of the hidden state.
      tanh: multiplier and right shift of the cell state, of `recurrent.tanh_argument`.
      cell_range: clip of the cell state, int16, both included.
      fast: dot products are proven to stay below 2**30 on their way through the factors.
      steps: frames of a step.
    """

    frame_weights: np.ndarray
    hidden_weights: np.ndarray
    frame_bias: np.ndarray
    hidden_bias: np.ndarray
    of_frame: tuple[Factor, ...]
    of_hidden: tuple[Factor, ...]
    kept: Factor
    added: Factor
    to_hidden: Factor
    hidden_zero_point: int
    tanh: tuple[int, int]
    cell_range: tuple[int, int]
    fast: bool
    steps: int

    kernel = "lstm"
    header = "engine/aot/lstm.h"

    @property
    def units(self) -> int:
        """Elements of the hidden state."""
        return self.frame_weights.shape[1]

    @property
    def inputs(self) -> int:
        """Elements of a frame."""
        return self.frame_weights.shape[2]

    @property
    def scratch_bytes(self) -> int:
        """``aot::LstmScratchBytes``: what each gate lets through, and a frame or the hidden state, int16."""
        return 2 * (GATES * self.units + max(self.inputs, self.units))

    @property
    def macs(self) -> int:
        return self.steps * (self.frame_weights.size + self.hidden_weights.size)

    @property
    def weights(self) -> Constant:
        return Constant("Weights", self.frame_weights)

    @property
    def tables(self) -> tuple[Constant, ...]:
        return (
            Constant("HiddenWeights", self.hidden_weights),
            Constant("Bias", np.stack([self.frame_bias, self.hidden_bias])),
            Constant("Sigmoid", int16.sigmoid_table()),
        )
