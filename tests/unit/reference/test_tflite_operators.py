"""Integers of MEAN, SUM, MUL, SUB and PRELU equal TFLite Micro's kernels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.tflite import fixed_point
from kws_reference.tflite.fixed_point import multiply, quantize_multiplier, requantize

from tests.support.models import GraphBuilder
from tests.support.operators import compute


def float32(value):
    return float(np.float32(value))


SCALE = st.floats(2.0**-6, 1.0).map(float32)
INT8 = st.integers(-128, 127)
SEED = st.integers(0, 2**32 - 1)


@settings(max_examples=100, deadline=None)
@given(
    sum_up=st.booleans(),
    axes=st.sets(st.integers(1, 3), min_size=1),
    sizes=st.tuples(*[st.integers(1, 9)] * 3),
    scale=SCALE,
    ratio=st.floats(0.5, 8.0),
    zero_points=st.tuples(INT8, INT8),
    seed=SEED,
)
def test_mean_and_sum_equal_interpreter(sum_up, axes, sizes, scale, ratio, zero_points, seed):
    x = np.random.default_rng(seed).integers(-128, 128, (1, *sizes)).astype(np.int8)
    axes = tuple(sorted(axes))
    count = int(np.prod([x.shape[axis] for axis in axes]))
    output_scale = float32(scale * ratio * (count if sum_up else 1))
    b = GraphBuilder(0)
    inputs = [b.input("x", x.shape, scale, zero_points[0]), b.constant("axes", axes)]
    shape = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    y = b.tensor("y", shape, output_scale, zero_points[1])
    b.outputs.append(b.op("SUM" if sum_up else "MEAN", inputs, y, keep_dims=True))
    total = (x.astype(int) - zero_points[0]).sum(axis=axes, keepdims=True)
    pair = quantize_multiplier(scale / output_scale)
    if not sum_up:
        pair = fixed_point.mean_multiplier(scale, output_scale, count)
    assert requantize(total, *pair, zero_points[1], -128, 127).tolist() == compute(b, x).tolist()


def product(a, b, scales, zero_points):
    pair = quantize_multiplier(scales[0] * scales[1] / scales[2])
    return requantize((a - zero_points[0]) * (b - zero_points[1]), *pair, zero_points[2], -128, 127)


def difference(a, b, scales, zero_points):
    multipliers = fixed_point.add_multipliers(*scales)
    parts = [
        fixed_point.scale_operand(values, point, multiplier)
        for values, point, multiplier in zip((a, b), zero_points[:2], multipliers.operands, strict=True)
    ]
    return requantize(parts[0] - parts[1], *multipliers.total, zero_points[2], -128, 127)


def prelu(a, b, scales, zero_points):
    value = a - zero_points[0]
    above = multiply(value, *quantize_multiplier(scales[0] / scales[2]))
    below = multiply(value * (b - zero_points[1]), *quantize_multiplier(scales[0] * scales[1] / scales[2]))
    return np.clip(np.where(value >= 0, above, below) + zero_points[2], -128, 127)


OPERATORS = {
    "MUL": (product, {"activation": "NONE"}, lambda a, b: 100 * a * b),
    "SUB": (difference, {"activation": "NONE"}, max),
    "PRELU": (prelu, {}, lambda a, _: a),
}


@pytest.mark.parametrize("kind", OPERATORS)
@settings(max_examples=100, deadline=None)
@given(scales=st.tuples(SCALE, SCALE), ratio=st.floats(0.5, 4.0), zero_points=st.tuples(INT8, INT8, INT8), seed=SEED)
def test_operation_of_two_operands_equals_interpreter(kind, scales, ratio, zero_points, seed):
    function, options, natural = OPERATORS[kind]
    a, b = np.random.default_rng(seed).integers(-128, 128, (2, 1, 4, 64)).astype(np.int8)
    scales = (*scales, float32(natural(*scales) * ratio))
    g = GraphBuilder(0)
    inputs = [g.input(name, a.shape, scales[i], zero_points[i]) for i, name in enumerate("ab")]
    g.outputs.append(g.op(kind, inputs, g.tensor("y", a.shape, scales[2], zero_points[2]), **options))
    wanted = function(a.astype(np.int64), b.astype(np.int64), scales, zero_points)
    assert wanted.tolist() == compute(g, a, b).tolist()
