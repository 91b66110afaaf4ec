"""Many streams side by side in NumPy: every score and state equals TFLite Micro's."""

from pathlib import Path

import numpy as np
import pytest
from kws_reference.bundle import Bundle
from kws_reference.network import operators
from kws_reference.network.batched import BatchedNetwork
from kws_reference.network.operators import Unsupported
from kws_reference.network.oracle import Network
from kws_reference.tflite import fixed_point
from kws_reference.tflite.graph import Op, Tensor

from tests.support import models
from tests.support.models import GraphBuilder

ZOO = Path(__file__).parents[3] / "training/zoo"
STREAMS = 3


def assert_equal_to_tflite_micro(bundle: Bundle, steps: int) -> None:
    batched, network = BatchedNetwork(bundle), Network(bundle)
    batched.reset(STREAMS)
    rng = np.random.default_rng(7)
    features = rng.integers(-128, 128, (steps, STREAMS, *bundle.features.shape[1:])).astype(np.int8)
    features[:, 1] //= 16  # one stream is quiet, one as loud as can be
    features[:, 2] = np.where(features[:, 2] < 0, -128, 127)
    scores = [batched.step(step) for step in features]
    for stream in range(STREAMS):
        network.reset()
        for step in range(steps):
            np.testing.assert_array_equal(scores[step][stream], network.step(features[step, stream]))
        for state, got in zip(network.states, batched.states(stream), strict=True):
            np.testing.assert_array_equal(got, state)


@pytest.mark.parametrize(("seed", "slice_kind"), [(1, "STRIDED_SLICE"), (2, "SLICE"), (3, "STRIDED_SLICE")])
def test_batched_network_random_model_equals_tflite_micro(tmp_path, seed, slice_kind):
    assert_equal_to_tflite_micro(models.matchbox(seed, slice_kind=slice_kind).write(tmp_path), 60)


def test_batched_network_int4_weights_equal_tflite_micro(tmp_path):
    bundle = models.int4_bundle(models.matchbox().write(tmp_path / "int8"), tmp_path / "int4")
    assert_equal_to_tflite_micro(bundle, 60)


def test_batched_network_without_biases_equals_tflite_micro(tmp_path):
    b = GraphBuilder(1)
    x = b.input("features", (1, 2, 1, 8), 1 / 32)
    x = b.conv("mix", b.state("one", 3, x), 9, bias="optional")
    x = b.depthwise("wide", x, 4, bias="absent")
    b.scores(b.dense("scores", b.average("mean", x, 2), 4, bias="optional"))
    assert_equal_to_tflite_micro(b.write(tmp_path), 40)


@pytest.mark.parametrize("name", ["matchbox", "matchbox_int4"])
def test_batched_network_released_model_equals_tflite_micro(name):
    assert_equal_to_tflite_micro(Bundle.load(ZOO / name), 120)


def test_batched_network_clamping_activations_equal_tflite_micro(tmp_path):
    assert_equal_to_tflite_micro(models.odd_channels().write(tmp_path), 40)


def test_batched_network_begins_anew_with_another_number_of_streams(tmp_path):
    bundle = models.matchbox().write(tmp_path)
    features = np.random.default_rng(3).integers(-128, 128, (20, 5, *bundle.features.shape[1:])).astype(np.int8)
    batched = BatchedNetwork(bundle)
    batched.reset(5)
    all_of_them = [batched.step(step) for step in features]
    batched.reset(2)
    for step, scores in zip(features, all_of_them, strict=True):
        np.testing.assert_array_equal(batched.step(step[:2]), scores[:2])


def test_requantizer_in_float64_equals_fixed_point_at_every_tie():
    """The fast way of the batched interpreter, at and beside every half that its two roundings meet."""
    for shift in range(-20, 1):
        factor = 0.7 * 2.0**shift
        weights = Tensor(1, "w", (1, 1), "INT8", (factor,), (0,), np.ones((1, 1), np.int8))
        bias = Tensor(2, "b", (1,), "INT32", (1.0,), (0,), np.zeros(1, np.int32))
        x, y = (Tensor(index, "", (1, 1), "INT8", (1.0,), (-3,), None) for index in (0, 3))
        op = Op(0, "CONV_2D", (0, 1, 2), (3,), {"activation": "NONE"})
        requantize = operators._requantizer(op, [x, weights, bias], y, weights.data)
        halves = np.rint((np.arange(-200, 201) + 0.5) / factor)
        totals = (halves[:, None] + np.arange(-3, 4)).ravel()
        totals = totals[np.abs(totals) < operators.LARGEST_SUM]
        got = requantize(totals.astype(np.float32)[None, :])
        multiplier = fixed_point.quantize_multiplier(factor)
        wanted = fixed_point.requantize(totals.astype(np.int64) + 3, *multiplier, -3, -128, 127)
        np.testing.assert_array_equal(got[0], wanted, err_msg=str(shift))


def test_batched_network_unknown_operator_is_refused_by_name(tmp_path, monkeypatch):
    bundle = models.matchbox().write(tmp_path)
    monkeypatch.delitem(operators._BUILDERS, "CONV_2D")
    with pytest.raises(Unsupported, match=r"^CONV_2D \(operator \d+, output 'block1/pointwise'\)"):
        BatchedNetwork(bundle)


def constant_operand():
    b, x = models._start(1, 2, 8)
    constant = b.tensor("one", (1, 2, 1, 8), 0.1, data=np.ones((1, 2, 1, 8), np.int8))
    b.scores(b.dense("scores", b.average("mean", b.add("sum", x, constant), 2), 4))
    return b


def depthwise_multiplier():
    b, x = models._start(6, 2, 8)
    x = b.depthwise("double", b.state("two", 2, x), 3, multiplier=2)
    b.scores(b.dense("scores", b.average("mean", x, 2), 4))
    return b


UNSUPPORTED = {
    "the kernel over time of CONV_2D .*'conv'": models.wide_step,
    "the kernel of DEPTHWISE_CONV_2D .*'double'": depthwise_multiplier,
    "the window, which is less than all, of AVERAGE_POOL_2D .*'groups'": models.features_twice,
    "a factor of CONV_2D .*'pw'": models.left_shift,
    "a constant operand of ADD .*'sum'": constant_operand,
}


@pytest.mark.parametrize("message", UNSUPPORTED)
def test_batched_network_what_it_does_not_know_is_refused_by_name(tmp_path, message):
    with pytest.raises(Unsupported, match=message):
        BatchedNetwork(UNSUPPORTED[message]().write(tmp_path))


@pytest.mark.parametrize("name", sorted(set(models.UNUSUAL) - {"odd_channels", "feedback", "handed_on"}))
def test_batched_network_model_that_needs_other_kernels_is_refused(tmp_path, name):
    with pytest.raises(Unsupported, match=r" \(operator \d+, output '|the type INT16 of state "):
        BatchedNetwork(models.UNUSUAL[name]().write(tmp_path))


@pytest.mark.parametrize("name", ["feedback", "handed_on"])
def test_batched_network_states_that_are_no_windows_equal_tflite_micro(tmp_path, name):
    assert_equal_to_tflite_micro(models.UNUSUAL[name]().write(tmp_path), 40)
