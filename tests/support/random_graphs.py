"""Random graphs of all operators that engine aot runs, with states of both kinds; each a valid model."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from tests.support.models import STEPS_PER_STD, GraphBuilder

MAX_ELEMENTS = 600
"""Of one activation: sanitizers are slow."""


def random_graph(seed: int, operators: int = 9, *, memories: bool = True) -> GraphBuilder:
    """A model of `operators` random steps between features and scores; equal seeds give equal models.

    Args:
      memories: whether SVDF may be among them.
    """
    choices = [choice for choice in _CHOICES if memories or choice is not _memory]
    builder = GraphBuilder(seed)
    rng = builder.rng
    frames, features = int(rng.integers(1, 5)), int(rng.integers(3, 13))
    x = builder.input("features", (1, frames, 1, features), 1 / STEPS_PER_STD, int(rng.integers(-20, 20)))
    known = [x]
    for number in range(operators):
        for choice in (choices[int(index)] for index in rng.permutation(len(choices))):
            y = choice(builder, f"{choice.__name__.strip('_')}{number}", x if rng.random() < 0.8 else _any(rng, known))
            if y is not None:
                x = _spread(builder, y)
                known.append(x)
                break
    size = builder.tensors[x].size
    builder.scores(builder.dense("scores", builder.reshape("flat", x, (1, size)), 4))
    return builder


def random_planes(seed: int, layers: int = 5) -> GraphBuilder:
    """A model of convolutions over rows and columns of random kernels, strides, dilations, borders and channels."""
    b = GraphBuilder(seed)
    rng = b.rng
    height, width, channels = int(rng.integers(1, 13)), int(rng.integers(1, 11)), int(rng.choice([1, 1, 2, 3, 4, 8]))
    features = b.input("features", (1, height, 1, width * channels), 1 / STEPS_PER_STD, int(rng.integers(-20, 20)))
    x = b.reshape("plane", features, (1, height, width, channels))
    for number in range(layers):
        _, *sizes, channels = _shape(b, x)
        padding = str(rng.choice(["SAME", "SAME", "VALID"]))
        stride = _pair(rng.choice([1, 1, 2, 3], 2))
        # TensorFlow Lite knows strides or dilations.
        dilation = _pair(rng.choice([1, 1, 2, 3], 2)) if stride == (1, 1) else (1, 1)
        room = [n if padding == "VALID" else n + 2 for n in sizes]
        kernel = _pair([rng.integers(1, min((n - 1) // d + 1, 5) + 1) for n, d in zip(room, dilation, strict=True)])
        outputs = int(rng.choice([0, 0, 1, 2, 4, 6, 8, 12]))
        if not outputs and rng.random() < 0.5:
            x = _louder(b, b.conv(f"widen{number}", x, int(rng.choice([4, 8, 12]))))
        activation = str(rng.choice(["NONE", "RELU"]))
        options = dict(stride=stride, dilation=dilation, padding=padding, activation=activation)
        multiplier = int(rng.choice([1, 3])) if channels == 1 else 1
        x = _louder(b, b.plane(f"layer{number}", x, kernel, outputs=outputs, multiplier=multiplier, **options))
    b.scores(b.dense("scores", b.reshape("flat", x, (1, b.tensors[x].size)), 4))
    return b


def random_memories(seed: int, layers: int = 3) -> GraphBuilder:
    """A model of SVDF and LSTM layers, which keep their states themselves, of random widths; many rows can pair."""
    b = GraphBuilder(seed)
    rng, size = b.rng, int(b.rng.choice([4, 8, 12, 20, 40, 13]))
    x = b.reshape("row", b.input("features", (1, 1, 1, size), 1 / STEPS_PER_STD, int(rng.integers(-20, 20))), (1, size))
    for number in range(layers):
        units = int(rng.choice([4, 8, 12, 16, 28, 33, 64]))
        if rng.random() < 0.5:
            rank, dtype = int(rng.integers(1, 4)), str(rng.choice(["INT8", "INT16"]))
            x = b.svdf(f"svdf{number}", x, units, int(rng.integers(1, 14)), rank=rank, dtype=dtype)
        else:
            frames = b.reshape(f"frames{number}", x, (1, 1, b.tensors[x].size))
            x = b.reshape(f"flat{number}", b.lstm(f"lstm{number}", frames, units), (1, units))
    b.scores(b.dense("scores", x, 4))
    return b


def _louder(b: GraphBuilder, x: int) -> int:
    """A finer scale: half of what comes out of a RELU is zero, and deep random networks fall silent."""
    finer = 4 if b.tensors[x].zero_points == (-128,) else 2
    b.tensors[x] = dataclasses.replace(b.tensors[x], scales=(b.tensors[x].scales[0] / finer,))
    return x


def _pair(values: Iterable[int]) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)


def _any(rng: np.random.Generator, known: list[int]) -> int:
    return known[int(rng.integers(len(known)))]


def _spread(b: GraphBuilder, x: int) -> int:
    """A finer scale where a RELU leaves half of the range empty and the scale is free."""
    op = b.ops[-1]
    if op.options.get("activation") == "RELU" and op.outputs[0] == x and op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        b.tensors[x] = dataclasses.replace(b.tensors[x], scales=(b.tensors[x].scales[0] / 2,))
    return x


def _shape(b: GraphBuilder, x: int) -> tuple[int, ...]:
    return b.tensors[x].shape


def _is_plane(b: GraphBuilder, x: int) -> bool:
    return len(_shape(b, x)) == 4 and _shape(b, x)[0] == 1


def _activation(b: GraphBuilder) -> str:
    return str(b.rng.choice(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"], p=[0.5, 0.3, 0.1, 0.1]))


def _pointwise(b: GraphBuilder, name: str, x: int) -> int | None:
    outputs = int(b.rng.integers(1, 14))
    if not _is_plane(b, x) or b.tensors[x].size // _shape(b, x)[3] * outputs > MAX_ELEMENTS:
        return None
    return b.conv(name, x, outputs, activation=_activation(b))


def _along_time(b: GraphBuilder, name: str, x: int) -> int | None:
    if not _is_plane(b, x) or _shape(b, x)[1] < 2:
        return None
    return b.depthwise(name, x, int(b.rng.integers(1, _shape(b, x)[1] + 1)), activation=_activation(b))


def _over_plane(b: GraphBuilder, name: str, x: int) -> int | None:
    if not _is_plane(b, x):
        return None
    _, height, width, channels = _shape(b, x)
    outputs = int(b.rng.integers(0, 3)) * int(b.rng.integers(1, 7))
    kernel = (int(b.rng.integers(1, min(height, 4) + 1)), int(b.rng.integers(1, min(width, 4) + 1)))
    stride = (int(b.rng.integers(1, 3)), int(b.rng.integers(1, 3)))
    if not outputs:
        stride = (stride[0], stride[0])
    padding = str(b.rng.choice(["SAME", "VALID"]))
    if height * width * max(outputs, channels) > MAX_ELEMENTS:
        return None
    return b.plane(name, x, kernel, outputs=outputs, stride=stride, padding=padding, activation=_activation(b))


def _window(b: GraphBuilder, name: str, x: int) -> int | None:
    if not _is_plane(b, x):
        return None
    rows = int(b.rng.integers(1, 7))
    if (_shape(b, x)[1] + rows) * b.tensors[x].size // _shape(b, x)[1] > MAX_ELEMENTS:
        return None
    return b.state(name, rows, x, reset=int(b.rng.integers(-128, 128)), slice_kind=_slice_kind(b))


def _slice_kind(b: GraphBuilder) -> str:
    return str(b.rng.choice(["SLICE", "STRIDED_SLICE"]))


def _held(b: GraphBuilder, name: str, x: int) -> int | None:
    """A state that is mixed with what is new."""
    shape, scale, zero_point = b.like(x)
    if not 2 <= len(shape) <= 4 or shape[0] != 1:
        return None
    old = b.old(name, shape, scale, zero_point)
    new = b.tensor(f"{name}/new", shape, scale, zero_point)
    b.op("ADD", [old, x], new, activation="NONE")
    b.keep(name, old, new, reset=int(b.rng.integers(-128, 128)))
    return new if b.rng.random() < 0.7 else b.binary("SUB", f"{name}/change", new, old, scale, activation="NONE")


def _memory(b: GraphBuilder, name: str, x: int) -> int | None:
    """An SVDF, which keeps its memory itself."""
    shape, scale, _ = b.like(x)
    size = int(np.prod(shape))
    # Of 8 bits only where TFLite Micro can tell the scale of the bias from others.
    dtype = "INT8" if scale < 100 and b.rng.random() < 0.5 else "INT16"
    units, steps, rank = (int(b.rng.integers(1, most)) for most in (9, 12, 4))
    if size > 60:
        return None
    row = b.reshape(f"{name}/row", x, (1, size))
    y = b.svdf(name, row, units, steps, rank=rank, dtype=dtype, activation=str(b.rng.choice(["NONE", "RELU"])))
    return b.reshape(f"{name}/plane", y, (1, 1, 1, units))


def _function(b: GraphBuilder, name: str, x: int) -> int | None:
    kind = str(b.rng.choice(["LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "RELU", "RELU6", "QUANTIZE"]))
    options = {"alpha": 0.3} if kind == "LEAKY_RELU" else {}
    if kind == "RELU":  # with the same range a layer takes it in
        shape, scale, zero_point = b.like(x)
        return b.op(kind, [x], b.tensor(name, shape, scale, zero_point))
    return b.function(kind, name, x, **options)


def _binary(b: GraphBuilder, name: str, x: int) -> int | None:
    shape, scale, _ = b.like(x)
    kind = str(b.rng.choice(["ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"]))
    other_shape = tuple(n if b.rng.random() < 0.6 else 1 for n in shape)
    if kind in ("MAXIMUM", "MINIMUM"):
        return b.binary(kind, name, x, b.values(f"{name}/other", other_shape, scale, b.tensors[x].zero_points[0]), None)
    other = b.values(f"{name}/other", other_shape, 0.8 * scale if kind != "MUL" else 1 / 100, 9)
    return b.binary(kind, name, x, other, 1.3 * scale, activation=_activation(b))


def _pool(b: GraphBuilder, name: str, x: int) -> int | None:
    if not _is_plane(b, x):
        return None
    _, height, width, _ = _shape(b, x)
    window = (int(b.rng.integers(1, min(height, 3) + 1)), int(b.rng.integers(1, min(width, 3) + 1)))
    kind, padding = str(b.rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), str(b.rng.choice(["SAME", "VALID"]))
    return b.pool(kind, name, x, window, (int(b.rng.integers(1, 3)), int(b.rng.integers(1, 3))), padding)


def _mean(b: GraphBuilder, name: str, x: int) -> int | None:
    shape = _shape(b, x)
    if len(shape) < 3 or b.tensors[x].size < 8:
        return None
    return b.reduced("MEAN", name, x, [int(b.rng.integers(1, len(shape)))], keep=bool(b.rng.random() < 0.7))


def _padded(b: GraphBuilder, name: str, x: int) -> int | None:
    shape = _shape(b, x)
    widths = [[0, 0], *([int(w) for w in b.rng.integers(0, 2, 2)] for _ in shape[1:])]
    out = tuple(n + sum(width) for n, width in zip(shape, widths, strict=True))
    if int(np.prod(out)) > MAX_ELEMENTS:
        return None
    return b.moved("PAD", name, [x, b.constant(f"{name}/widths", widths)], out, x)


def _joined(b: GraphBuilder, name: str, x: int) -> int | None:
    """Parts of a split in another order, or a tensor with its own function."""
    shape, axis = _shape(b, x), int(b.rng.integers(1, len(_shape(b, x))))
    if shape[axis] < 2:
        return None
    first = int(b.rng.integers(1, shape[axis]))
    sizes = [b.constant(f"{name}/sizes", [first, shape[axis] - first]), b.constant(f"{name}/axis", axis)]
    parts = b.split("SPLIT_V", f"{name}/parts", [x, *sizes], x, axis, [first, shape[axis] - first])
    return b.moved("CONCATENATION", name, parts[::-1], shape, x, axis=axis, activation="NONE")


def _beside(b: GraphBuilder, name: str, x: int) -> int | None:
    """Two layers that write next to each other."""
    if not _is_plane(b, x) or b.tensors[x].size > MAX_ELEMENTS // 3:
        return None
    left, right = b.conv(f"{name}/left", x, 3), b.conv(f"{name}/right", x, 4)
    b.tensors[right] = dataclasses.replace(
        b.tensors[right], scales=b.tensors[left].scales, zero_points=b.tensors[left].zero_points
    )
    _, height, width, _ = _shape(b, x)
    axis = int(b.rng.choice([3, -1]))
    return b.moved("CONCATENATION", name, [left, right], (1, height, width, 7), left, axis=axis, activation="NONE")


def _cut(b: GraphBuilder, name: str, x: int) -> int | None:
    shape = _shape(b, x)
    begin = [0, *(int(b.rng.integers(0, n)) for n in shape[1:])]
    size = [1, *(int(b.rng.integers(1, n - first + 1)) for n, first in zip(shape[1:], begin[1:], strict=True))]
    if int(np.prod(size)) < 4:
        return None
    bounds = [b.constant(f"{name}/begin", begin), b.constant(f"{name}/size", size)]
    return b.moved("SLICE", name, [x, *bounds], tuple(size), x)


def _turned(b: GraphBuilder, name: str, x: int) -> int | None:
    shape = _shape(b, x)
    order = [0, *(1 + int(axis) for axis in b.rng.permutation(len(shape) - 1))]
    turned = tuple(shape[axis] for axis in order)
    return b.moved("TRANSPOSE", name, [x, b.constant(f"{name}/order", order)], turned, x)


def _reshaped(b: GraphBuilder, name: str, x: int) -> int | None:
    shape, size = _shape(b, x), b.tensors[x].size
    rows = [n for n in range(1, 9) if size % n == 0]
    shape = (1, int(b.rng.choice(rows)), 1, -1)
    return b.reshape(name, x, (*shape[:3], size // shape[1]))


def _softmax(b: GraphBuilder, name: str, x: int) -> int | None:
    return b.softmax(name, x) if _shape(b, x)[-1] > 1 and b.rng.random() < 0.3 else None


_CHOICES: tuple[Callable[[GraphBuilder, str, int], int | None], ...] = (
    _window,
    _pointwise,
    _along_time,
    _over_plane,
    _held,
    _memory,
    _function,
    _binary,
    _pool,
    _mean,
    _padded,
    _joined,
    _beside,
    _cut,
    _turned,
    _reshaped,
    _softmax,
)
