"""SVDF, sub-spectral normalisation, cells of RNN and functions of frames: by their definitions, and what is refused."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from kws_training.streaming import (
    SVDF,
    CannotStream,
    ProjectedLSTMCell,
    Stream,
    SubSpectralNormalization,
    to_streaming,
)

from tests.support.streaming import clips_for, functional, randomize

# Differences of float32 sums of some dozens of terms in another order.
TOLERANCE = 1e-5


@pytest.mark.parametrize("rank", [1, 3])
def test_svdf_equals_its_definition(rank):
    model = functional((None, 6), SVDF(4, 5, rank=rank))
    x = clips_for(model, 12)
    features, time, bias = (array.astype(np.float64) for array in model.get_weights())
    rows = np.concatenate([np.zeros((2, 4, 4 * rank)), x @ features], 1)
    wanted = [(rows[:, t : t + 5] * time[..., 0]).sum(1).reshape(2, 4, rank).sum(-1) + bias for t in range(12)]
    assert np.abs(model(x).numpy() - np.stack(wanted, 1)).max() <= TOLERANCE


def test_sub_spectral_normalization_is_a_batch_normalization_of_each_group():
    model = functional((None, 6, 2), SubSpectralNormalization(3))
    x = clips_for(model, 10) * np.arange(1, 7, dtype=np.float32)[:, None]
    gamma, beta, mean, variance = (array.reshape(3, 2) for array in model.get_weights())
    groups = x.reshape(2, 10, 3, 2, 2)
    wanted = (groups - mean[:, None]) / np.sqrt(variance[:, None] + 1e-3) * gamma[:, None] + beta[:, None]
    assert np.abs(model(x).numpy() - wanted.reshape(x.shape)).max() <= TOLERANCE * np.abs(wanted).max()
    seen = groups.mean((0, 1, 3)), groups.var((0, 1, 3))
    wanted = (groups - seen[0][:, None]) / np.sqrt(seen[1][:, None] + 1e-3) * gamma[:, None] + beta[:, None]
    found = np.asarray(model(x, training=True))
    assert np.abs(found - wanted.reshape(x.shape)).max() <= TOLERANCE * np.abs(wanted).max()
    moved = model.layers[-1].norm.moving_mean.numpy().reshape(3, 2)
    assert np.allclose(moved, 0.99 * mean + 0.01 * seen[0], atol=TOLERANCE)


def test_projected_lstm_with_a_projection_that_changes_nothing_is_keras_lstm():
    cell, known = ProjectedLSTMCell(4, 4), layers.LSTMCell(4)
    for layer in (cell, known):
        layer.build((None, 6))
    kernel, recurrent, bias = (np.random.default_rng(1).normal(size=size) for size in ((6, 16), (4, 16), (16,)))
    cell.set_weights([kernel, recurrent, np.eye(4), bias])
    known.set_weights([kernel, recurrent, bias])
    x = np.random.default_rng(2).normal(size=(3, 6)).astype(np.float32)
    states = [np.full((3, 4), 0.3, np.float32), np.full((3, 4), -0.4, np.float32)]
    found, wanted = (keras.tree.flatten(each(x, states)) for each in (cell, known))
    for one, other in zip(found, wanted, strict=True):
        assert np.allclose(one, other, atol=TOLERANCE)


def test_projected_lstm_keeps_as_many_values_as_it_says():
    model = functional((None, 6), Stream(layers.RNN(ProjectedLSTMCell(7, 3), return_sequences=True), name="memory"))
    specs = to_streaming(model, 2).state_specs
    assert {name: spec.shape for name, spec in specs.items()} == {"memory_h": (3,), "memory_c": (7,)}


def test_function_of_frames_sees_each_frame_and_those_before_it():
    order = np.arange(1, 5, dtype=np.float32)
    layer = Stream(lambda window: ops.sum(window * order[:, None], 1), context=3)
    x = np.random.default_rng(1).normal(size=(2, 9, 5)).astype(np.float32)
    rows = np.concatenate([np.zeros((2, 3, 5), np.float32), x], 1)
    wanted = np.stack([(rows[:, t : t + 4] * order[:, None]).sum(1) for t in range(9)], 1)
    assert np.allclose(layer(x), wanted, atol=TOLERANCE)


def test_ready_layers_survive_a_file(tmp_path):
    def body(x):
        x = layers.Reshape((-1, 4, 2))(SVDF(8, 3, rank=2, activation="tanh")(x))
        x = Stream(layers.Flatten(), context=2)(layers.Reshape((-1, 8))(SubSpectralNormalization(2)(x)))
        return Stream(layers.RNN(ProjectedLSTMCell(5, 3)))(x)

    model = functional((None, 6), body)
    model.save(tmp_path / "model.keras")
    loaded, x = keras.models.load_model(tmp_path / "model.keras"), clips_for(model, 10)
    assert np.array_equal(loaded(x), model(x)) and np.abs(model(x)).max() > 0
    assert list(to_streaming(loaded, 2).state_specs) == list(to_streaming(model, 2).state_specs)


# Refusals


class Starting(layers.GRUCell):
    """Its state begins with two values."""

    def get_initial_state(self, batch_size=None):
        return [ops.tile(ops.convert_to_tensor([[0.0, 1.0]]), (batch_size, 1))]


class Mixing(layers.SimpleRNNCell):
    def call(self, inputs, states, training=False):
        output, states = super().call(inputs, states, training=training)
        return output - ops.mean(output, 0, keepdims=True), states


@pytest.mark.parametrize(
    "layer, message",
    [
        (lambda: Stream(layers.RNN(Starting(2)), name="late"), "late .* a state of its cell begins with different val"),
        (lambda: Stream(layers.RNN(Mixing(2)), name="mixing"), "mixing .* it mixes the clips of a batch, or windows"),
        (
            lambda: Stream(lambda x: x[:, 0] - ops.mean(x, (0, 1)), context=2, name="mean"),
            "mean .* it mixes the clips of a batch, or windows",
        ),
    ],
)
def test_cells_and_functions_that_cannot_stream_are_refused_by_name(layer, message):
    model = randomize(functional((None, 6), layer()))
    with pytest.raises(CannotStream, match=message):
        to_streaming(model, 2)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Stream(ops.abs, context=-1), "context must be an integer of at least 0. Received: -1"),
        (lambda: Stream(ops.abs, context=1, window=3), "context goes without lookahead and window. Received: None, 3"),
        (lambda: SVDF(4, 0), "memory must be an integer of at least 1. Received: 0"),
        (lambda: ProjectedLSTMCell(4, 0), "projection must be an integer of at least 1. Received: 0"),
        (lambda: SubSpectralNormalization(0), "groups must be an integer of at least 1. Received: 0"),
        (
            lambda: SubSpectralNormalization(4)(np.zeros((1, 2, 6, 1), np.float32)),
            "with a multiple of 4 bins. Received shape",
        ),
    ],
)
def test_ready_layers_with_wrong_arguments_say_what_they_received(make, message):
    with pytest.raises(ValueError, match=message):
        make()
