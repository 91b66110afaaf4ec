"""PAD, PADV2, SPLIT, SPLIT_V, TRANSPOSE, and CONCATENATION, SLICE and STRIDED_SLICE that belong to no state: copies."""

from collections.abc import Sequence

from kws_reference.tflite.graph import Graph, Op, Tensor

from kws_codegen import checks
from kws_codegen.checks import INT8_OR_INT16, check_same_quantization, refuse
from kws_codegen.kernels.axes import contiguous, filled_up, merged
from kws_codegen.kernels.move import AXES, Fill, Move
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operator import Operator
from kws_codegen.lower.slices import Kept, integers, slice_bounds, strided_slice_bounds


def concatenate(lowering: Lowering, op: Op) -> None:
    """Lowers a CONCATENATION of activations on any axis."""
    graph = lowering.graph
    parts, y = [_source(graph, op, index) for index in op.inputs], _target(graph, op)
    if op.options.get("activation", "NONE") != "NONE":
        refuse(graph, op, f"fused activation {op.options['activation']} is not supported")
    axis = _axis(graph, op, op.options["axis"], len(y.shape))
    for part in parts:
        if len(part.shape) != len(y.shape) or _with(part.shape, axis, 0) != _with(y.shape, axis, 0):
            refuse(graph, op, f"'{part.name}' {list(part.shape)} does not fit {list(y.shape)} on axis {axis}")
    total = sum(part.shape[axis] for part in parts)
    if total != y.shape[axis]:
        refuse(graph, op, f"its inputs have {total} on axis {axis}, the output has {list(y.shape)}")
    strides, first = contiguous(y.shape), 0
    for part in parts:
        offset = first * strides[axis]
        first += part.shape[axis]
        if lowering.lies_in(part.index, y.index, offset):
            continue
        _emit(lowering, op, "concat", part, y, part.shape, contiguous(part.shape), strides, target=offset)


def cut(lowering: Lowering, op: Op) -> None:
    """Lowers a SLICE or STRIDED_SLICE of an activation."""
    graph = lowering.graph
    x = _source(graph, op, op.inputs[0])
    bounds = slice_bounds if op.kind == "SLICE" else strided_slice_bounds
    _keep(lowering, op, "slice", x, _target(graph, op), bounds(graph, op, x.shape))


def _lower_split(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x = _source(graph, op, op.inputs[1])
    (axis,) = integers(graph, op, 0, "the axis")
    axis = _axis(graph, op, axis, len(x.shape))
    parts = len(op.outputs)
    if op.options["splits"] != parts or x.shape[axis] % parts:
        refuse(graph, op, f"{list(x.shape)} cannot be split into {parts} equal parts on axis {axis}")
    _part(lowering, op, x, axis, [x.shape[axis] // parts] * parts)


def _lower_split_v(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x = _source(graph, op, op.inputs[0])
    sizes, (axis,) = integers(graph, op, 1, "sizes"), integers(graph, op, 2, "the axis")
    axis = _axis(graph, op, axis, len(x.shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = x.shape[axis] - sum(sizes) - 1
    if len(sizes) != len(op.outputs) or min(sizes) < 1 or sum(sizes) != x.shape[axis]:
        refuse(graph, op, f"{list(x.shape)} cannot be split into {sizes} on axis {axis}")
    _part(lowering, op, x, axis, sizes)


def _part(lowering: Lowering, op: Op, x: Tensor, axis: int, sizes: list[int]) -> None:
    first = 0
    for index, size in zip(op.outputs, sizes, strict=True):
        kept = [Kept(0, n, 1) for n in x.shape]
        kept[axis] = Kept(first, size, 1)
        _keep(lowering, op, "split", x, checks.variable(lowering.graph, op, index, INT8_OR_INT16), kept)
        first += size


def _lower_transpose(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = _source(graph, op, op.inputs[0]), _target(graph, op)
    order = integers(graph, op, 1, "the order")
    rank = len(x.shape)
    order = [axis + rank if axis < 0 else axis for axis in order]
    if sorted(order) != list(range(rank)) or tuple(x.shape[axis] for axis in order) != y.shape:
        refuse(graph, op, f"{list(x.shape)} in the order {order} does not give {list(y.shape)}")
    strides = contiguous(x.shape)
    _emit(lowering, op, "transpose", x, y, y.shape, [strides[axis] for axis in order], contiguous(y.shape))


def _lower_pad(lowering: Lowering, op: Op) -> None:
    graph = lowering.graph
    x, y = _source(graph, op, op.inputs[0]), _target(graph, op)
    flat = integers(graph, op, 1, "paddings")
    before, behind = flat[0::2], flat[1::2]
    sizes = tuple(b + n + e for b, n, e in zip(before, x.shape, behind, strict=True))
    if min(flat) < 0 or sizes != y.shape:
        refuse(graph, op, f"{list(x.shape)} with {before} before and {behind} behind does not give {list(y.shape)}")
    strides = contiguous(y.shape)
    offset = sum(b * stride for b, stride in zip(before, strides, strict=True))
    fill = Fill(_padding_value(graph, op, y), y.stored_bytes)
    _emit(lowering, op, "pad", x, y, x.shape, contiguous(x.shape), strides, target=offset, fill=fill)


def _padding_value(graph: Graph, op: Op, y: Tensor) -> int:
    """Real zero, or the value that a PADV2 names."""
    if len(op.inputs) < 3:
        return y.zero_points[0]
    tensor = checks.operand(graph, op, op.inputs[2], INT8_OR_INT16)
    check_same_quantization(graph, op, tensor, y)
    values = checks.constant(graph, op, op.inputs[2], INT8_OR_INT16, "padding values").reshape(-1)
    if values.size != 1:
        refuse(graph, op, f"'{tensor.name}' has {values.size} values, 1 is needed")
    if tensor.dtype == "INT16" and values[0] != 0:
        refuse(graph, op, f"INT16 is padded with 0 only, not with {values[0]}")
    return int(values[0])


def _keep(lowering: Lowering, op: Op, what: str, x: Tensor, y: Tensor, kept: list[Kept]) -> None:
    """Copies what is kept of `x` to `y`, which may lack dimensions of one element."""
    counts = tuple(k.count for k in kept)
    if [n for n in counts if n > 1] != [n for n in y.shape if n > 1]:
        refuse(lowering.graph, op, f"it keeps {list(counts)} of {list(x.shape)}, '{y.name}' has {list(y.shape)}")
    strides = contiguous(x.shape)
    offset = sum(k.first * stride for k, stride in zip(kept, strides, strict=True))
    if lowering.lies_in(y.index, x.index, offset):
        return
    steps = [k.stride * stride for k, stride in zip(kept, strides, strict=True)]
    _emit(lowering, op, what, x, y, counts, steps, contiguous(counts), source=offset)


def _emit(
    lowering: Lowering,
    op: Op,
    what: str,
    x: Tensor,
    y: Tensor,
    counts: Sequence[int],
    source_strides: Sequence[int],
    target_strides: Sequence[int],
    *,
    source: int = 0,
    target: int = 0,
    fill: Fill | None = None,
) -> None:
    """Copies from `x` to `y`; `source` and `target` are the first elements. What is copied are bytes."""
    check_same_quantization(lowering.graph, op, x, y)
    width = x.element_bytes
    steps = [[width * stride for stride in strides] + [1] for strides in (source_strides, target_strides)]
    try:
        axes = filled_up(merged([*counts, width], *steps), AXES, operands=2)
    except ValueError as error:
        refuse(lowering.graph, op, str(error))
    lowering.emit(
        Move(
            reads=(lowering.read(x.index),),
            writes=lowering.write(y.index),
            name=lowering.name(op, what),
            op=op,
            axes=axes,
            source_offset=width * source,
            target_offset=width * target,
            fill=fill,
        )
    )


def _source(graph: Graph, op: Op, index: int) -> Tensor:
    return checks.variable(graph, op, index, INT8_OR_INT16)


def _target(graph: Graph, op: Op) -> Tensor:
    return checks.variable(graph, op, op.outputs[0], INT8_OR_INT16)


def _axis(graph: Graph, op: Op, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        refuse(graph, op, f"axis {axis} is none of {rank} dimensions")
    return axis % rank


def _with(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


PAD = Operator("PAD", _lower_pad, required_inputs=2, max_inputs=2)
PADV2 = Operator("PADV2", _lower_pad, required_inputs=3, max_inputs=3)
SPLIT = Operator("SPLIT", _lower_split, required_inputs=2, max_inputs=2, needs_options=True)
SPLIT_V = Operator("SPLIT_V", _lower_split_v, required_inputs=3, max_inputs=3, needs_options=True)
TRANSPOSE = Operator("TRANSPOSE", _lower_transpose, required_inputs=2, max_inputs=2)
