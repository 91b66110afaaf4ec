"""Many streams side by side in NumPy: every score and state equals TFLite Micro's."""

from pathlib import Path

import numpy as np
import pytest
from kws_reference.bundle import Bundle
from kws_reference.network import batched as stacked_network
from kws_reference.network.batched import StackedNetwork, Unsupported
from kws_reference.network.oracle import Network

from tests.support import models
from tests.support.models import GraphBuilder

ZOO = Path(__file__).parents[3] / "training/zoo"
STREAMS = 3


def assert_equal_to_tflite_micro(bundle: Bundle, steps: int) -> None:
    stacked, network = StackedNetwork(bundle, STREAMS), Network(bundle)
    rng = np.random.default_rng(7)
    features = rng.integers(-128, 128, (steps, STREAMS, *bundle.features.shape[1:])).astype(np.int8)
    features[:, 1] //= 16  # one stream is quiet, one as loud as can be
    features[:, 2] = np.where(features[:, 2] < 0, -128, 127)
    scores = [stacked.step(step) for step in features]
    for stream in range(STREAMS):
        network.reset()
        for step in range(steps):
            np.testing.assert_array_equal(scores[step][stream], network.step(features[step, stream]))
        for state, got in zip(network.states, stacked.states(stream), strict=True):
            np.testing.assert_array_equal(got, state)


@pytest.mark.parametrize(("seed", "slice_kind"), [(1, "STRIDED_SLICE"), (2, "SLICE"), (3, "STRIDED_SLICE")])
def test_stacked_network_random_model_equals_tflite_micro(tmp_path, seed, slice_kind):
    assert_equal_to_tflite_micro(models.matchbox(seed, slice_kind=slice_kind).write(tmp_path), 60)


def test_stacked_network_int4_weights_equal_tflite_micro(tmp_path):
    bundle = models.int4_bundle(models.matchbox().write(tmp_path / "int8"), tmp_path / "int4")
    assert_equal_to_tflite_micro(bundle, 60)


def test_stacked_network_without_biases_equals_tflite_micro(tmp_path):
    b = GraphBuilder(1)
    x = b.input("features", (1, 2, 1, 8), 1 / 32)
    x = b.conv("mix", b.state("one", 3, x), 9, bias="optional")
    x = b.depthwise("wide", x, 4, bias="absent")
    b.scores(b.dense("scores", b.average("mean", x, 2), 4, bias="optional"))
    assert_equal_to_tflite_micro(b.write(tmp_path), 40)


def test_stacked_network_released_model_equals_tflite_micro():
    assert_equal_to_tflite_micro(Bundle.load(ZOO / "matchbox_kit12"), 120)


def test_stacked_network_unknown_operation_is_refused_by_name(tmp_path, monkeypatch):
    bundle = models.matchbox().write(tmp_path)
    monkeypatch.delitem(stacked_network._BUILDERS, "CONV_2D")
    with pytest.raises(Unsupported, match="CONV_2D"):
        StackedNetwork(bundle, 1)


def test_stacked_network_other_activation_is_refused(tmp_path):
    with pytest.raises(Unsupported, match="activation"):
        StackedNetwork(models.odd_channels().write(tmp_path), 1)
