"""REDUCE_MAX over dimensions that are neighbours: a pool whose filter is all of them."""

import math

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import check_same_quantization, output_range, refuse
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.pool2d import MaxPool2d
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator
from kws_codegen.lower.reduce import reduced_dimensions


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index) for index in (op.inputs[0], op.outputs[0]))
    check_same_quantization(graph, op, x, y)
    reduced = sorted(reduced_dimensions(graph, op, x, y))
    if not reduced or reduced != list(range(reduced[0], reduced[-1] + 1)):
        refuse(graph, op, f"dimensions {reduced} of {list(x.shape)} are not neighbours")
    before, count, behind = (
        math.prod(part)
        for part in (x.shape[: reduced[0]], x.shape[reduced[0] : reduced[-1] + 1], x.shape[reduced[-1] + 1 :])
    )
    lowering.emit(
        MaxPool2d(
            reads=(lowering.read(op.inputs[0]),),
            writes=lowering.write(op.outputs[0]),
            name=lowering.name(op, "max"),
            op=op,
            range=output_range(graph, op, y),
            geometry=ConvGeometry(
                in_h=before * count,
                in_w=1,
                in_c=behind,
                kernel_h=count,
                kernel_w=1,
                out_h=before,
                out_w=1,
                out_c=behind,
                stride_h=count,
                stride_w=1,
                pad_h=0,
                pad_w=0,
                dilation_h=1,
                dilation_w=1,
                depth_multiplier=1,
            ),
        )
    )


REDUCE_MAX = Operator("REDUCE_MAX", _lower, required_inputs=2, max_inputs=2, needs_options=True)
