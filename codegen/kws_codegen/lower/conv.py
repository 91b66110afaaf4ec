"""CONV_2D: dot products with whole frames where the kernel covers whole rows without padding, else with copies of what
it covers. Groups of channels have a kernel of their own."""

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import refuse
from kws_codegen.kernels.cmsis_nn import CmsisConvolve
from kws_codegen.kernels.conv2d import Conv2d
from kws_codegen.kernels.grouped_conv import GroupedConv
from kws_codegen.kernels.pointwise import Pointwise, PointwiseInt4
from kws_codegen.lower import weights
from kws_codegen.lower.geometry import conv_geometry
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = (checks.activation(graph, op, index) for index in (op.inputs[0], op.outputs[0]))
    values = weights.values(graph, op)
    if values.ndim != 4 or values.shape[0] != y.shape[-1] or x.shape[-1] % values.shape[3]:
        refuse(graph, op, f"weights {list(values.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
    outputs, kernel_h, kernel_w, group_inputs = (int(n) for n in values.shape)
    groups = x.shape[-1] // group_inputs
    if outputs % groups:
        refuse(graph, op, f"{outputs} outputs cannot be shared by {groups} groups of {group_inputs} channels")
    g = conv_geometry(graph, op, x, y, (kernel_h, kernel_w))
    rows = values.reshape(outputs, -1)
    what = "grouped" if groups > 1 else "pointwise" if g.taps == 1 else "convolution"
    fields = weights.linear_fields(lowering, op, what, x, y, rows, rows)
    zero_point = x.zero_points[0]
    if groups > 1:
        lowering.emit(GroupedConv(**fields, input_zero_point=zero_point, geometry=g, groups=groups))
    elif lowering.own_kernels and lowering.is_folded(op) and g.reads_one_piece:
        kernel = PointwiseInt4 if lowering.is_packed(op) else Pointwise
        stride = g.stride_h * g.in_c
        lowering.emit(kernel(**fields, inputs=rows.shape[1], outputs=outputs, frames=g.frames, input_stride=stride))
    elif lowering.own_kernels and lowering.is_folded(op):
        lowering.emit(Conv2d(**fields, input_zero_point=zero_point, geometry=g))
    else:
        lowering.emit(CmsisConvolve(**fields, input_zero_point=zero_point, geometry=g))


CONV_2D = Operator("CONV_2D", _lower, required_inputs=2, needs_options=True)
