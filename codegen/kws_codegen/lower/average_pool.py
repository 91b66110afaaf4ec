"""AVERAGE_POOL_2D: of a state that is kept as a ring, of whole rows, or of any rows and columns."""

from kws_reference.tflite.graph import Op

from kws_codegen.kernels.average_pool import AverageOfRing, AveragePool
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.pool2d import AveragePool2d
from kws_codegen.lower.geometry import pool_geometry
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


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
    if not _is_over_whole_rows(g):
        lowering.emit(AveragePool2d(name=name, op=op, reads=reads, writes=writes, range=out_range, geometry=g))
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
