"""SOFTMAX over the last dimension."""

from kws_reference.tflite import softmax
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import quantization_text, refuse
from kws_codegen.kernels.softmax import Softmax
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index) for index in (op.inputs[0], op.outputs[0]))
    if x.shape != y.shape or not x.shape:
        refuse(graph, op, f"{list(x.shape)} cannot become {list(y.shape)}")
    if (y.scales[0], y.zero_points[0]) != (1 / 256, -128):
        refuse(graph, op, f"'{y.name}' must have scale 1/256 and zero point -128, it has {quantization_text(y)}")
    if x.shape[-1] > softmax.MAX_DEPTH:
        refuse(graph, op, f"rows of {x.shape[-1]} are too long, at most {softmax.MAX_DEPTH} are supported")
    try:
        exponentials = softmax.exponentials(x.scales[0], op.options["beta"])
    except ValueError as error:
        refuse(graph, op, f"'{x.name}': {error}")
    lowering.emit(
        Softmax(
            reads=(lowering.read(op.inputs[0]),),
            writes=lowering.write(op.outputs[0]),
            name=lowering.name(op, "softmax"),
            op=op,
            exponentials=exponentials,
            rows=x.size // x.shape[-1],
            depth=x.shape[-1],
        )
    )


SOFTMAX = Operator("SOFTMAX", _lower, required_inputs=1, max_inputs=1, needs_options=True)
