"""What TensorFlow's operations do to the axes of a tensor: whether frames, or the clips of a batch, stay apart.

An axis is a product of factors, the slowest first: ``(("batch", 3), ("time", 98))`` are the rows of a matrix that
holds the frames of three clips one after the other. A rule takes the axes of an operation's inputs (None for an input
that does not depend on the frames) and gives those of its outputs, or raises `Mixes`. An operation without a rule is
`Unproven`.
"""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

BATCH, TIME, OTHER = "batch", "time", "other"
Axis = tuple[tuple[str, int], ...]
Axes = tuple[Axis, ...]
Known = list[Axes | None]
Value = Callable[[tf.Tensor], np.ndarray | None]
Rule = Callable[[tf.Operation, Known, Value], Known]


class Unproven(Exception):
    """Nothing is known of an operation."""


class Mixes(Unproven):
    """An operation lets one frame, or its place in the clip, reach another."""


def other(size: int) -> Axis:
    """An axis of a frame's own values."""
    return () if size == 1 else ((OTHER, size),)


def marked(axis: Axis) -> bool:
    """Whether frames or clips lie along it."""
    return any(label != OTHER for label, _ in axis)


def extent(axis: Axis) -> int:
    """Its length."""
    return math.prod(size for _, size in axis)


def _keep_apart(op: tf.Operation, axes: Axes, which: Any) -> None:
    for axis in which:
        if marked(axes[axis]):
            labels = [label for label, _ in axes[axis] if label != OTHER]
            raise Mixes(f"its {op.type} goes over " + " and ".join("the batch" if n == BATCH else n for n in labels))


def _fixed(op: tf.Operation, known: Known, first: int) -> None:
    if any(axes is not None for axes in known[first:]):
        raise Unproven(f"an argument of its {op.type} depends on the frames")


def _number(op: tf.Operation, value: Value, tensor: tf.Tensor) -> list[int]:
    found = value(tensor)
    if found is None:
        raise Unproven(f"an argument of its {op.type} is computed")
    return [int(number) for number in np.ravel(found)]


def _uniform(op: tf.Operation, value: Value, tensor: tf.Tensor, from_right: int) -> None:
    """Refuses a constant with other values for other frames."""
    shape = tuple(tensor.shape)
    if from_right > len(shape) or shape[-from_right] == 1:
        return
    found = value(tensor)
    if found is None or not np.array_equal(found, np.broadcast_to(np.take(found, [0], -from_right), found.shape)):
        raise Mixes(
            f"its {op.type} takes a constant {shape} with other values for each frame: a stream has no first one"
        )


def _together(op: tf.Operation, known: Known, value: Value, rank: int, skip: int | None = None) -> list[Axis | None]:
    """The marked axes of operands that are aligned at their last axes; None where no frames lie along an axis."""
    result: list[Axis | None] = []
    for index in range(rank):
        from_right = rank - index
        rows = [axes[-from_right] if from_right <= len(axes) else () for axes in known if axes is not None]
        found = next((row for row in rows if marked(row)), None)
        if found is None or index == skip:
            if found is not None:
                raise Mixes(f"its {op.type} joins frames")
            result.append(None)
            continue
        if any(row != found for row in rows):
            raise Mixes(f"its {op.type} brings frames to other frames")
        for axes, tensor in zip(known, op.inputs, strict=False):
            if axes is None:
                _uniform(op, value, tensor, from_right)
        result.append(found)
    return result


def _elementwise(op: tf.Operation, known: Known, value: Value) -> Known:
    shape = op.outputs[0].shape
    rows = _together(op, known, value, len(shape))
    return [tuple(row if row is not None else other(size) for row, size in zip(rows, shape, strict=True))]


def _each(op: tf.Operation, known: Known, value: Value) -> Known:
    """Outputs are the inputs, one by one."""
    return list(known)


def _select(op: tf.Operation, known: Known, value: Value) -> Known:
    if len({len(tensor.shape) for tensor in op.inputs}) > 1:
        raise Unproven("its Select has a condition of another rank")
    return _elementwise(op, known, value)


def _last(op: tf.Operation, known: Known, value: Value) -> Known:
    """Works along the last axis."""
    _fixed(op, known, 1)
    axes = known[0]
    _keep_apart(op, axes, [-1])
    if "data_format" in op.node_def.attr and op.get_attr("data_format") not in (b"NHWC", b""):
        raise Unproven(f"its {op.type} has channels first")
    return [(*axes[:-1], other(output.shape[-1])) for output in op.outputs]


def _norm(op: tf.Operation, known: Known, value: Value) -> Known:
    if op.get_attr("is_training"):
        raise Mixes(f"its {op.type} takes the statistics of the batch")
    return [*_last(op, known, value)[:1], *[None] * (len(op.outputs) - 1)]


def _reduce(op: tf.Operation, known: Known, value: Value) -> Known:
    _fixed(op, known, 1)
    axes = known[0]
    over = {axis % len(axes) for axis in _number(op, value, op.inputs[1])} if axes else set()
    _keep_apart(op, axes, over)
    keep = "keep_dims" in op.node_def.attr and op.get_attr("keep_dims")
    return [tuple(() if i in over else axis for i, axis in enumerate(axes) if keep or i not in over)]


def _along(position: int) -> Rule:
    """Works along the axes that an input names, and keeps the shape."""

    def rule(op: tf.Operation, known: Known, value: Value) -> Known:
        _fixed(op, known, 1)
        _keep_apart(op, known[0], [axis % len(known[0]) for axis in _number(op, value, op.inputs[position])])
        return [known[0]]

    return rule


def _resized(op: tf.Operation, known: Known, value: Value) -> Known:
    """Padding, tiling, slicing of a size: what keeps an axis's length leaves it as it is."""
    _fixed(op, known, 1)
    axes, shape = known[0], op.outputs[0].shape
    _keep_apart(op, axes, [i for i, size in enumerate(shape) if extent(axes[i]) != size])
    return [tuple(axis if extent(axis) == size else other(size) for axis, size in zip(axes, shape, strict=True))]


def _broadcast_to(op: tf.Operation, known: Known, value: Value) -> Known:
    _fixed(op, known, 1)
    shape = op.outputs[0].shape
    axes = (((),) * (len(shape) - len(known[0]))) + known[0]
    return [tuple(axis if extent(axis) == size else other(size) for axis, size in zip(axes, shape, strict=True))]


def _strided_slice(op: tf.Operation, known: Known, value: Value) -> Known:
    _fixed(op, known, 1)
    axes, out = list(known[0]), []
    begin, end, strides = (_number(op, value, tensor) for tensor in op.inputs[1:])
    shape = op.outputs[0].shape
    bits = {name: op.get_attr(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    has = {name: [bool(mask >> i & 1) for i in range(len(strides))] for name, mask in bits.items()}
    position = 0
    for i, stride in enumerate(strides):
        if has["ellipsis"][i]:
            behind = sum(not new for new in has["new_axis"][i + 1 :])
            take = len(axes) - position - behind
            out += axes[position : position + take]
            position += take
        elif has["new_axis"][i]:
            out.append(())
        else:
            axis = axes[position]
            open_begin, open_end = has["begin"][i] or begin[i] == 0, has["end"][i] or end[i] == extent(axis)
            whole = not has["shrink_axis"][i] and stride == 1 and open_begin and open_end
            if not whole:
                _keep_apart(op, axes, [position])
            if not has["shrink_axis"][i]:
                out.append(axis if whole else other(shape[len(out)]))
            position += 1
    return [(*out, *axes[position:])]


def _concat(op: tf.Operation, known: Known, value: Value) -> Known:
    _fixed(op, known, len(known) - 1)
    shape = op.outputs[0].shape
    axis = _number(op, value, op.inputs[len(known) - 1])[0] % len(shape)
    rows = _together(op, known[:-1], value, len(shape), axis)
    return [tuple(row if row is not None else other(size) for row, size in zip(rows, shape, strict=True))]


def _pack(op: tf.Operation, known: Known, value: Value) -> Known:
    shape = list(op.outputs[0].shape)
    axis = op.get_attr("axis") % len(shape)
    inner = shape[:axis] + shape[axis + 1 :]
    rows = _together(op, known, value, len(inner))
    found = [row if row is not None else other(size) for row, size in zip(rows, inner, strict=True)]
    return [(*found[:axis], other(shape[axis]), *found[axis:])]


def _unpack(op: tf.Operation, known: Known, value: Value) -> Known:
    axes = known[0]
    axis = op.get_attr("axis") % len(axes)
    _keep_apart(op, axes, [axis])
    return [axes[:axis] + axes[axis + 1 :]] * len(op.outputs)


def _split(values: int, axis_at: int) -> Rule:
    def rule(op: tf.Operation, known: Known, value: Value) -> Known:
        axes = known[values]
        if axes is None or sum(item is not None for item in known) > 1:
            raise Unproven(f"an argument of its {op.type} depends on the frames")
        axis = _number(op, value, op.inputs[axis_at])[0] % len(axes)
        _keep_apart(op, axes, [axis])
        return [(*axes[:axis], other(output.shape[axis]), *axes[axis + 1 :]) for output in op.outputs]

    return rule


def _transpose(op: tf.Operation, known: Known, value: Value) -> Known:
    _fixed(op, known, 1)
    return [tuple(known[0][axis] for axis in _number(op, value, op.inputs[1]))]


def _reshape(op: tf.Operation, known: Known, value: Value) -> Known:
    """Deals all factors out again, in their order; an axis of frames is never cut."""
    _fixed(op, known, 1)
    factors: list[tuple[str, int]] = []
    for label, count in itertools.chain(*known[0]):
        if label == OTHER and factors and factors[-1][0] == OTHER:
            count *= factors.pop()[1]
        factors.append((label, count))
    out = []
    for size in op.outputs[0].shape:
        axis: list[tuple[str, int]] = []
        while size > 1:
            label, count = factors.pop(0)
            taken = size if label == OTHER and count > size else count
            if size % taken or count % taken:
                raise Mixes("its Reshape cuts frames")
            if count > taken:
                factors.insert(0, (OTHER, count // taken))
            axis.append((label, taken))
            size //= taken
        out.append(tuple(axis))
    return [tuple(out)]


def _expand(op: tf.Operation, known: Known, value: Value) -> Known:
    _fixed(op, known, 1)
    axes = list(known[0])
    axes.insert(_number(op, value, op.inputs[1])[0] % (len(axes) + 1), ())
    return [tuple(axes)]


def _squeeze(op: tf.Operation, known: Known, value: Value) -> Known:
    axes = known[0]
    gone = [axis % len(axes) for axis in op.get_attr("squeeze_dims")]
    gone = gone or [i for i, axis in enumerate(axes) if extent(axis) == 1]
    return [tuple(axis for i, axis in enumerate(axes) if i not in gone)]


def _gather(op: tf.Operation, known: Known, value: Value) -> Known:
    if op.get_attr("batch_dims"):
        raise Unproven(f"its {op.type} has batch dimensions")
    params, indices = known[0], known[1]
    shape = op.outputs[0].shape
    if op.type == "ResourceGather":
        return [(*indices, *map(other, shape[len(indices) :]))]
    _fixed(op, known, 2)
    axis = _number(op, value, op.inputs[2])[0] % len(op.inputs[0].shape)
    behind = len(op.inputs[0].shape) - axis - 1
    if params is None:
        return [(*map(other, shape[:axis]), *indices, *map(other, shape[len(shape) - behind :] if behind else []))]
    if indices is not None:
        raise Unproven("its GatherV2 chooses by the frames' values")
    _keep_apart(op, params, [axis])
    middle = shape[axis : len(shape) - behind]
    return [(*params[:axis], *map(other, middle), *params[axis + 1 :])]


def _one_hot(op: tf.Operation, known: Known, value: Value) -> Known:
    _fixed(op, known, 1)
    axis = op.get_attr("axis")
    axis = len(known[0]) if axis == -1 else axis
    return [(*known[0][:axis], other(op.outputs[0].shape[axis]), *known[0][axis:])]


def _product(op: tf.Operation, known: Known, value: Value) -> Known:
    """Matrix products: frames may be rows of one factor, or the batch of both."""
    names = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    turned = [op.get_attr(name) for name in names]
    first, second = (
        None if axes is None else (*axes[:-2], axes[-1], axes[-2]) if turn else axes
        for axes, turn in zip(known, turned, strict=True)
    )
    for axes, summed in ((first, -1), (second, -2)):
        if axes is not None:
            _keep_apart(op, axes, [summed])
    if first is not None and second is not None:
        for axes in (first, second):
            _keep_apart(op, axes, [-2, -1])
    shape = op.outputs[0].shape
    operands = [None if axes is None else (*axes[:-2], (), ()) for axes in (first, second)]
    rows = _together(op, operands, value, len(shape))[:-2]
    batch = [row if row is not None else other(size) for row, size in zip(rows, shape[:-2], strict=True)]
    left = first[-2] if first is not None and marked(first[-2]) else other(shape[-2])
    right = second[-1] if second is not None and marked(second[-1]) else other(shape[-1])
    return [(*batch, left, right)]


def _einsum(op: tf.Operation, known: Known, value: Value) -> Known:
    inputs, output = op.get_attr("equation").decode().replace(" ", "").split("->")
    rank = len(op.outputs[0].shape)
    dots = "".join(chr(0x100 + i) for i in range(rank))  # letters for what an ellipsis stands for

    def letters(term: str, count: int) -> str:
        missing = count - len(term.replace("...", ""))
        return term.replace("...", dots[len(dots) - missing :] if missing else "")

    terms = [letters(term, len(t.shape)) for term, t in zip(inputs.split(","), op.inputs, strict=True)]
    result = letters(output, rank)
    if any(len(set(term)) < len(term) for term in (*terms, result)):
        raise Unproven("its Einsum takes a diagonal")
    place: dict[str, Axis] = {}
    for term, axes in zip(terms, known, strict=True):
        place |= {letter: axis for letter, axis in zip(term, axes or (), strict=False) if marked(axis)}
    for letter, axis in place.items():
        if letter not in result:
            raise Mixes("its Einsum sums over frames")
        for term, axes, tensor in zip(terms, known, op.inputs, strict=True):
            if axes is None and letter in term:
                _uniform(op, value, tensor, len(term) - term.index(letter))
            elif axes is not None and (letter not in term or axes[term.index(letter)] != axis):
                raise Mixes("its Einsum brings frames to other frames")
    return [tuple(place.get(letter, other(size)) for letter, size in zip(result, op.outputs[0].shape, strict=True))]


def _window(op: tf.Operation, known: Known, value: Value) -> Known:
    """Convolutions and pooling: a window of one frame over frames is no window."""
    _fixed(op, known, 1)
    axes, shape = known[0], op.outputs[0].shape
    if op.get_attr("data_format") != b"NHWC":
        raise Unproven(f"its {op.type} has channels first")
    kernel = [1, *op.inputs[1].shape[:2], 1] if len(op.inputs) > 1 else op.get_attr("ksize")
    _keep_apart(op, axes, [3])
    changed = [i for i in (1, 2) if kernel[i] != 1 or op.get_attr("strides")[i] != 1 or shape[i] != extent(axes[i])]
    _keep_apart(op, axes, changed)
    return [tuple(other(size) if i in (*changed, 3) else axes[i] for i, size in enumerate(shape))]


_ELEMENTWISE = (
    *(
        "Abs",
        "Acos",
        "Acosh",
        "Asin",
        "Asinh",
        "Atan",
        "Atanh",
        "Bitcast",
        "Bucketize",
        "Cast",
        "Ceil",
        "CheckNumerics",
    ),
    *("ComplexAbs", "Conj", "Cos", "Cosh", "Digamma", "Elu", "Erf", "Erfc", "Erfinv", "Exp", "Expm1", "Floor"),
    *(
        "Identity",
        "Imag",
        "Angle",
        "Inv",
        "Invert",
        "IsFinite",
        "IsInf",
        "IsNan",
        "LeakyRelu",
        "Lgamma",
        "Log",
        "Log1p",
    ),
    *("LogicalNot", "Ndtri", "Neg", "OnesLike", "PreventGradient", "Real", "Reciprocal", "Relu", "Relu6", "Rint"),
    *("Round", "Rsqrt", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Snapshot", "Softplus", "Softsign", "Sqrt", "Square"),
    *("StopGradient", "Tan", "Tanh", "ZerosLike", "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars"),
    *("FakeQuantWithMinMaxVarsPerChannel", "ClipByValue", "Add", "AddN", "AddV2", "ApproximateEqual", "Atan2"),
    *(
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
        "Complex",
        "Div",
        "DivNoNan",
        "Equal",
        "FloorDiv",
        "FloorMod",
        "Greater",
    ),
    *("GreaterEqual", "LeftShift", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "Maximum", "Minimum", "Mod", "Mul"),
    *("MulNoNan", "NextAfter", "NotEqual", "Pow", "RealDiv", "RightShift", "SelectV2", "SquaredDifference", "Sub"),
    *("TruncateDiv", "TruncateMod", "Xdivy", "Xlog1py", "Xlogy", "Igamma", "Igammac", "BesselI0e", "BesselI1e"),
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(("BiasAdd", "Softmax", "LogSoftmax", "TopKV2", "FFT", "IFFT", "RFFT", "IRFFT"), _last),
    **dict.fromkeys(
        ("Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "EuclideanNorm", "ArgMax", "ArgMin", "Variance"), _reduce
    ),
    **dict.fromkeys(("Cumsum", "Cumprod", "CumulativeLogsumexp", "ReverseV2"), _along(1)),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad", "Tile", "Slice"), _resized),
    **dict.fromkeys(("GatherV2", "ResourceGather"), _gather),
    **dict.fromkeys(("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"), _product),
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative", "AvgPool", "MaxPool"), _window),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _norm),
    "BroadcastTo": _broadcast_to,
    "ConcatV2": _concat,
    "Einsum": _einsum,
    "ExpandDims": _expand,
    "IdentityN": _each,
    "OneHot": _one_hot,
    "Pack": _pack,
    "Reshape": _reshape,
    "Roll": _along(2),
    "Select": _select,
    "Split": _split(1, 0),
    "SplitV": _split(0, 2),
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Transpose": _transpose,
    "Unpack": _unpack,
}
_SHAPES = ("Shape", "ShapeN", "Size", "Rank")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_HARMLESS = (
    *_CALLS,
    "Placeholder",
    "VarHandleOp",
    "ReadVariableOp",
    "ResourceGather",
    "Assert",
    "PlaceholderWithDefault",
)


def axes_of(graph: tf.Graph, known: dict[str, Axes], wanted: list[tf.Tensor], values: dict[str, np.ndarray]) -> Known:
    """Follows the frames through a graph.

    Args:
      graph: its shapes are all known.
      known: axes of its inputs by the tensors' names.
      wanted: tensors of the graph.
      values: of inputs that are constants, by name.

    Returns:
      The axes of the wanted tensors, None for those that do not depend on the inputs.

    Raises:
      Mixes: a frame reaches another one, or its place in the clip counts.
      Unproven: it holds an operation without a rule.
    """
    for op in graph.get_operations():
        if op.op_def.is_stateful and op.type not in _HARMLESS:
            raise Unproven(f"nothing is known of its {op.type}")
    found: dict[str, Axes | None] = dict(known)
    value = functools.partial(_value, values)
    for op in _ancestors(wanted):
        if all(output.name in found for output in op.outputs):
            continue
        inputs = [found[tensor.name] for tensor in op.inputs]
        found.update(zip((output.name for output in op.outputs), _outputs(op, inputs, value), strict=True))
    return [found[tensor.name] for tensor in wanted]


def is_elementwise(output: tf.Tensor) -> bool:
    """Whether a tensor is made of its graph's inputs value by value, with constants of one number alone."""
    for op in _ancestors([output]):
        if op.type == "Const":
            if op.outputs[0].shape.num_elements() != 1:
                return False
        elif op.type not in (*_ELEMENTWISE, "IdentityN", "Placeholder"):
            return False
    return True


def _outputs(op: tf.Operation, inputs: Known, value: Value) -> Known:
    if op.type in _CALLS:
        return _inside(op, inputs, value)
    if all(axes is None for axes in inputs) or op.type in _SHAPES:
        return [None] * len(op.outputs)
    if op.type not in RULES:
        raise Unproven(f"nothing is known of its {op.type}")
    try:
        outputs = RULES[op.type](op, inputs, value)
        extents = [axes and [extent(axis) for axis in axes] for axes in outputs]
    except (TypeError, ValueError, IndexError) as error:  # a dimension that is not known
        raise Unproven(f"its {op.type} cannot be followed ({error})") from error
    for found, tensor in zip(extents, op.outputs, strict=True):
        if found is not None and list(found) != tensor.shape.as_list():
            raise Unproven(f"its {op.type} cannot be followed")
    return outputs


def _inside(op: tf.Operation, inputs: Known, value: Value) -> Known:
    graph = op.graph._get_function(op.get_attr("f").name).graph
    known, values = {}, {}
    for placeholder, axes, tensor in zip(graph.inputs, inputs, op.inputs, strict=True):
        if axes is not None:
            known[placeholder.name] = axes
        elif (constant := value(tensor)) is not None:
            values[placeholder.name] = constant
    return axes_of(graph, known, list(graph.outputs), values)


def _ancestors(wanted: list[tf.Tensor]) -> list[tf.Operation]:
    """The operations that tensors are computed from, in the order of computation."""
    order, done, stack = [], set(), [(tensor.op, False) for tensor in wanted]
    while stack:
        op, ready = stack.pop()
        if op.name in done:
            continue
        if ready:
            done.add(op.name)
            order.append(op)
        else:
            stack += itertools.chain([(op, True)], ((tensor.op, False) for tensor in op.inputs))
    return order


def _value(values: dict[str, np.ndarray], tensor: tf.Tensor) -> np.ndarray | None:
    """Of a tensor that follows from constants alone; None otherwise."""
    if tensor.name in values:
        return values[tensor.name]
    found = tf.get_static_value(tensor)
    if found is not None or any(op.type in ("Placeholder", *_CALLS) for op in _ancestors([tensor])):
        return found
    with tf.compat.v1.Session(graph=tensor.graph) as session:
        return np.asarray(session.run(tensor))
