"""PRELU: negative values times a slope, which may differ for each channel."""

from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import output_range
from kws_codegen.kernels.elementwise import Prelu
from kws_codegen.lower import broadcast
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, slope = broadcast.operands(graph, op)
    y = checks.variable(graph, op, op.outputs[0])
    above = fixed_point.quantize_multiplier(x.scales[0] / y.scales[0])
    below = fixed_point.quantize_multiplier(x.scales[0] * slope.scales[0] / y.scales[0])
    operation = Prelu(
        (x.zero_points[0], slope.zero_points[0]),
        broadcast.factor(graph, op, above, value_bits=8),
        broadcast.factor(graph, op, below, value_bits=16),
        output_range(graph, op, y),
    )
    broadcast.emit(lowering, op, "prelu", operation)


PRELU = Operator("PRELU", _lower, required_inputs=2, max_inputs=2)
