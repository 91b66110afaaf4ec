"""MEAN and SUM over any dimensions."""

from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import INT8_OR_INT16, output_range, refuse
from kws_codegen.kernels.axes import Axis, contiguous, filled_up, merged
from kws_codegen.kernels.factor import Factor
from kws_codegen.kernels.reduce import AXES, Reduce
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator
from kws_codegen.lower.slices import integers


def _lower(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = (checks.variable(graph, op, index, INT8_OR_INT16) for index in (op.inputs[0], op.outputs[0]))
    if x.dtype != y.dtype:
        refuse(graph, op, f"'{x.name}' is {x.dtype} and '{y.name}' {y.dtype}, they must have one type")
    reduced = reduced_dimensions(graph, op, x, y)
    kept_axes, reduced_axes = (
        _axes(graph, op, [1 if (axis in reduced) != wanted else n for axis, n in enumerate(x.shape)], x)
        for wanted in (False, True)
    )
    count, largest, wide = x.size // y.size, 2 ** (8 * x.element_bytes) - 1, x.dtype == "INT16"
    if count > (2**15 if wide else 2**22):
        refuse(graph, op, f"sums of {count} elements do not fit into 32 bits")
    if op.kind == "MEAN":
        multiplier, shift = fixed_point.mean_multiplier(x.scales[0], y.scales[0], count)
    else:
        multiplier, shift = fixed_point.quantize_multiplier(x.scales[0] / y.scales[0])
    if shift + (largest * count).bit_length() > 31:
        refuse(graph, op, f"the scales {x.scales[0]:.9g} and {y.scales[0]:.9g} are too far apart")
    lowering.emit(
        Reduce(
            reads=(lowering.read(op.inputs[0]),),
            writes=lowering.write(op.outputs[0]),
            reads_int16=wide,
            writes_int16=wide,
            name=lowering.name(op, op.kind.lower()),
            op=op,
            kept=kept_axes,
            reduced=reduced_axes,
            offset=-x.zero_points[0] * count,
            factor=Factor(multiplier, shift),
            range=output_range(graph, op, y),
        )
    )


def reduced_dimensions(graph: Graph, op: Op, x: Tensor, y: Tensor) -> set[int]:
    """The dimensions that an operator reduces.

    Raises:
      KwsError: they are not constant, not those of the input, or leave another shape than the output's.
    """
    rank = len(x.shape)
    named = integers(graph, op, 1, "axes")
    if not all(-rank <= axis < rank for axis in named):
        refuse(graph, op, f"axes {named} are not those of {list(x.shape)}")
    reduced = {axis % rank for axis in named}
    keep = op.options["keep_dims"]
    left = tuple(1 if axis in reduced else n for axis, n in enumerate(x.shape) if keep or axis not in reduced)
    if left != y.shape:
        refuse(graph, op, f"{list(x.shape)} over the axes {named} gives {list(left)}, the output says {list(y.shape)}")
    return reduced


def _axes(graph: Graph, op: Op, counts: list[int], x: Tensor) -> tuple[Axis, ...]:
    try:
        return filled_up(merged(counts, contiguous(x.shape)), AXES, operands=1)
    except ValueError as error:
        refuse(graph, op, str(error))


MEAN = Operator("MEAN", _lower, required_inputs=2, max_inputs=2, needs_options=True)
SUM = Operator("SUM", _lower, required_inputs=2, max_inputs=2, needs_options=True)
