"""MUL."""

from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import output_range
from kws_codegen.kernels.elementwise import Product
from kws_codegen.lower import broadcast
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    a, b = broadcast.operands(graph, op)
    y = checks.variable(graph, op, op.outputs[0])
    pair = fixed_point.quantize_multiplier(a.scales[0] * b.scales[0] / y.scales[0])
    factor = broadcast.factor(graph, op, pair, value_bits=16)
    zero_points = (a.zero_points[0], b.zero_points[0])
    broadcast.emit(lowering, op, "mul", Product(zero_points, factor, output_range(graph, op, y)))


MUL = Operator("MUL", _lower, required_inputs=2, max_inputs=2)
