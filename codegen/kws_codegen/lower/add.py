"""ADD and SUB."""

from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import output_range, refuse
from kws_codegen.kernels.add import Add, AddOperand
from kws_codegen.kernels.elementwise import Difference, Sum
from kws_codegen.kernels.output_range import OutputRange
from kws_codegen.lower import broadcast
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower_add(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    a, b = broadcast.operands(graph, op)
    y = checks.variable(graph, op, op.outputs[0])
    total = Sum(*sum_fields(graph, op, a, b, y))
    if a.data is not None or b.data is not None or not a.shape == b.shape == y.shape:
        broadcast.emit(lowering, op, "add", total)
        return
    lowering.emit(
        Add(
            reads=tuple(lowering.read(index) for index in op.inputs),
            writes=lowering.write(op.outputs[0]),
            name=lowering.name(op, "add"),
            op=op,
            a=total.a,
            b=total.b,
            multiplier=total.multiplier,
            right_shift=total.right_shift,
            range=total.range,
            count=y.size,
        )
    )


def _lower_sub(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    a, b = broadcast.operands(graph, op)
    y = checks.variable(graph, op, op.outputs[0])
    broadcast.emit(lowering, op, "sub", Difference(*sum_fields(graph, op, a, b, y)))


def sum_fields(
    graph: Graph, op: Op, a: Tensor, b: Tensor, y: Tensor, left_shift: int = fixed_point.ADD_LEFT_SHIFT
) -> tuple[AddOperand, AddOperand, int, int, OutputRange]:
    """The fields of `Sum`, and of `Difference`; `left_shift`: extra bits of the operands.

    Raises:
      KwsError: the scales are too far apart, or the activation is unknown.
    """
    multipliers = fixed_point.add_multipliers(a.scales[0], b.scales[0], y.scales[0], left_shift)
    scaled = []
    for tensor, (multiplier, shift) in zip((a, b), multipliers.operands, strict=True):
        if not -31 <= shift <= 0:
            refuse(graph, op, f"the scales {a.scales[0]:.9g} and {b.scales[0]:.9g} are too far apart")
        scaled.append(AddOperand(tensor.zero_points[0], multiplier, -shift))
    multiplier, shift = multipliers.total
    if not -31 <= shift <= -1:
        larger = max(a.scales[0], b.scales[0])
        refuse(graph, op, f"output scale {y.scales[0]:.9g} is too far from the operands' {larger:.9g}")
    return scaled[0], scaled[1], multiplier, -shift, output_range(graph, op, y)


ADD = Operator("ADD", _lower_add, required_inputs=2, max_inputs=2)
SUB = Operator("SUB", _lower_sub, required_inputs=2, max_inputs=2)
