"""SOFTMAX of int16 over the last dimension."""

from kws_reference.tflite import int16
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import INT16, quantization_text, refuse
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.softmax_int16 import SoftmaxInt16
from kws_codegen.lower.lowering import Lowering

_MAX_DEPTH = 2**15
"""Values of a row whose sum fits into 31 bits."""


def softmax(lowering: Lowering, op: Op) -> None:
    """Lowers a SOFTMAX from int16 to int16."""
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index, INT16) for index in (op.inputs[0], op.outputs[0]))
    if x.shape != y.shape or not x.shape:
        refuse(graph, op, f"{list(x.shape)} cannot become {list(y.shape)}")
    if y.scales[0] != int16.OUTPUT_SCALE:
        refuse(graph, op, f"'{y.name}' must have scale 1/32768, it has {quantization_text(y)}")
    if x.shape[-1] > _MAX_DEPTH:
        refuse(graph, op, f"rows of {x.shape[-1]} are too long, at most {_MAX_DEPTH} are supported")
    try:
        factor = Factor(*int16.softmax_factor(x.scales[0], op.options["beta"]))
    except ValueError as error:
        refuse(graph, op, f"'{x.name}': {error}")
    lowering.emit(
        SoftmaxInt16(
            reads=(lowering.read(x.index),),
            writes=lowering.write(y.index),
            name=lowering.name(op, "softmax"),
            op=op,
            exponentials=int16.exponential_table(),
            reciprocals=int16.reciprocal_table(),
            factor=factor,
            rows=x.size // x.shape[-1],
            depth=x.shape[-1],
        )
    )
