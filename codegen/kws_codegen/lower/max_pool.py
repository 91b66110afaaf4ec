"""MAX_POOL_2D over any rows and columns."""

import dataclasses

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.kernels.pool2d import MaxPool2d
from kws_codegen.lower.geometry import pool_geometry
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    geometry, out_range = pool_geometry(lowering.graph, op)
    reads, writes = (lowering.read(op.inputs[0]),), lowering.write(op.outputs[0])
    name = lowering.name(op, "max")
    wide = checks.is_int16(lowering.graph, op.inputs[0])
    pool = MaxPool2d(name=name, op=op, reads=reads, writes=writes, range=out_range, geometry=geometry)
    lowering.emit(dataclasses.replace(pool, reads_int16=wide, writes_int16=wide))


MAX_POOL_2D = Operator("MAX_POOL_2D", _lower, required_inputs=1, needs_options=True)
