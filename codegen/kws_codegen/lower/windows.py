"""CONCATENATION, SLICE and STRIDED_SLICE: a state joined with its new rows, and cut to its last rows again.

The windows of the firmware keep the rows where both need them, so that neither costs anything, unless the new rows have
a place elsewhere: then they are copied.
"""

from kws_reference.tflite.graph import Op

from kws_codegen.buffers import Window
from kws_codegen.checks import refuse
from kws_codegen.kernels.copy import Copy
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator
from kws_codegen.places import NewRows

_NO_STATE = "it joins or cuts no state of the manifest; a state pair may be missing"


def _join(lowering: Lowering, op: Op) -> None:
    state = lowering.joined_state(op)
    if state is None:
        refuse(lowering.graph, op, _NO_STATE)
    fresh, buffer = state
    lowering.enter_block(op, buffer)
    if not isinstance(buffer, Window):
        return  # the kernel that reads the ring adds the rows
    source, target = lowering.read(fresh), NewRows(buffer.index)
    if source != target:
        count = buffer.new_rows * buffer.row_bytes
        lowering.emit(Copy(name=f"{buffer.name}.rows", op=op, reads=(source,), writes=target, bytes=count))


def _cut(lowering: Lowering, op: Op) -> None:
    if not lowering.cuts_state(op) and not lowering.is_view(op.outputs[0], op.inputs[0]):
        refuse(lowering.graph, op, _NO_STATE)


CONCATENATION = Operator("CONCATENATION", _join, required_inputs=2, needs_options=True)
SLICE = Operator("SLICE", _cut, required_inputs=3)
STRIDED_SLICE = Operator("STRIDED_SLICE", _cut, required_inputs=4, needs_options=True)
