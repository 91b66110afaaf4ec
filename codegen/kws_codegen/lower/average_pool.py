"""AVERAGE_POOL_2D: of a state that is kept as a ring, of whole rows, or of any rows and columns."""

import dataclasses

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import refuse
from kws_codegen.kernels.average_pool import AverageOfRing, AveragePool
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.pool2d import AveragePool2d
from kws_codegen.lower.geometry import pool_geometry
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator

_MOST_INT16 = 2**15
"""Elements whose sum fits into 32 bits, half of their number added."""


def _lower(lowering: Lowering, op: Op) -> None:
    g, out_range = pool_geometry(lowering.graph, op)
    name = lowering.name(op, "average")
    ring = lowering.ring_of(op.inputs[0])
    if ring is not None:
        fresh, buffer = ring
        reads, writes = (lowering.read(fresh),), lowering.write(op.outputs[0])
        lowering.emit(AverageOfRing(name=name, op=op, reads=reads, writes=writes, range=out_range, ring=buffer))
        return
    reads, writes = (lowering.read(op.inputs[0]),), lowering.write(op.outputs[0])
    wide = checks.is_int16(lowering.graph, op.inputs[0])
    if wide and g.taps > _MOST_INT16:
        refuse(lowering.graph, op, f"sums of {g.taps} elements of INT16 do not fit into 32 bits")
    if wide or not _is_over_whole_rows(g):
        pool = AveragePool2d(name=name, op=op, reads=reads, writes=writes, range=out_range, geometry=g)
        lowering.emit(dataclasses.replace(pool, reads_int16=wide, writes_int16=wide))
        return
    lowering.emit(
        AveragePool(
            name=name,
            op=op,
            reads=reads,
            writes=writes,
            range=out_range,
            channels=g.in_c,
            rows=g.kernel_h * g.in_w,
            frames=g.out_h,
            frame_stride=g.stride_h * g.in_w * g.in_c,
        )
    )


def _is_over_whole_rows(g: ConvGeometry) -> bool:
    return g.in_w == g.kernel_w and g.out_w == 1 and not g.padded_h and not g.padded_w


AVERAGE_POOL_2D = Operator("AVERAGE_POOL_2D", _lower, required_inputs=1, needs_options=True)
