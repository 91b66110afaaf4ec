"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape. They cost nothing where they may stay views."""

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import INT8_OR_INT16, check_same_quantization, refuse
from kws_codegen.kernels.copy import Copy
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    source = checks.variable(graph, op, op.inputs[0], INT8_OR_INT16)
    target = checks.variable(graph, op, op.outputs[0], INT8_OR_INT16)
    if source.size != target.size:
        refuse(graph, op, f"{list(source.shape)} cannot become {list(target.shape)}")
    check_same_quantization(graph, op, source, target)
    if not lowering.lies_in(target.index, source.index):
        read, write = lowering.read(source.index), lowering.write(target.index)
        name, size = lowering.name(op, "copy"), source.stored_bytes
        lowering.emit(Copy(name=name, op=op, reads=(read,), writes=write, bytes=size))


RESHAPE = Operator("RESHAPE", _lower, required_inputs=1)
SQUEEZE = Operator("SQUEEZE", _lower, required_inputs=1)
EXPAND_DIMS = Operator("EXPAND_DIMS", _lower, required_inputs=1)
