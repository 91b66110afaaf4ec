"""AVERAGE_POOL_2D over whole rows of one column: of an activation, or of a state that is kept as a ring."""

from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import check_rank, output_range, refuse, same_quantization
from kws_codegen.kernels.average_pool import AverageOfRing, AveragePool
from kws_codegen.lower.geometry import padding
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph, options = lowering.graph, op.options
    x, y = (checks.activation(graph, op, index) for index in (op.inputs[0], op.outputs[0]))
    _check(graph, op, x, y)
    out_range = output_range(graph, op, y)
    name = lowering.name(op, "average")
    ring = lowering.ring_of(op.inputs[0])
    if ring is not None:
        fresh, buffer = ring
        reads, writes = (lowering.read(fresh),), lowering.write(op.outputs[0])
        lowering.emit(AverageOfRing(name=name, op=op, reads=reads, writes=writes, range=out_range, ring=buffer))
        return
    lowering.emit(
        AveragePool(
            name=name,
            op=op,
            reads=(lowering.read(op.inputs[0]),),
            writes=lowering.write(op.outputs[0]),
            range=out_range,
            channels=x.shape[3],
            rows=options["filter_h"],
            frames=y.shape[1],
            frame_stride=options["stride_h"] * x.shape[3],
        )
    )


def _check(graph: Graph, op: Op, x: Tensor, y: Tensor) -> None:
    if not same_quantization(x, y):
        refuse(graph, op, f"'{x.name}' and '{y.name}' must share scale and zero point")
    for tensor in (x, y):
        check_rank(graph, op, tensor, 4)
    o = op.options
    if min(o["filter_h"], o["filter_w"], o["stride_h"], o["stride_w"]) < 1:
        refuse(graph, op, "windows and strides must be at least 1")
    pad = [
        padding(graph, op, x.shape[1 + i], o[f"filter_{axis}"], o[f"stride_{axis}"], 1, y.shape[1 + i])
        for i, axis in enumerate("hw")
    ]
    covered = (y.shape[1] - 1) * o["stride_h"] + o["filter_h"]
    if any(pad) or covered > x.shape[1] or x.shape[2] != 1 or o["filter_w"] != 1 or y.shape[3] != x.shape[3]:
        refuse(
            graph,
            op,
            f"only averages over whole rows of one column without padding are supported, this is "
            f"{o['filter_h']}x{o['filter_w']} over {list(x.shape)} with {o['padding']} padding",
        )


AVERAGE_POOL_2D = Operator("AVERAGE_POOL_2D", _lower, required_inputs=1, needs_options=True)
