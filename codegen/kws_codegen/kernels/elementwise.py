"""Operations of two tensors, element by element: ``aot::Elementwise``."""

import dataclasses
from typing import ClassVar

from kws_reference.tflite.fixed_point import ADD_LEFT_SHIFT

from kws_codegen.kernels.add import AddOperand
from kws_codegen.kernels.axes import Axis
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.output_range import OutputRange
from kws_codegen.kernels.two_operands import TwoOperands

AXES = 5
"""Dimensions that the kernel walks through, ``aot::kElementwiseAxes``."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """What is done with two elements. A subclass for each functor of the firmware adds its fields."""

    name: ClassVar[str]
    """Of the functor, ``aot::<name>``."""


@dataclasses.dataclass(frozen=True)
class Sum(Operation):
    """``a + b``; the fields are those of `Add`."""

    a: AddOperand
    b: AddOperand
    multiplier: int
    right_shift: int
    range: OutputRange

    name = "Sum"


@dataclasses.dataclass(frozen=True)
class Difference(Sum):
    """``a - b``."""

    name = "Difference"


@dataclasses.dataclass(frozen=True)
class Product(Operation):
    """``a * b``: zero points of both, factor of the product."""

    zero_points: tuple[int, int]
    factor: Factor
    range: OutputRange

    name = "Product"


@dataclasses.dataclass(frozen=True)
class Minimum(Operation):
    """The smaller of two values of one scale and zero point."""

    name = "Minimum"


@dataclasses.dataclass(frozen=True)
class Maximum(Operation):
    """The larger of two values of one scale and zero point."""

    name = "Maximum"


@dataclasses.dataclass(frozen=True)
class Prelu(Operation):
    """``a`` where it is positive, else ``a * b``: zero points of both, factors of ``a`` and of the product."""

    zero_points: tuple[int, int]
    above: Factor
    below: Factor
    range: OutputRange

    name = "Prelu"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Elementwise(TwoOperands):
    """``writes[i] = operation(a[i], b[i])``.

    Attributes:
      operation: what is done.
      axes: `AXES` of them, with the strides of `a` and `b`.
    """

    operation: Operation
    axes: tuple[Axis, ...]

    kernel = "elementwise"
    header = "engine/aot/elementwise.h"

    @property
    def extra_bits(self) -> int | None:
        """Fraction bits that the operands of a sum gain, ``aot::kAddExtraBits``; None of other operations."""
        return ADD_LEFT_SHIFT if isinstance(self.operation, Sum) else None
