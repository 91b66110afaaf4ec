"""ADD of two activations of the same shape."""

from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import output_range, refuse
from kws_codegen.kernels.add import Add, AddOperand
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    a, b = _operands(graph, op)
    y = checks.activation(graph, op, op.outputs[0])
    for tensor in (a, b):
        if tensor.shape != y.shape:
            refuse(graph, op, f"operand '{tensor.name}' {list(tensor.shape)} is broadcast to {list(y.shape)}")
    multipliers = fixed_point.add_multipliers(a.scales[0], b.scales[0], y.scales[0])
    scaled = []
    for tensor, (multiplier, shift) in zip((a, b), multipliers.operands, strict=True):
        if not -31 <= shift <= 0:
            refuse(graph, op, f"the scales {a.scales[0]:.9g} and {b.scales[0]:.9g} are too far apart")
        scaled.append(AddOperand(tensor.zero_points[0], multiplier, -shift))
    multiplier, shift = multipliers.total
    if not -31 <= shift <= -1:
        larger = max(a.scales[0], b.scales[0])
        refuse(graph, op, f"output scale {y.scales[0]:.9g} is too far from the operands' {larger:.9g}")
    lowering.emit(
        Add(
            reads=tuple(lowering.read(index) for index in op.inputs),
            writes=lowering.write(op.outputs[0]),
            name=lowering.name(op, "add"),
            op=op,
            a=scaled[0],
            b=scaled[1],
            multiplier=multiplier,
            right_shift=-shift,
            range=output_range(graph, op, y),
            count=y.size,
        )
    )


def _operands(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    for index in op.inputs:
        if graph.tensors[index].data is not None:
            name = graph.tensors[index].name
            refuse(graph, op, f"operand '{name}' is constant, only activations can be added")
    a, b = (checks.activation(graph, op, index) for index in op.inputs)
    return a, b


ADD = Operator("ADD", _lower, required_inputs=2, max_inputs=2)
