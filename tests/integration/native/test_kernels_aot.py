"""Own kernels against TensorFlow Lite's arithmetic, as `kws_reference.tflite.fixed_point` has it."""

import ctypes

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kws_codegen.kernels.axes import contiguous, filled_up, merged
from kws_codegen.kernels.packing import pack_rows, pack_taps
from kws_reference.tflite import fixed_point, softmax

from tests.support import native

INT8 = st.integers(-128, 127)
MULTIPLIER = st.one_of(st.integers(1 << 30, (1 << 31) - 1), st.sampled_from([1 << 30, (1 << 31) - 1, 0]))
RANGE = st.tuples(INT8, st.sampled_from([(-128, 127), (-128, 90), (-5, 127), (-1, 0)])).map(lambda r: (r[0], *r[1]))


@pytest.fixture(scope="module")
def kernels():
    flags = ["-O2"]
    path = native.build(
        "kernels",
        ["tests/integration/native/kernels_library.cc"],
        includes=["firmware/src"],
        flags=flags,
        sanitize=False,
        shared=True,
    )
    return ctypes.CDLL(str(path))


def finish(value, multiplier, shift, zero_point, low, high):
    return fixed_point.requantize(value, multiplier, shift, zero_point, low, high).tolist()


def average(sums, count, bounds):
    return np.clip(fixed_point.mean(sums, count), *bounds[1:]).tolist()


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def ints(values):
    return np.array(values, np.int32)


# --- Requantization -------------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(value=st.integers(-(2**31), 2**31 - 1), multiplier=MULTIPLIER, shift=st.integers(-31, 30))
@example(value=-(2**31), multiplier=2**31 - 1, shift=0)
@example(value=2**31 - 1, multiplier=2**31 - 1, shift=-31)
@example(value=1, multiplier=1 << 30, shift=30)
def test_requantize_any_factor_equals_reference(kernels, value, multiplier, shift):
    assert kernels.kernel_requantize(value, multiplier, shift) == fixed_point.multiply(value, multiplier, shift)


@settings(max_examples=400, deadline=None)
@given(value=st.integers(-(2**30) + 1, 2**30 - 1), multiplier=MULTIPLIER, shift=st.integers(-31, -1), bounds=RANGE)
@example(value=2**30 - 1, multiplier=2**31 - 1, shift=-1, bounds=(127, -128, 127))
@example(value=-(2**30) + 1, multiplier=2**31 - 1, shift=-31, bounds=(-128, -128, 127))
def test_requantize_fast_equals_reference(kernels, value, multiplier, shift, bounds):
    got = kernels.kernel_requantize_fast(value, multiplier, -shift - 1, *bounds)
    assert got == finish(value, multiplier, shift, *bounds)


@settings(max_examples=300, deadline=None)
@given(result=st.integers(-200, 200), step=st.integers(-2, 2), shift=st.integers(-12, -1))
def test_requantize_fast_at_ties_equals_reference(kernels, result, step, shift):
    """Accumulators at and beside the halves that both roundings meet."""
    value = (2 * result + 1) * 2 ** (-shift) + step
    got = kernels.kernel_requantize_fast(value, 1 << 30, -shift - 1, 0, -128, 127)
    assert got == finish(value, 1 << 30, shift, 0, -128, 127)


# --- Layers ---------------------------------------------------------------------------------------------------------


def linear(data, outputs, terms, fast, int4):
    """Weights, folded bias, multipliers and shifts of a layer, extremes included."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    low, high = (-8, 7) if int4 else (-127 if fast else -128, 127)
    weights = rng.integers(low, high + 1, (outputs, terms)).astype(np.int8)
    if data.draw(st.booleans()):
        weights[:] = rng.choice([low, high], weights.shape)
    limit = 2**30 - 1 - 128 * 128 * terms if fast else 2**31 - 1 - 128 * 128 * terms
    bias = rng.integers(-limit, limit, outputs) if data.draw(st.booleans()) else rng.integers(-5000, 5000, outputs)
    multipliers = ints([data.draw(MULTIPLIER) for _ in range(outputs)])
    shift = st.integers(-31, -1) if fast else st.integers(-31, 8)
    shifts = ints([0 if m == 0 else data.draw(st.one_of(shift, st.integers(-12, -6))) for m in multipliers])
    stored = np.where(multipliers == 0, 0, -shifts - 1) if fast else shifts
    table = np.concatenate([bias, multipliers, stored]).astype(np.int32)
    return rng, weights, bias, multipliers, shifts, table


@settings(max_examples=120, deadline=None)
@given(
    data=st.data(),
    shape=st.sampled_from([(40, 8), (64, 6), (7, 5), (4, 1)]),
    fast=st.booleans(),
    int4=st.booleans(),
    bounds=RANGE,
)
def test_pointwise_equals_reference(kernels, data, shape, fast, int4, bounds):
    inputs, outputs = shape
    rng, weights, bias, multipliers, shifts, table = linear(data, outputs, inputs, fast, int4)
    frames, gap = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 3))
    x = rng.integers(-128, 128, (frames, inputs + gap)).astype(np.int8)
    y = np.zeros((frames, outputs), np.int8)
    stored = pack_rows(weights) if int4 else weights
    arguments = pointer(stored), pointer(table), pointer(ints(bounds)), int(fast), pointer(x), inputs + gap, frames
    assert kernels.kernel_pointwise(inputs, outputs, *arguments, pointer(y), int(int4)) == 0
    sums = x[:, :inputs].astype(int) @ weights.astype(int).T + bias
    assert y.tolist() == finish(sums, multipliers, shifts, *bounds)


@settings(max_examples=120, deadline=None)
@given(
    data=st.data(),
    shape=st.sampled_from([(8, 5, 1), (8, 4, 2), (5, 3, 1), (12, 1, 1)]),
    fast=st.booleans(),
    int4=st.booleans(),
    bounds=RANGE,
)
def test_depthwise_equals_reference(kernels, data, shape, fast, int4, bounds):
    channels, taps, dilation = shape
    rng, weights, bias, multipliers, shifts, table = linear(data, channels, taps, fast, int4)
    frames = data.draw(st.integers(1, 5))
    x = rng.integers(-128, 128, (frames + (taps - 1) * dilation, channels)).astype(np.int8)
    y = np.zeros((frames, channels), np.int8)
    by_tap = np.ascontiguousarray(weights.T)
    packed = pack_taps(by_tap) if int4 else by_tap
    arguments = pointer(packed), pointer(table), pointer(ints(bounds)), int(fast), pointer(x), frames
    assert kernels.kernel_depthwise(channels, taps, dilation * channels, *arguments, pointer(y), int(int4)) == 0
    for f in range(frames):
        rows = x[f : f + (taps - 1) * dilation + 1 : dilation].astype(int)
        sums = (rows * by_tap.astype(int)).sum(axis=0) + bias
        assert y[f].tolist() == finish(sums, multipliers, shifts, *bounds)


@settings(max_examples=150, deadline=None)
@given(
    zero_points=st.tuples(INT8, INT8),
    ratio=st.one_of(st.floats(2.0**-12, 1.0), st.sampled_from([1.0, 0.5, 2.0**-12])),
    swap=st.booleans(),
    output=st.floats(0.02, 50.0),
    bounds=RANGE,
    seed=st.integers(0, 2**32 - 1),
)
def test_add_equals_reference(kernels, zero_points, ratio, swap, output, bounds, seed):
    scales = (ratio, 1.0) if swap else (1.0, ratio)
    multipliers = fixed_point.add_multipliers(*scales, output)
    p = []
    for zero_point, (multiplier, shift) in zip(zero_points, multipliers.operands, strict=True):
        p += [zero_point, multiplier, -shift]
    multiplier, shift = multipliers.total
    p += [multiplier, -shift, *bounds]
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(-128, 128, 41).astype(np.int8) for _ in range(2))
    a[:4], b[:4] = [-128, -128, 127, 127], [-128, 127, -128, 127]
    y = np.zeros(41, np.int8)
    kernels.kernel_add(pointer(ints(p)), pointer(a), pointer(b), 41, pointer(y))
    assert y.tolist() == fixed_point.add(a, b, zero_points, multipliers, *bounds).tolist()


@settings(max_examples=60, deadline=None)
@given(rows=st.sampled_from([2, 3, 49]), frames=st.integers(1, 4), bounds=RANGE, seed=st.integers(0, 2**32 - 1))
def test_average_pool_equals_reference(kernels, rows, frames, bounds, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (frames + rows - 1, 6)).astype(np.int8)
    x[:, 0], x[:, 1] = -128, 127
    y = np.zeros((frames, 6), np.int8)
    assert kernels.kernel_average(rows, pointer(ints(bounds)), pointer(x), frames, pointer(y)) == 0
    for f in range(frames):
        sums = x[f : f + rows].astype(int).sum(axis=0)
        assert y[f].tolist() == average(sums, rows, bounds)


@settings(max_examples=40, deadline=None)
@given(rows=st.sampled_from([1, 48, 300]), reset=INT8, bounds=RANGE, seed=st.integers(0, 2**32 - 1))
def test_pool_ring_equals_average_over_all_rows(kernels, rows, reset, bounds, seed):
    """A running sum over more than twice the ring, against the sum over all rows at every step."""
    rng = np.random.default_rng(seed)
    steps = 2 * rows + 7
    x = rng.integers(-128, 128, (steps, 6)).astype(np.int8)
    x[: rows + 1, 0], x[rows + 1 :, 0] = -128, 127
    y, state = np.zeros((steps, 6), np.int8), np.zeros((rows, 6), np.int8)
    arguments = pointer(ints(bounds)), ctypes.c_int8(reset), pointer(x), steps
    assert kernels.kernel_ring(rows, *arguments, pointer(y), pointer(state)) == 0
    history = np.concatenate([np.full((rows, 6), reset), x.astype(int)])
    for step in range(steps):
        sums = history[step : step + rows + 1].sum(axis=0)
        assert y[step].tolist() == average(sums, rows + 1, bounds)
    assert np.array_equal(state, history[-rows:])


# --- Other operators ------------------------------------------------------------------------------------------------

FACTOR = st.tuples(st.integers(1 << 30, (1 << 31) - 1), st.integers(-24, 2))
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def axes_of(counts, *strides, number=5):
    axes = filled_up(merged(counts, *strides), number, operands=len(strides))
    return ints([[axis.count, *axis.strides] for axis in axes])


def test_lookup_takes_every_value_at_its_place(kernels):
    table = np.random.default_rng(0).permutation(np.arange(-128, 128)).astype(np.int8)
    x, y = np.arange(-128, 128).astype(np.int8), np.zeros(256, np.int8)
    kernels.kernel_lookup(pointer(table), pointer(x), 256, pointer(y))
    assert y.tolist() == table.tolist()


@settings(max_examples=80, deadline=None)
@given(
    scale=st.floats(2.0**-12, 16.0),
    depth=st.integers(1, 40),
    spread=st.sampled_from([1, 8, 64]),
    seed=st.integers(0, 2**32 - 1),
)
@example(scale=0.01, depth=511, spread=64, seed=0)
def test_softmax_equals_reference(kernels, scale, depth, spread, seed):
    exponentials = softmax.exponentials(scale, 1.0)
    x = (np.random.default_rng(seed).integers(-128, 128, (3, depth)) // spread).astype(np.int8)
    y = np.zeros((3, depth), np.int8)
    kernels.kernel_softmax(pointer(exponentials), pointer(x), 3, depth, pointer(y))
    assert y.tolist() == softmax.softmax(x, exponentials).tolist()


@settings(max_examples=80, deadline=None)
@given(shape=SHAPES, data=st.data())
def test_move_equals_transposition(kernels, shape, data):
    order = data.draw(st.permutations(range(len(shape))))
    x = np.random.default_rng(len(shape)).integers(-128, 128, shape).astype(np.int8)
    wanted = x.transpose(order)
    y = np.zeros(wanted.shape, np.int8)
    strides = contiguous(shape)
    axes = axes_of(wanted.shape, [strides[axis] for axis in order], contiguous(wanted.shape))
    kernels.kernel_move(pointer(axes), pointer(x), pointer(y))
    assert y.tolist() == wanted.tolist()


@settings(max_examples=100, deadline=None)
@given(
    prelu=st.booleans(),
    shape=SHAPES,
    repeated=st.lists(st.sampled_from("ab-"), min_size=5, max_size=5),
    zero_points=st.tuples(INT8, INT8),
    factors=st.tuples(FACTOR, FACTOR),
    bounds=RANGE,
    seed=st.integers(0, 2**32 - 1),
)
def test_elementwise_of_repeated_operands_equals_reference(
    kernels, prelu, shape, repeated, zero_points, factors, bounds, seed
):
    rng = np.random.default_rng(seed)
    shapes = [[1 if who == name else n for n, who in zip(shape, repeated, strict=False)] for name in "ab"]
    wanted_shape = np.broadcast_shapes(*shapes)
    a, b = (rng.integers(-128, 128, part).astype(np.int8) for part in shapes)
    strides = [[0 if n == 1 else s for n, s in zip(part, contiguous(part), strict=True)] for part in shapes]
    p = ints([*zero_points, *factors[0], *factors[1], *bounds])
    y = np.zeros(wanted_shape, np.int8)
    axes = axes_of(wanted_shape, *strides)
    kernels.kernel_elementwise(int(prelu), pointer(p), pointer(axes), pointer(a), pointer(b), pointer(y))
    x, slope = a.astype(int) - zero_points[0], b.astype(int) - zero_points[1]
    wanted = finish(x * slope, *factors[0], *bounds)
    if prelu:
        below, above = finish(x * slope, *factors[1], *bounds), finish(x + 0 * slope, *factors[0], *bounds)
        wanted = np.where(x + 0 * slope >= 0, above, below).tolist()
    assert y.tolist() == wanted


@settings(max_examples=80, deadline=None)
@given(
    shape=SHAPES,
    chosen=st.lists(st.booleans(), min_size=5, max_size=5),
    zero_point=INT8,
    factor=FACTOR,
    bounds=RANGE,
    seed=st.integers(0, 2**32 - 1),
)
def test_reduce_equals_reference(kernels, shape, chosen, zero_point, factor, bounds, seed):
    x = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    reduced = tuple(axis for axis in range(len(shape)) if chosen[axis])
    strides = contiguous(shape)
    axes = [
        axes_of([n if (axis in reduced) == wanted else 1 for axis, n in enumerate(shape)], strides, number=3)
        for wanted in (False, True)
    ]
    sums = (x.astype(int) - zero_point).sum(axis=reduced)
    y = np.zeros(sums.shape, np.int8)
    p = ints([-zero_point * (x.size // sums.size), *factor, *bounds])
    kernels.kernel_reduce(pointer(np.concatenate(axes)), pointer(p), pointer(x), pointer(y))
    assert y.tolist() == finish(sums, *factor, *bounds)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 6)] * 4),
    zero_points=st.tuples(INT8, INT8),
    factor=FACTOR,
    bounds=RANGE,
    seed=st.integers(0, 2**32 - 1),
)
def test_matmul_equals_reference(kernels, sizes, zero_points, factor, bounds, seed):
    stack, rows, depth, columns = sizes
    rng = np.random.default_rng(seed)
    a = rng.integers(-128, 128, (stack, rows, depth)).astype(np.int8)
    b = rng.integers(-128, 128, (depth, columns)).astype(np.int8)
    y = np.zeros((stack, rows, columns), np.int8)
    p = ints([*zero_points, *factor, *bounds])
    kernels.kernel_matmul(pointer(ints(sizes)), pointer(p), pointer(a), pointer(b), pointer(y))
    sums = (a.astype(int) - zero_points[0]) @ (b.astype(int) - zero_points[1])
    assert y.tolist() == finish(sums, *factor, *bounds)


@settings(max_examples=60, deadline=None)
@given(
    largest=st.booleans(),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 2**32 - 1),
)
def test_pool_2d_with_borders_equals_reference(kernels, largest, size, window, stride, seed):
    x = np.random.default_rng(seed).integers(-128, 128, (*size, 3)).astype(np.int8)
    out = [-(-n // s) for n, s in zip(size, stride, strict=True)]
    pad = [max((o - 1) * s + w - n, 0) // 2 for o, s, w, n in zip(out, stride, window, size, strict=True)]
    y = np.zeros((*out, 3), np.int8)
    geometry = ints([3, *size, *window, *out, *stride, *pad])
    kernels.kernel_pool_2d(int(largest), pointer(geometry), pointer(x), pointer(y))
    for row in range(out[0]):
        for column in range(out[1]):
            begin = row * stride[0] - pad[0], column * stride[1] - pad[1]
            part = x[max(begin[0], 0) : begin[0] + window[0], max(begin[1], 0) : begin[1] + window[1]].astype(int)
            mean = fixed_point.mean(part.sum(axis=(0, 1)), part.shape[0] * part.shape[1])
            assert y[row, column].tolist() == (part.max(axis=(0, 1)) if largest else mean).tolist()
