"""Own kernels against TensorFlow Lite's arithmetic, as `kws_reference.tflite.fixed_point` has it."""

import ctypes

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kws_codegen.kernels.packing import pack_rows, pack_taps
from kws_reference.tflite import fixed_point

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
