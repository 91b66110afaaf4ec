"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape. They cost nothing: `Layout` follows them."""

from kws_reference.tflite.graph import Graph, Op

from kws_codegen import checks
from kws_codegen.checks import check_same_quantization, refuse
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    source = checks.variable(graph, op, op.inputs[0])
    target = checks.variable(graph, op, op.outputs[0])
    if source.size != target.size:
        refuse(graph, op, f"{list(source.shape)} cannot become {list(target.shape)}")
    check_same_quantization(graph, op, source, target)


RESHAPE = Operator("RESHAPE", _lower, required_inputs=1)
SQUEEZE = Operator("SQUEEZE", _lower, required_inputs=1)
EXPAND_DIMS = Operator("EXPAND_DIMS", _lower, required_inputs=1)

_KINDS = {RESHAPE.kind, SQUEEZE.kind, EXPAND_DIMS.kind}


def views_of(graph: Graph) -> dict[int, int]:
    """Tensor index of each view -> tensor index of what it views."""
    return {op.outputs[0]: op.inputs[0] for op in graph.ops if op.kind in _KINDS}
