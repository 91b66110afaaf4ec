"""Factors and 16-bit functions of SVDF and LSTM are TFLite Micro's, bit for bit."""

import dataclasses

import numpy as np
import pytest
from kws_reference.tflite import recurrent
from kws_reference.tflite.fixed_point import multiply, quantize_multiplier

from tests.support.models import GraphBuilder
from tests.support.operators import compute

ARENA_BYTES = 1 << 20
EVERY = np.arange(-(2**15), 2**15).astype(np.int16)


def function(kind, scale):
    """Results of an operator of TFLite Micro for every int16 value."""
    b = GraphBuilder(0)
    shape = (1, EVERY.size)
    b.inputs.append(b.tensor("x", shape, scale, dtype="INT16"))
    b.outputs.append(b.op(kind, [0], b.tensor("y", shape, recurrent.FUNCTION_SCALE, dtype="INT16")))
    return compute(b, EVERY.reshape(shape), arena_bytes=ARENA_BYTES)[0]


def test_logistic_of_every_value_equals_tflite_micro():
    assert np.array_equal(recurrent.logistic(EVERY), function("LOGISTIC", recurrent.GATE_SCALE))


@pytest.mark.parametrize("power", [-9, -11, -12, -13, -15])
def test_tanh_of_every_value_equals_tflite_micro(power):
    results = recurrent.tanh(EVERY, *recurrent.tanh_argument(2.0**power))
    assert np.array_equal(results, function("TANH", 2.0**power))


@pytest.mark.parametrize("scale", [0.001, 2.0, 2.0**-31])
def test_tanh_argument_of_another_scale_is_refused(scale):
    with pytest.raises(ValueError, match="is no power of two from 2\\^-30 to 1"):
        recurrent.tanh_argument(scale)


def float32(value):
    return float(np.float32(value))


def telling(factor, other, sums):
    """Sums whose result shows which of two factors, almost equal ones, they were multiplied with."""
    results = [multiply(sums, *quantize_multiplier(value)) for value in (factor, other)]
    return sums[results[0] != results[1]]


def test_svdf_factor_to_the_output_equals_tflite_micro():
    """The sums over time are biases here, chosen so that a factor rounded to float32 would give another result."""
    checked = 0
    for seed in range(12):
        b = GraphBuilder(seed)
        y = b.svdf("y", b.input("x", (1, 2), 1 / 32), 100, 1)
        _, _, time, bias, kept = b.ops[-1].inputs
        scales = [float32(scale) for scale in b.rng.uniform(1, 2, 3) * (1e-5, 1e-4, 1e-3)]
        factor = recurrent.svdf_factors(1, 1, scales[1], scales[0], scales[2])[1]
        rounded = float32(np.float32(scales[1]) * np.float32(scales[0]) / np.float32(scales[2]))
        ties = np.rint((np.arange(-60, 60) + 0.5) / factor).astype(np.int64)
        sums = telling(factor, rounded, (ties[:, None] + np.arange(-300, 300)).reshape(-1))
        checked += sums.size
        data = np.resize(sums if sums.size else ties, 100).astype(np.int32)
        for index, changes in {
            time: dict(scales=(scales[0],), data=b.tensors[time].data * 0),
            kept: dict(scales=(scales[1],)),
            bias: dict(scales=(scales[0] * scales[1],), data=data),
            y: dict(scales=(scales[2],), zero_points=(0,)),
        }.items():
            b.tensors[index] = dataclasses.replace(b.tensors[index], **changes)
        b.outputs.insert(0, y)
        found = compute(b, np.zeros((1, 2), np.int8), np.zeros((1, 100), np.int16), arena_bytes=ARENA_BYTES)[0]
        assert np.array_equal(found, np.clip(multiply(data, *quantize_multiplier(factor)), -128, 127))
    assert checked > 500
