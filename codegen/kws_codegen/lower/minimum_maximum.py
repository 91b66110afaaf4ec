"""MINIMUM and MAXIMUM: TFLite Micro compares the integers, so that all three tensors must share their quantization."""

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import check_same_quantization
from kws_codegen.kernels.elementwise import Maximum, Minimum, Operation
from kws_codegen.lower import broadcast
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _operator(kind: str, operation: Operation) -> Operator:
    def lower(lowering: Lowering, op: Op) -> None:
        y = checks.variable(lowering.graph, op, op.outputs[0])
        for operand in broadcast.operands(lowering.graph, op):
            check_same_quantization(lowering.graph, op, operand, y)
        broadcast.emit(lowering, op, kind.lower(), operation)

    return Operator(kind, lower, required_inputs=2, max_inputs=2)


MAXIMUM = _operator("MAXIMUM", Maximum())
MINIMUM = _operator("MINIMUM", Minimum())
