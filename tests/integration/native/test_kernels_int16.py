"""Functions of int16 over every value, and softmax over many rows, equal TFLite Micro's interpreter."""

import ctypes

import numpy as np
import pytest
from kws_reference.tflite import int16
from tflite_micro import runtime

from tests.support import native
from tests.support.models import GraphBuilder
from tests.support.tflite_writer import write

EVERY = np.arange(-32768, 32768).astype(np.int16)
SHIFTS = {"LOGISTIC": (0,), "TANH": (0, 1)}


@pytest.fixture(scope="module")
def kernels():
    sources = ["tests/integration/native/kernels_int16_library.cc"]
    return ctypes.CDLL(native.build("kernels_int16", sources, includes=["firmware/src"], sanitize=False, shared=True))


def pointer(values):
    return values.ctypes.data_as(ctypes.c_void_p)


def interpreted(kind, scale, values, **options):
    """What TFLite Micro gives, and the scale as the file has it."""
    b = GraphBuilder(1)
    x = b.tensor("x", values.shape, scale, dtype="INT16")
    b.inputs = [x]
    b.outputs = [b.op(kind, [x], b.tensor("y", values.shape, int16.OUTPUT_SCALE, dtype="INT16"), **options)]
    interpreter = runtime.Interpreter.from_bytes(write(b.graph()), arena_size=1 << 20)
    interpreter.set_input(values, 0)
    interpreter.invoke()
    return interpreter.get_output(0), b.tensors[x].scales[0]


@pytest.mark.parametrize("kind", SHIFTS)
@pytest.mark.parametrize(
    "scale",
    [1 / 4096, 1 / 2048, 1 / 8192, 1 / 4096 * 1.0005, 1 / 2048 * 0.998, 1 / 3000, 1 / 100, 1 / 32768, 1e-6, 0.3, 5.0],
)
def test_sigmoid_of_every_value_equals_interpreter(kernels, kind, scale):
    wanted, scale = interpreted(kind, scale, EVERY[None])
    table, found = int16.sigmoid_table(), np.empty_like(EVERY)
    function = kernels.Logistic if kind == "LOGISTIC" else kernels.Tanh
    factor = int16.sigmoid_argument(scale, SHIFTS[kind])
    function(pointer(table), *factor, pointer(EVERY), len(EVERY), pointer(found))
    assert np.array_equal(found, wanted[0])
    assert len(np.unique(wanted)) > 2


def test_sigmoid_table_is_what_the_interpreter_shows_by_its_tanh():
    # With a scale of 1/48 the argument of x is 256 * x: entry x of the table without anything of the next one.
    shown, _ = interpreted("TANH", 1 / 48, np.arange(256, dtype=np.int16)[None])
    assert np.array_equal(shown[0].astype(np.int64) + 32768, int16.sigmoid_table())


@pytest.mark.parametrize("scale", [6.0, 1 / 4096 * 2**0.001])
def test_sigmoid_argument_of_a_scale_that_cannot_be_taken_raises(scale):
    with pytest.raises(ValueError, match="the scale"):
        int16.sigmoid_argument(scale, (0,))


@pytest.mark.parametrize(
    ("scale", "beta", "depth", "largest"),
    [
        (1 / 3000, 1.0, 4, 32767),
        (1 / 3000, 1.0, 12, 32767),
        (1 / 300, 0.7, 3, 32767),
        (1 / 20000, 1.0, 700, 32767),
        (1 / 3000, 1.0, 2000, 50),
        (1 / 3000, 1.0, 1, 32767),
        (1.0, 1.0, 5, 6),
        (1.0, 1.0, 5, 32767),
    ],
)
def test_softmax_of_random_rows_equals_interpreter(kernels, scale, beta, depth, largest):
    values = np.random.default_rng(depth).integers(-largest, largest + 1, (100, depth)).astype(np.int16)
    wanted, scale = interpreted("SOFTMAX", scale, values, beta=beta)
    tables, found = (int16.exponential_table(), int16.reciprocal_table()), np.empty_like(values)
    factor = int16.softmax_factor(scale, beta)
    kernels.Softmax(*map(pointer, tables), *factor, pointer(values), *values.shape, pointer(found))
    assert np.array_equal(found, wanted)
