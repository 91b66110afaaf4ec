"""MAX_POOL_2D over any rows and columns."""

from kws_reference.tflite.graph import Op

from kws_codegen.kernels.pool2d import MaxPool2d
from kws_codegen.lower.geometry import pool_geometry
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    geometry, out_range = pool_geometry(lowering.graph, op)
    reads, writes = (lowering.read(op.inputs[0]),), lowering.write(op.outputs[0])
    name = lowering.name(op, "max")
    lowering.emit(MaxPool2d(name=name, op=op, reads=reads, writes=writes, range=out_range, geometry=geometry))


MAX_POOL_2D = Operator("MAX_POOL_2D", _lower, required_inputs=1, needs_options=True)
