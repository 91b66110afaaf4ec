"""Tables of functions of one int8 value equal TFLite Micro's kernels, for all 256 values and many scales."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kws_reference.tflite import functions
from kws_reference.tflite.functions import Quantization

from tests.support.models import GraphBuilder
from tests.support.operators import compute


def float32(value):
    return float(np.float32(value))


SCALE = st.floats(2.0**-12, 8.0).map(float32)
RATIO = st.floats(2.0**-4, 16.0)
INT8 = st.integers(-128, 127)
FIXED_OUTPUT = {"LOGISTIC": Quantization(1 / 256, -128), "TANH": Quantization(1 / 128, 0)}
FUNCTIONS = {
    "HARD_SWISH": functions.hard_swish,
    "LOGISTIC": functions.logistic,
    "QUANTIZE": functions.quantize,
    "RELU": functions.relu,
    "TANH": functions.tanh,
}


def table(kind, x, y, **options):
    """What TFLite Micro makes of -128 to 127."""
    b = GraphBuilder(0)
    b.outputs.append(b.op(kind, [b.input("x", (1, 256), *x)], b.tensor("y", (1, 256), *y), **options))
    return compute(b, np.arange(-128, 128, dtype=np.int8).reshape(1, 256)).reshape(-1).tolist()


@pytest.mark.parametrize("kind", FUNCTIONS)
@settings(max_examples=60, deadline=None)
@given(scale=SCALE, zero_point=INT8, ratio=RATIO, output_zero_point=INT8)
@example(scale=float32(0.1), zero_point=-128, ratio=1.0, output_zero_point=127)
@example(scale=float32(2.0**-12), zero_point=0, ratio=1.0, output_zero_point=0)
@example(scale=float32(600.0), zero_point=3, ratio=1.0, output_zero_point=3)
def test_function_equals_interpreter(kind, scale, zero_point, ratio, output_zero_point):
    x = Quantization(scale, zero_point)
    y = FIXED_OUTPUT.get(kind, Quantization(float32(scale * ratio), output_zero_point))
    assert FUNCTIONS[kind](x, y).tolist() == table(kind, x, y)


@settings(max_examples=60, deadline=None)
@given(scale=SCALE, zero_point=INT8)
def test_relu6_equals_interpreter(scale, zero_point):
    x = Quantization(scale, zero_point)
    assert functions.relu6(x, x).tolist() == table("RELU6", x, x)


@settings(max_examples=100, deadline=None)
@given(scale=SCALE, zero_point=INT8, ratio=RATIO, output_zero_point=INT8, alpha=st.floats(-2.0, 2.0).map(float32))
@example(scale=0.5, zero_point=0, ratio=1.0, output_zero_point=0, alpha=-0.5)
@example(scale=0.035768404603004456, zero_point=-15, ratio=0.8, output_zero_point=-56, alpha=float32(0.3))
def test_leaky_relu_equals_interpreter(scale, zero_point, ratio, output_zero_point, alpha):
    x, y = Quantization(scale, zero_point), Quantization(float32(scale * ratio), output_zero_point)
    assert functions.leaky_relu(x, y, alpha).tolist() == table("LEAKY_RELU", x, y, alpha=alpha)


@settings(max_examples=100, deadline=None)
@given(scale=SCALE, zero_point=INT8, ratio=RATIO, output_zero_point=INT8)
@example(scale=float32(0.03), zero_point=100, ratio=1.0, output_zero_point=0)
@example(scale=1.28125, zero_point=0, ratio=2.0, output_zero_point=0)
def test_elu_equals_interpreter_or_is_refused(scale, zero_point, ratio, output_zero_point):
    x, y = Quantization(scale, zero_point), Quantization(float32(scale * ratio), output_zero_point)
    try:
        got = functions.elu(x, y)
    except ValueError as error:
        assert "depends on the rounding of exp" in str(error)
    else:
        assert got.tolist() == table("ELU", x, y)


def test_elu_of_usual_scales_is_rarely_refused():
    def refused(scale, zero_point):
        try:
            functions.elu(Quantization(float32(scale), zero_point), Quantization(float32(scale), zero_point))
        except ValueError:
            return 1
        return 0

    scales = np.linspace(0.01, 0.2, 20)
    assert sum(refused(scale, zero_point) for scale in scales for zero_point in (-64, 0, 64)) <= 2


REFUSED = {
    "logistic scale": (functions.logistic, (0.1, 0), (1 / 128, -128), "must have scale 1/256 and zero point -128"),
    "logistic zero point": (functions.logistic, (0.1, 0), (1 / 256, 0), "must have scale 1/256 and zero point -128"),
    "logistic of a tiny scale": (functions.logistic, (1e-10, 0), (1 / 256, -128), "the scale 1e-10 is too small"),
    "tanh scale": (functions.tanh, (0.1, 0), (1 / 256, 0), "must have scale 1/128 and zero point 0"),
    "relu6 scale": (functions.relu6, (0.1, 0), (0.2, 0), "must share scale and zero point"),
    "relu factor": (functions.relu, (1e5, 0), (1e-5, 0), "a factor of 1e[+]10 is too large"),
    "hard swish output": (functions.hard_swish, (1.0, 0), (0.001, 0), "do not suit 16 bits"),
    "elu at a half": (functions.elu, (1e-6, 0), (2e-6, 0), "depends on the rounding of exp"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_function_that_has_no_right_table_is_refused(case):
    function, x, y, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        function(Quantization(*x), Quantization(*y))


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
def test_function_of_a_symmetric_input_is_monotonic_and_symmetric(kind):
    """What any right table of them is, whatever an interpreter says."""
    results = FUNCTIONS[kind](Quantization(float32(0.07), 0), FIXED_OUTPUT[kind]).astype(int)
    assert (np.diff(results) >= 0).all()
    centre = results[128]
    assert np.abs((results[1:] - centre)[::-1] + (results[1:] - centre)).max() <= 1
