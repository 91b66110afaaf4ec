"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape. They cost nothing where they may stay views."""

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import refuse, same_quantization
from kws_codegen.kernels.copy import Copy
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    source = checks.activation(graph, op, op.inputs[0])
    target = checks.activation(graph, op, op.outputs[0])
    if source.size != target.size:
        refuse(graph, op, f"{list(source.shape)} cannot become {list(target.shape)}")
    if not same_quantization(source, target):
        refuse(graph, op, f"'{source.name}' and '{target.name}' must share scale and zero point")
    if not lowering.is_view(target.index, source.index):
        read, write = lowering.read(source.index), lowering.write(target.index)
        lowering.emit(Copy(name=lowering.name(op, "copy"), op=op, reads=(read,), writes=write, bytes=source.size))


RESHAPE = Operator("RESHAPE", _lower, required_inputs=1)
SQUEEZE = Operator("SQUEEZE", _lower, required_inputs=1)
EXPAND_DIMS = Operator("EXPAND_DIMS", _lower, required_inputs=1)
