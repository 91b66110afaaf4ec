"""SOFTMAX in fixed point equals TFLite Micro's kernel."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kws_reference.tflite import softmax

from tests.support.models import GraphBuilder
from tests.support.operators import compute


def float32(value):
    return float(np.float32(value))


def interpreter(values, scale, beta):
    b = GraphBuilder(0)
    b.outputs.append(b.softmax("y", b.input("x", values.shape, scale, 3), beta))
    return compute(b, values)


@settings(max_examples=150, deadline=None)
@given(
    scale=st.floats(2.0**-16, 64.0).map(float32),
    beta=st.sampled_from([1.0, 0.25, 3.0]),
    depth=st.integers(1, 60),
    spread=st.sampled_from([1, 8, 64]),
    seed=st.integers(0, 2**32 - 1),
)
@example(scale=float32(0.1), beta=1.0, depth=511, spread=64, seed=0)
def test_softmax_equals_interpreter(scale, beta, depth, spread, seed):
    values = (np.random.default_rng(seed).integers(-128, 128, (1, 3, depth)) // spread).astype(np.int8)
    got = softmax.softmax(values, softmax.exponentials(scale, beta))
    assert got.tolist() == interpreter(values, scale, beta).tolist()


@pytest.mark.parametrize("value", [-128, 127])
def test_softmax_of_as_many_equal_values_as_are_allowed_equals_interpreter(value):
    values = np.full((1, softmax.MAX_DEPTH), value, np.int8)
    got = softmax.softmax(values, softmax.exponentials(0.5, 1.0))
    assert got.tolist() == interpreter(values, 0.5, 1.0).tolist()


@pytest.mark.parametrize("scale", [float32(2.0**-10), float32(0.05), 2.0])
def test_exponentials_are_those_of_real_numbers(scale):
    distances = np.arange(256)
    got = softmax.exponentials(scale, 1.0) / 2**31
    # Four terms of the series around -1/8, and an argument of 26 fraction bits.
    assert np.abs(got - np.exp(-scale * distances)).max() < 2.0**-20


def test_exponentials_of_a_tiny_scale_are_refused():
    with pytest.raises(ValueError, match="the scale 1e-09 is too small"):
        softmax.exponentials(1e-9, 1.0)
