"""Operations of two int16 tensors, element by element: ``aot::Elementwise`` with functors of its own."""

import dataclasses

from kws_reference.tflite.fixed_point import ADD_LEFT_SHIFT_INT16

from kws_codegen.kernels.elementwise import Difference, Elementwise, Maximum, Minimum, Product, Sum


@dataclasses.dataclass(frozen=True)
class SumInt16(Sum):
    """``a + b``."""

    name = "SumInt16"


@dataclasses.dataclass(frozen=True)
class DifferenceInt16(Difference):
    """``a - b``."""

    name = "DifferenceInt16"


@dataclasses.dataclass(frozen=True)
class ProductInt16(Product):
    """``a * b``."""

    name = "ProductInt16"


@dataclasses.dataclass(frozen=True)
class MinimumInt16(Minimum):
    """The smaller of two values of one scale."""

    name = "MinimumInt16"


@dataclasses.dataclass(frozen=True)
class MaximumInt16(Maximum):
    """The larger of two values of one scale."""

    name = "MaximumInt16"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ElementwiseInt16(Elementwise):
    """`Elementwise` with one of the operations above."""

    reads_int16: bool = True
    writes_int16: bool = True

    kernel = "elementwise_int16"
    header = "engine/aot/elementwise_int16.h"

    @property
    def extra_bits(self) -> int | None:
        """Fraction bits that the operands of a sum gain, ``aot::kAddExtraBitsInt16``; None of other operations."""
        return ADD_LEFT_SHIFT_INT16 if isinstance(self.operation, Sum) else None
