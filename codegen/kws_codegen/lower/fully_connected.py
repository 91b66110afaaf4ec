"""FULLY_CONNECTED: dot products with whole frames."""

from kws_reference.tflite.graph import Op

from kws_codegen import checks
from kws_codegen.checks import refuse
from kws_codegen.kernels.cmsis_nn import CmsisConvolve, CmsisFullyConnected
from kws_codegen.kernels.geometry import ConvGeometry
from kws_codegen.kernels.pointwise import Pointwise, PointwiseInt4
from kws_codegen.lower import weights
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index) for index in (op.inputs[0], op.outputs[0]))
    if op.options.get("weights_format", 0) != 0:
        refuse(graph, op, f"weights format {op.options['weights_format']} is not supported, only the default")
    rows = weights.values(graph, op)
    if rows.ndim != 2 or x.size % rows.shape[1] or y.size != x.size // rows.shape[1] * rows.shape[0]:
        refuse(graph, op, f"weights {list(rows.shape)} do not fit {list(x.shape)} -> {list(y.shape)}")
    outputs, inputs = (int(n) for n in rows.shape)
    frames = x.size // inputs
    fields = weights.linear_fields(lowering, op, "dense", x, y, rows, rows)
    per_tensor = weights.are_per_tensor(graph, op)
    if lowering.is_folded(op) and (lowering.own_kernels or not per_tensor):
        # CMSIS-NN's kernel of dense layers has one factor for all outputs.
        kernel = PointwiseInt4 if lowering.is_packed(op) else Pointwise
        lowering.emit(kernel(**fields, inputs=inputs, outputs=outputs, frames=frames, input_stride=inputs))
    elif not per_tensor:
        geometry = ConvGeometry.pointwise(frames, inputs, outputs)
        lowering.emit(CmsisConvolve(**fields, input_zero_point=x.zero_points[0], geometry=geometry))
    else:
        zero_point = x.zero_points[0]
        lowering.emit(
            CmsisFullyConnected(**fields, input_zero_point=zero_point, inputs=inputs, outputs=outputs, frames=frames)
        )


FULLY_CONNECTED = Operator("FULLY_CONNECTED", _lower, required_inputs=2)
