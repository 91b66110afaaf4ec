"""Sum of two activations of different scales: ``aot::Add``."""

import dataclasses

from kws_reference.tflite.fixed_point import ADD_LEFT_SHIFT

from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.output_range import OutputRange


@dataclasses.dataclass(frozen=True)
class AddOperand:
    """Brings an operand to the common scale of the sum.

    Attributes:
      zero_point: int8.
      multiplier: Q31.
      right_shift: 0..31.
    """

    zero_point: int
    multiplier: int
    right_shift: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Add(KernelCall):
    """``writes[i] = reads[0][i] + reads[1][i]`` in real values.

    Attributes:
      a, b: of the operands.
      multiplier, right_shift: of the sum, Q31 and 1..31.
      range: of the results.
      count: elements.
    """

    a: AddOperand
    b: AddOperand
    multiplier: int
    right_shift: int
    range: OutputRange
    count: int

    kernel = "add"
    header = "engine/aot/add.h"

    @property
    def extra_bits(self) -> int:
        """Fraction bits that both operands gain before they are scaled: ``aot::kAddExtraBits``."""
        return ADD_LEFT_SHIFT
