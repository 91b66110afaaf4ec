"""ADD, SUB, MUL, MINIMUM and MAXIMUM of int16 tensors."""

from collections.abc import Callable

from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import INT16, check_same_quantization, output_range
from kws_codegen.kernels.elementwise import Operation
from kws_codegen.kernels.elementwise_int16 import (
    DifferenceInt16,
    ElementwiseInt16,
    MaximumInt16,
    MinimumInt16,
    ProductInt16,
    SumInt16,
)
from kws_codegen.lower import broadcast
from kws_codegen.lower.add import sum_fields
from kws_codegen.lower.lowering import Lowering


def _emit(lowering: Lowering, op: Op, what: str, operation: Operation) -> None:
    broadcast.emit(lowering, op, what, operation, kernel=ElementwiseInt16, dtypes=INT16)


def _sums(what: str, operation: type[SumInt16] | type[DifferenceInt16]) -> Callable[[Lowering, Op], None]:
    def lower(lowering: Lowering, op: Op) -> None:
        a, b = broadcast.operands(lowering.graph, op, INT16)
        y = checks.variable(lowering.graph, op, op.outputs[0], INT16)
        fields = sum_fields(lowering.graph, op, a, b, y, fixed_point.ADD_LEFT_SHIFT_INT16)
        _emit(lowering, op, what, operation(*fields))

    return lower


def mul(lowering: Lowering, op: Op) -> None:
    """Lowers a MUL."""
    graph = lowering.graph
    a, b = broadcast.operands(graph, op, INT16)
    y = checks.variable(graph, op, op.outputs[0], INT16)
    pair = fixed_point.quantize_multiplier(a.scales[0] * b.scales[0] / y.scales[0])
    factor = broadcast.factor(graph, op, pair, value_bits=31)
    _emit(lowering, op, "mul", ProductInt16((0, 0), factor, output_range(graph, op, y)))


def _limits(what: str, operation: Operation) -> Callable[[Lowering, Op], None]:
    def lower(lowering: Lowering, op: Op) -> None:
        y = checks.variable(lowering.graph, op, op.outputs[0], INT16)
        for operand in broadcast.operands(lowering.graph, op, INT16):
            check_same_quantization(lowering.graph, op, operand, y)
        _emit(lowering, op, what, operation)

    return lower


add, sub = _sums("add", SumInt16), _sums("sub", DifferenceInt16)
minimum, maximum = _limits("minimum", MinimumInt16()), _limits("maximum", MaximumInt16())
