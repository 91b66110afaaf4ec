"""Products of two matrices, or of stacks of them: ``aot::Matmul``."""

import dataclasses
import math

from kws_codegen.kernels.axes import Axis
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.output_range import OutputRange
from kws_codegen.kernels.two_operands import TwoOperands

AXES = 3
"""Dimensions of the stacks that the kernel walks through, ``aot::kMatmulAxes``."""


@dataclasses.dataclass(frozen=True)
class MatrixLayout:
    """Elements from one row (of `a`) or column (of `b`) to the next, and from one term of a dot product to the next."""

    outer: int
    depth: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Matmul(TwoOperands):
    """``writes[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]``.

    Attributes:
      axes: `AXES` of them, over the matrices of `a` and `b`.
      rows, depth, columns: sizes of a product.
      a, b: layouts of a matrix of each.
      zero_points: of `a` and `b`.
      factor: from the sums to the output.
      range: of the results.
    """

    axes: tuple[Axis, ...]
    rows: int
    depth: int
    columns: int
    a: MatrixLayout
    b: MatrixLayout
    zero_points: tuple[int, int]
    factor: Factor
    range: OutputRange

    kernel = "matmul"
    header = "engine/aot/matmul.h"

    @property
    def macs(self) -> int:
        return math.prod(axis.count for axis in self.axes) * self.rows * self.depth * self.columns
