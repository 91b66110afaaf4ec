"""TensorFlow Lite's fixed-point rules in NumPy, against gemmlowp's own formulation in Python's integers of any size."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kws_reference.network.interpreter import load
from kws_reference.tflite import fixed_point
from kws_reference.tflite.fixed_point import activation_range, product_factors, quantize_multiplier

from tests.support.models import GraphBuilder
from tests.support.tflite_writer import write

INT8 = st.integers(-128, 127)
MULTIPLIER = st.one_of(st.integers(1 << 30, (1 << 31) - 1), st.sampled_from([1 << 30, (1 << 31) - 1, 0]))


# --- Real factors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (0.0, (0, 0)),
        (0.5, (1 << 30, 0)),
        (1.0, (1 << 30, 1)),
        (0.75, (3 << 29, 0)),
        (2.0**-31, (1 << 30, -30)),
        (2.0**-40, (0, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),
    ],
)
def test_quantize_multiplier_splits_into_mantissa_and_shift(factor, expected):
    assert quantize_multiplier(factor) == expected


@given(st.floats(2.0**-29, 2.0**20))
def test_quantize_multiplier_is_close(factor):
    multiplier, shift = quantize_multiplier(factor)
    assert 1 << 30 <= multiplier < 1 << 31
    # Half a unit in the last place of a 31 bit mantissa.
    assert abs(multiplier * 2.0 ** (shift - 31) - factor) <= factor * 2.0**-31


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("NONE", (-128, 127)), ("RELU", (-28, 127)), ("RELU6", (-28, 92)), ("RELU_N1_TO_1", (-48, -8))],
)
def test_activation_range_of_fused_activation(activation, expected):
    assert activation_range(activation, 0.05, -28) == expected


def test_activation_range_of_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="TANH"):
        activation_range("TANH", 0.05, -28)


def test_product_factors_are_products_of_float64():
    scales = float(np.float32(0.1)), (float(np.float32(0.007)), float(np.float32(0.02))), float(np.float32(0.3))
    exact = [scales[0] * weight / scales[2] for weight in scales[1]]
    assert product_factors(*scales) == exact
    assert float(np.float32(0.1) * np.float32(0.007)) / scales[2] != exact[0]


@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "BATCH_MATMUL"])
def test_product_factors_at_ties_are_the_interpreters(kind):
    """Sums that come out otherwise if the product of the scales is rounded to float32 before it is divided."""
    rng, compared = np.random.default_rng(0), 0
    weights = np.array([127] * 255 + [1])
    for trial in range(8):
        x_scale, w_scale = (float(np.float32(rng.uniform(low, 5 * low))) for low in (0.01, 0.002))
        y_scale = float(np.float32(x_scale * w_scale * 4.1e6 / 120))
        exact = quantize_multiplier(*product_factors(x_scale, [w_scale], y_scale))
        rounded = quantize_multiplier(float(np.float32(x_scale) * np.float32(w_scale)) / y_scale)
        near = np.rint((np.arange(1, 118) + 0.5) * y_scale / (x_scale * w_scale)).astype(np.int64)
        sums = (near[:, None] + np.arange(-4, 5)).reshape(-1)
        sums = sums[fixed_point.multiply(sums, *exact) != fixed_point.multiply(sums, *rounded)]
        if not len(sums):
            continue
        counts = sums[:, None] // 127 // 255 + (np.arange(255) < sums[:, None] // 127 % 255)
        frames = np.concatenate([counts, sums[:, None] % 127], axis=1)
        assert np.array_equal(frames @ weights, sums)
        scores = _scores(kind, frames.astype(np.int8), weights.astype(np.int8), x_scale, w_scale, y_scale, seed=trial)
        assert np.array_equal(scores, fixed_point.multiply(sums, *exact))
        compared += len(sums)
    assert compared > 5


def _scores(kind, frames, weights, x_scale, w_scale, y_scale, seed):
    b, count = GraphBuilder(seed), len(frames)
    stack = (1,) if kind == "BATCH_MATMUL" else ()
    x = b.input("x", (*stack, count, 256), x_scale, 0)
    shape = (1, 256, 1) if stack else (1, 256)
    w = b.tensor("w", shape, w_scale, 0, data=weights.reshape(shape))
    y = b.tensor("y", (*stack, count, 1), y_scale, 0)
    options = dict(adjoint_a=False, adjoint_b=False) if stack else dict(activation="NONE", weights_format=0)
    b.outputs.append(b.op(kind, [x, w], y, **options, **({} if stack else {"keep_num_dims": False})))
    interpreter = load(write(b.graph()))
    interpreter.set_input(frames.reshape(*stack, count, 256), 0)
    interpreter.invoke()
    return interpreter.get_output(0).reshape(-1)


def test_fold_zero_point_takes_the_input_as_it_stands():
    rng = np.random.default_rng(0)
    weights, x, bias = rng.integers(-128, 128, (5, 7)), rng.integers(-128, 128, 7), rng.integers(-(10**6), 10**6, 5)
    folded = fixed_point.fold_zero_point(bias, weights.astype(np.int8), -128)
    assert (weights @ x + folded == weights @ (x + 128) + bias).all()


# --- Integers: gemmlowp's way ----------------------------------------------------------------------------------------


def doubling_high_multiply(a, b):
    """gemmlowp's SaturatingRoundingDoublingHighMul: a nudge by the sign, then a division that truncates."""
    nudged = a * b + (1 << 30 if a * b >= 0 else 1 - (1 << 30))
    return abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)


def rounding_divide(value, exponent):
    """gemmlowp's RoundingDivideByPOT: floor, plus one if the remainder is above the half."""
    mask = (1 << exponent) - 1
    return (value >> exponent) + ((value & mask) > (mask >> 1) + (1 if value < 0 else 0))


def multiply(value, multiplier, shift):
    wrapped = ((value << max(shift, 0)) + 2**31) % 2**32 - 2**31
    return rounding_divide(doubling_high_multiply(wrapped, multiplier), max(-shift, 0))


@settings(max_examples=600, deadline=None)
@given(value=st.integers(-(2**31), 2**31 - 1), multiplier=MULTIPLIER, shift=st.integers(-31, 30))
@example(value=-(2**31), multiplier=2**31 - 1, shift=0)
@example(value=2**31 - 1, multiplier=2**31 - 1, shift=-31)
@example(value=1, multiplier=1 << 30, shift=30)
def test_multiply_any_factor_equals_gemmlowp(value, multiplier, shift):
    assert fixed_point.multiply(value, multiplier, shift) == multiply(value, multiplier, shift)


@pytest.mark.parametrize("shift", [-12, -5, -1, 0])
def test_multiply_at_ties_equals_gemmlowp(shift):
    """Accumulators at and beside the halves that both roundings meet."""
    values = [(2 * result + 1) * 2 ** (-shift) + step for result in range(-200, 201) for step in range(-2, 3)]
    got = fixed_point.multiply(values, 1 << 30, shift)
    assert got.tolist() == [multiply(value, 1 << 30, shift) for value in values]


def test_multiply_takes_a_factor_for_each_channel():
    rng = np.random.default_rng(1)
    values, multipliers = rng.integers(-(2**24), 2**24, (50, 6)), rng.integers(1 << 30, 1 << 31, 6)
    shifts = np.array([-20, -9, -1, 0, 1, 5])
    got = fixed_point.multiply(values, multipliers, shifts)
    factors = list(zip(multipliers.tolist(), shifts.tolist(), strict=True))
    assert got.tolist() == [[multiply(v, *f) for v, f in zip(row, factors, strict=True)] for row in values.tolist()]


def test_requantize_adds_the_zero_point_and_clamps():
    got = fixed_point.requantize([-1000, -3, 0, 3, 1000], 1 << 30, 0, 7, -20, 90)
    assert got.dtype == np.int8 and got.tolist() == [-20, 6, 7, 9, 90]  # -1.5 and 1.5 round up


@settings(max_examples=100, deadline=None)
@given(
    zero_points=st.tuples(INT8, INT8),
    scales=st.tuples(st.floats(2.0**-12, 1.0), st.just(1.0)).flatmap(st.permutations),
    output=st.floats(0.02, 50.0),
    zero_point=INT8,
    seed=st.integers(0, 2**32 - 1),
)
def test_add_equals_gemmlowp(zero_points, scales, output, zero_point, seed):
    a, b = np.random.default_rng(seed).integers(-128, 128, (2, 40)).astype(np.int8)
    multipliers = fixed_point.add_multipliers(*scales, output)
    got = fixed_point.add(a, b, zero_points, multipliers, zero_point, -100, 127)
    wanted = []
    for pair in zip(a.tolist(), b.tolist(), strict=True):
        parts = [
            multiply((value - point) * 2**20, *quantize_multiplier(scale / (2 * max(scales))))
            for value, point, scale in zip(pair, zero_points, scales, strict=True)
        ]
        total = multiply(sum(parts), *quantize_multiplier(2 * max(scales) / (2**20 * output)))
        wanted.append(min(max(total + zero_point, -100), 127))
    assert got.tolist() == wanted


@pytest.mark.parametrize("count", [1, 2, 3, 49])
def test_mean_rounds_ties_away_from_zero(count):
    totals = np.arange(-128 * count, 127 * count + 1)
    wanted = [int(abs(total) / count + 0.5) * (1 if total > 0 else -1) for total in totals.tolist()]
    assert fixed_point.mean(totals, count).tolist() == wanted
