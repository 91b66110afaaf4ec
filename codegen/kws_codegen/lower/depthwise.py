"""DEPTHWISE_CONV_2D: along time in one column, or in one row of columns, else over copied rows; of one channel a
convolution. What has more outputs of several channels, or skips columns and rows, is CMSIS-NN's."""

import dataclasses

import numpy as np
from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import refuse
from kws_codegen.kernels.cmsis_nn import CmsisDepthwise
from kws_codegen.kernels.conv2d import Conv2d
from kws_codegen.kernels.depthwise import Depthwise, DepthwiseInt4
from kws_codegen.kernels.depthwise2d import Depthwise2d
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.lower import weights
from kws_codegen.lower.geometry import conv_geometry
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = (checks.activation(graph, op, index) for index in (op.inputs[0], op.outputs[0]))
    values = weights.values(graph, op)
    if values.ndim != 4 or values.shape[0] != 1 or values.shape[3] != y.shape[-1] or y.shape[-1] % x.shape[-1]:
        refuse(graph, op, f"weights {list(values.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
    _, kernel_h, kernel_w, outputs = (int(n) for n in values.shape)
    g = conv_geometry(graph, op, x, y, (kernel_h, kernel_w), depth_multiplier=outputs // x.shape[-1])
    taps = values.reshape(-1, outputs)
    fields = weights.linear_fields(lowering, op, "depthwise", x, y, taps.T, taps)
    zero_point = x.zero_points[0]
    own = lowering.own_kernels and lowering.is_folded(op)
    if own and _is_along_time(g):
        kernel = DepthwiseInt4 if lowering.is_packed(op) else Depthwise
        lowering.emit(
            kernel(
                **fields,
                channels=outputs,
                taps=kernel_h,
                frames=g.frames,
                tap_stride=g.dilation_h * g.in_w * outputs,
                frame_stride=(g.stride_h if g.in_w == 1 else 1) * outputs,
            )
        )
    elif own and g.in_c == 1:
        fields["matrix"] = np.ascontiguousarray(fields["matrix"].T)
        lowering.emit(Conv2d(**fields, input_zero_point=zero_point, geometry=g))
    elif own and g.depth_multiplier == 1 and (g.dilation_w == 1 or g.kernel_h == 1 or _is_one_column(g)):
        if _is_one_column(g):
            g = _as_one_row(g)
        by_column = fields["matrix"].reshape(g.kernel_h, g.kernel_w, outputs).transpose(1, 0, 2)
        fields["matrix"] = np.ascontiguousarray(by_column)
        lowering.emit(Depthwise2d(**fields, input_zero_point=zero_point, geometry=g))
    else:
        lowering.emit(CmsisDepthwise(**fields, input_zero_point=zero_point, geometry=g))


def _is_along_time(g: ConvGeometry) -> bool:
    """Whether output frame f starts f * frame_stride elements behind the first, and its taps tap_stride apart."""
    one_row = g.kernel_w == 1 and g.stride_w == 1 and (g.out_h == 1 or g.stride_h == 1)
    return (g.in_w == 1 or one_row) and g.kernel_w == 1 and g.depth_multiplier == 1 and not g.padded_h


def _is_one_column(g: ConvGeometry) -> bool:
    return g.in_w == g.out_w == g.kernel_w == 1


def _as_one_row(g: ConvGeometry) -> ConvGeometry:
    """One column of rows as one row of columns: the kernel computes a whole row of outputs at once."""
    changes = {
        to + of: getattr(g, to + other)
        for to in ("in", "kernel", "out", "stride", "pad", "dilation")
        for of, other in (("_h", "_w"), ("_w", "_h"))
    }
    return dataclasses.replace(g, **changes)


DEPTHWISE_CONV_2D = Operator("DEPTHWISE_CONV_2D", _lower, required_inputs=2, needs_options=True)
