"""The streaming library: streaming equals whole clips for every layer and connection; the rest is refused by name."""

import itertools
import re

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, ops  # noqa: E402
from kws_training.streaming import (  # noqa: E402
    SVDF,
    CannotStream,
    Delay,
    LocalSelfAttention,
    ProjectedLSTMCell,
    StateSpec,
    Stream,
    Streaming,
    StreamingLayer,
    SubSpectralNormalization,
    to_streaming,
)

from tests.support.streaming import (  # noqa: E402
    assert_close,
    assert_streams,
    calls,
    clips_for,
    functional,
    listed,
    randomize,
)

SOUND = (None, 6)  # [time, channels]
PICTURE = (None, 7, 3)  # [time, bins, channels]


def spread(window):
    """Of the frames of a window ``[batch, frames, ...]``."""
    return ops.max(window, 1) - ops.min(window, 1)


# id: (shape of the input, cell, arguments of Stream, step sizes, frames of the clip)
CELLS = {
    "conv1d valid": (SOUND, lambda: layers.Conv1D(5, 4), {}, (1, 3, 12), 12),
    "conv1d causal dilated": (SOUND, lambda: layers.Conv1D(5, 3, padding="causal", dilation_rate=3), {}, (1, 4), 12),
    "conv1d same": (SOUND, lambda: layers.Conv1D(5, 5, padding="same"), {}, (1, 3), 12),
    "conv1d same even": (SOUND, lambda: layers.Conv1D(5, 4, padding="same", activation="tanh"), {}, (1, 4), 12),
    "conv1d same dilated": (SOUND, lambda: layers.Conv1D(5, 3, padding="same", dilation_rate=4), {}, (1, 3), 12),
    "conv1d lookahead": (SOUND, lambda: layers.Conv1D(5, 6, padding="causal"), {"lookahead": 2}, (1, 4), 12),
    "conv1d strided": (SOUND, lambda: layers.Conv1D(5, 5, strides=2, padding="causal"), {}, (2, 6), 12),
    "conv1d stride over kernel": (SOUND, lambda: layers.Conv1D(5, 2, strides=3), {}, (3, 6), 12),
    "conv1d strided lookahead": (SOUND, lambda: layers.Conv1D(5, 6, strides=3), {"lookahead": 4}, (3, 6), 12),
    "conv1d strided same": (SOUND, lambda: layers.Conv1D(5, 4, 2, padding="same"), {"lookahead": 3}, (2, 4), 12),
    "conv1d groups": (SOUND, lambda: layers.Conv1D(4, 3, groups=2, dilation_rate=2), {}, (1, 4), 12),
    "conv1d one tap": (SOUND, lambda: layers.Conv1D(5, 1, use_bias=False), {}, (1, 5), 10),
    "conv1d one tap strided": (SOUND, lambda: layers.Conv1D(5, 1, strides=2), {}, (2, 4), 12),
    "depthwise1d": (SOUND, lambda: layers.DepthwiseConv1D(4, depth_multiplier=2), {}, (1, 3), 12),
    "depthwise1d same dilated": (
        *(SOUND, lambda: layers.DepthwiseConv1D(3, dilation_rate=2, padding="same"), {}, (1, 2, 3), 12),
    ),
    "depthwise1d strided": (SOUND, lambda: layers.DepthwiseConv1D(3, strides=2), {"lookahead": 1}, (2, 4), 12),
    "separable1d": (SOUND, lambda: layers.SeparableConv1D(5, 3, activation="relu"), {}, (1, 4), 12),
    "separable1d same dilated": (
        *(SOUND, lambda: layers.SeparableConv1D(5, 3, dilation_rate=2, padding="same"), {}, (1, 4), 12),
    ),
    "separable1d strided": (SOUND, lambda: layers.SeparableConv1D(5, 4, strides=2), {"lookahead": 2}, (2, 6), 12),
    "conv2d valid": (PICTURE, lambda: layers.Conv2D(4, (3, 2)), {}, (1, 4), 12),
    "conv2d same": (PICTURE, lambda: layers.Conv2D(4, (3, 4), padding="same", activation="relu"), {}, (1, 4), 12),
    "conv2d same causal": (PICTURE, lambda: layers.Conv2D(4, (4, 3), padding="same"), {"lookahead": 0}, (1, 3), 12),
    "conv2d bins strided": (
        *(PICTURE, lambda: layers.Conv2D(4, (3, 4), strides=(1, 2), padding="same"), {"lookahead": 1}, (1, 4), 12),
    ),
    "conv2d both strided": (
        *(PICTURE, lambda: layers.Conv2D(4, (3, 3), strides=(2, 3), padding="same"), {"lookahead": 1}, (2, 4), 12),
    ),
    "conv2d dilated": (PICTURE, lambda: layers.Conv2D(4, (3, 2), dilation_rate=(3, 2)), {}, (1, 4), 12),
    "conv2d dilated same": (
        *(PICTURE, lambda: layers.Conv2D(4, (2, 3), dilation_rate=(3, 2), padding="same"), {}, (1, 4), 12),
    ),
    "conv2d dilated over the bins": (
        *(PICTURE, lambda: layers.Conv2D(4, (2, 3), dilation_rate=(1, 4), padding="same"), {}, (1, 4), 12),
    ),
    "conv1d longer than the clip": ((4, 6), lambda: layers.Conv1D(5, 3, dilation_rate=3), {}, (1, 4), 4),
    "depthwise2d": (PICTURE, lambda: layers.DepthwiseConv2D((3, 2), depth_multiplier=2), {}, (1, 4), 12),
    "depthwise2d same": (PICTURE, lambda: layers.DepthwiseConv2D((3, 3), padding="same"), {}, (1, 4), 12),
    "depthwise2d same dilated": (
        *(PICTURE, lambda: layers.DepthwiseConv2D(3, dilation_rate=(2, 2), padding="same"), {}, (1, 4), 12),
    ),
    "depthwise2d strided": (
        *(PICTURE, lambda: layers.DepthwiseConv2D(3, strides=2, padding="same"), {"lookahead": 1}, (2, 4), 12),
    ),
    "separable2d": (
        *(PICTURE, lambda: layers.SeparableConv2D(4, (3, 4), strides=(1, 1), padding="same"), {}, (1, 4), 12),
    ),
    "average pooling 1d": (SOUND, lambda: layers.AveragePooling1D(2), {}, (2, 6), 12),
    "average pooling 1d same": (SOUND, lambda: layers.AveragePooling1D(3, 1, padding="same"), {}, (1, 4), 12),
    "max pooling 1d": (SOUND, lambda: layers.MaxPooling1D(3, 2), {"lookahead": 1}, (2, 4), 12),
    "max pooling 1d overlapping": (SOUND, lambda: layers.MaxPooling1D(4, 1), {}, (1, 3), 12),
    "average pooling 2d": (PICTURE, lambda: layers.AveragePooling2D((2, 3)), {}, (2, 4), 12),
    "average pooling 2d bins": (PICTURE, lambda: layers.AveragePooling2D((1, 3), padding="same"), {}, (1, 4), 12),
    "max pooling 2d": (PICTURE, lambda: layers.MaxPooling2D((3, 2), (1, 2), padding="same"), {}, (1, 4), 12),
    "flatten": (SOUND, layers.Flatten, {"window": 9}, (1, 2, 4), 12),
    "flatten picture": (PICTURE, layers.Flatten, {"window": 5}, (1, 4), 12),
    "flatten one step": (SOUND, layers.Flatten, {"window": 4}, (4,), 12),
    "flatten over the clip": ((12, 6), layers.Flatten, {}, (1, 3, 12), 12),
    "flatten short clip": (SOUND, layers.Flatten, {"window": 20}, (1, 4), 12),
    "global average 1d": (SOUND, layers.GlobalAveragePooling1D, {"window": 12}, (1, 3, 5), 15),
    "global average 1d odd": (SOUND, layers.GlobalAveragePooling1D, {"window": 7}, (1, 3), 12),
    "global max 1d": (SOUND, layers.GlobalMaxPooling1D, {"window": 8}, (1, 3, 4), 12),
    "global average 2d": (PICTURE, layers.GlobalAveragePooling2D, {"window": 6}, (1, 4), 12),
    "global max 2d": (PICTURE, layers.GlobalMaxPooling2D, {"window": 6}, (1, 4), 12),
    "gru": (SOUND, lambda: layers.GRU(5, return_sequences=True), {}, (1, 4), 12),
    "gru last": (SOUND, lambda: layers.GRU(5, reset_after=False), {}, (1, 4), 12),
    "lstm": (SOUND, lambda: layers.LSTM(5, return_sequences=True), {}, (1, 4), 12),
    "lstm last": (SOUND, lambda: layers.LSTM(5), {}, (1, 4), 12),
    "simple rnn": (SOUND, lambda: layers.SimpleRNN(5, return_sequences=True), {}, (1, 4), 12),
    "simple rnn last": (SOUND, lambda: layers.SimpleRNN(5), {}, (1, 4), 12),
    "conv1d transpose": (SOUND, lambda: layers.Conv1DTranspose(4, 5, 2), {}, (1, 3), 12),
    "conv1d transpose same": (
        *(SOUND, lambda: layers.Conv1DTranspose(4, 6, 3, padding="same", activation="tanh"), {}, (1, 3), 12),
    ),
    "conv1d transpose lookahead": (SOUND, lambda: layers.Conv1DTranspose(4, 7, 2), {"lookahead": 4}, (1, 3), 12),
    "conv1d transpose long": (SOUND, lambda: layers.Conv1DTranspose(4, 9, 1, use_bias=False), {}, (1, 3), 12),
    "conv1d transpose short": (SOUND, lambda: layers.Conv1DTranspose(4, 2, 3), {}, (1, 3), 12),
    "conv2d transpose": (PICTURE, lambda: layers.Conv2DTranspose(4, (3, 2), (2, 1)), {}, (1, 3), 12),
    "conv2d transpose same": (
        *(PICTURE, lambda: layers.Conv2DTranspose(4, (4, 3), 2, padding="same"), {}, (1, 3), 12),
    ),
    "attention": (SOUND, lambda: LocalSelfAttention(4, 5, heads=2), None, (1, 3), 12),
    "delay": (SOUND, lambda: Delay(3), None, (1, 2, 4), 12),
    "svdf": (SOUND, lambda: SVDF(4, 5, activation="relu"), None, (1, 3), 12),
    "svdf of rank 3": (SOUND, lambda: SVDF(4, 5, rank=3), None, (1, 3), 12),
    "svdf of one frame": (SOUND, lambda: SVDF(4, 1, rank=2, use_bias=False), None, (1, 3), 12),
    "sub-spectral normalization": (PICTURE, lambda: SubSpectralNormalization(7), None, (1, 4), 12),
    "rnn of a cell": (SOUND, lambda: layers.RNN(layers.GRUCell(5), return_sequences=True), {}, (1, 4), 12),
    "rnn last": (SOUND, lambda: layers.RNN(layers.SimpleRNNCell(5)), {}, (1, 4), 12),
    "rnn of cells": (
        *(SOUND, lambda: layers.RNN([layers.LSTMCell(5), layers.GRUCell(4)], return_sequences=True), {}, (1, 4), 12),
    ),
    "lstm with projection": (
        *(SOUND, lambda: layers.RNN(ProjectedLSTMCell(6, 3), return_sequences=True), {}, (1, 4), 12),
    ),
    "function of frames": (SOUND, lambda: spread, {"context": 4}, (1, 3), 12),
    "function of bins of frames": (PICTURE, lambda: spread, {"context": 1}, (1, 4), 12),
    "layer of frames": (SOUND, lambda: layers.Flatten(), {"context": 3}, (1, 4), 12),
}


def wrapped(cell, arguments):
    """A cell in Stream; what is a streaming layer already stays."""
    return cell() if arguments is None else Stream(cell(), **arguments)


def looks_ahead(shape):
    """A layer in front, behind which everything lags by 3 frames and is not zero outside the clip."""
    kernel = 4 if len(shape) == 2 else (4, 3)
    convolution = layers.Conv1D if len(shape) == 2 else layers.Conv2D
    return Stream(convolution(4, kernel, padding="same" if len(shape) == 3 else "causal"), lookahead=3)


@pytest.mark.parametrize("name", CELLS)
def test_stream_of_each_cell_equals_batch(name):
    shape, cell, arguments, steps, length = CELLS[name]
    model = functional(shape, wrapped(cell, arguments))
    assert_streams(model, *steps, length=length)


@pytest.mark.parametrize("name", CELLS)
def test_stream_of_each_cell_behind_a_layer_that_looks_ahead_equals_batch(name):
    shape, cell, arguments, steps, length = CELLS[name]

    def body(x):
        x = layers.ReLU()(looks_ahead(shape)(x))
        y = wrapped(cell, arguments)(x)
        return layers.Dense(3)(y)

    assert_streams(functional(shape, body), steps[min(1, len(steps) - 1)], length=length)


# On whole clips, Stream is the cell


@pytest.mark.parametrize("name", ["conv1d same", "conv1d same even", "conv1d same dilated", "conv2d same"])
def test_stream_with_same_padding_on_clips_is_the_keras_layer(name):
    shape, cell, arguments, _, length = CELLS[name]
    model = functional(shape, wrapped(cell, arguments))
    alone = cell()
    alone.build((None, *shape))
    alone.set_weights(model.get_weights())
    clips = clips_for(model, length)
    assert_close(model(clips), alone(clips))


@pytest.mark.parametrize("padding", ["valid", "causal"])
def test_stream_without_lookahead_on_clips_is_keras_causal_convolution(padding):
    model = functional(SOUND, Stream(layers.Conv1D(5, 4, dilation_rate=2, padding=padding)))
    alone = layers.Conv1D(5, 4, dilation_rate=2, padding="causal")
    alone.build((None, *SOUND))
    alone.set_weights(model.get_weights())
    clips = clips_for(model, 12)
    assert_close(model(clips), alone(clips))


def test_stream_lookahead_on_clips_moves_the_window():
    clips = np.arange(1, 10, dtype=np.float32).reshape(1, 9, 1)
    cell = layers.Conv1D(1, 4, use_bias=False, kernel_initializer="ones")
    rows = Stream(cell, lookahead=1)(clips)[0, :, 0].numpy()
    # frame t sees frames t - 2 .. t + 1
    assert rows.tolist() == [3, 6, 10, 14, 18, 22, 26, 30, 24]


def test_stream_same_padding_of_transposed_convolution_is_the_keras_layer():
    model = functional(SOUND, Stream(layers.Conv1DTranspose(4, 6, 2, padding="same")))
    alone = layers.Conv1DTranspose(4, 6, 2, padding="same")
    alone.build((None, *SOUND))
    alone.set_weights(model.get_weights())
    clips = clips_for(model, 9)
    assert_close(model(clips), alone(clips))


# Connections


def residual_causal(x):
    y = layers.BatchNormalization()(Stream(layers.DepthwiseConv1D(3))(x))
    y = layers.BatchNormalization()(layers.Conv1D(6, 1, use_bias=False)(y))
    return layers.ReLU()(layers.Add()([y, x]))


def residual_non_causal(x):
    for kernel in (3, 6):
        y = Stream(layers.SeparableConv1D(6, kernel, padding="same"))(x)
        x = layers.Add()([layers.BatchNormalization()(y), Delay(kernel // 2)(x)])
        x = layers.ReLU()(x)
    return x


def residual_non_causal_strided(x):
    x = layers.ReLU()(Stream(layers.Conv1D(6, 6), lookahead=3)(x))  # lags 3 frames, then 3 + 1 of them: 2 longer ones
    y = Stream(layers.Conv1D(5, 3, strides=2), lookahead=1)(x)
    z = Stream(layers.AveragePooling1D(2))(Delay(1)(x))
    return Stream(layers.Conv1D(4, 3, padding="same"))(layers.Concatenate()([y, z]))


def unet(x):
    low = Stream(layers.Conv1D(5, 4, strides=2, activation="relu"))(x)
    low = Stream(layers.Conv1D(5, 3, padding="same", activation="relu"))(low)
    high = Stream(layers.Conv1DTranspose(6, 4, 2, padding="same"))(low)
    return layers.Concatenate()([high, Delay(3)(x)])


def norms_that_fold(x):
    x = layers.BatchNormalization()(Stream(layers.Conv1D(5, 3, use_bias=False))(x))
    x = layers.BatchNormalization(scale=False)(Stream(layers.DepthwiseConv1D(3, depth_multiplier=2))(x))
    return layers.BatchNormalization(center=False)(layers.Dense(4)(x))


def norms_that_do_not_fold(x):
    x = layers.BatchNormalization()(x)
    y = Stream(layers.Conv1D(6, 3))(x)
    z = layers.BatchNormalization()(y)
    z = layers.BatchNormalization()(Stream(layers.Conv1D(6, 3, activation="tanh"))(z))
    return layers.Add()([y, z])


def norms_behind_dropout(x):
    x = Stream(layers.Conv1D(6, 3))(x)
    y = layers.BatchNormalization()(layers.Dropout(0.5)(x))
    return layers.Add()([layers.SpatialDropout1D(0.5)(x), y])


def norms_behind_two_dropouts(x):
    x = Stream(layers.Conv1D(6, 3))(x)
    pair = [layers.BatchNormalization()(layers.Dropout(0.5)(x)) for _ in range(2)]
    return layers.Multiply()(pair)


def frame_by_frame_layers(x):
    x = layers.LayerNormalization()(Stream(layers.Conv1D(8, 3, activation="swish"))(x))
    x = layers.Reshape((-1, 4, 2))(x)
    x = layers.TimeDistributed(layers.Conv1D(3, 2))(x)
    x = layers.Permute((1, 3, 2))(x)
    x = layers.Reshape((-1, 9))(x)
    x = layers.PReLU(shared_axes=[1])(layers.Dense(6)(x))
    x = layers.LeakyReLU()(layers.UnitNormalization()(x))
    return layers.Softmax()(layers.Activation("gelu")(x))


def functions(x):
    y = Stream(layers.Conv1D(6, 2))(x)
    y = ops.relu(y) + 0.5 * ops.sigmoid(x) - np.linspace(-1, 1, 6, dtype=np.float32)
    return ops.tanh(ops.maximum(y, 2.0 * x)) / (1.0 + ops.square(y))


def picture_in_sound(x):
    y = layers.Reshape((-1, 6, 1))(x)
    y = Stream(layers.Conv2D(4, 3, strides=(1, 2), padding="same", activation="relu"), lookahead=0)(y)
    y = Stream(layers.DepthwiseConv2D((3, 3), padding="same"), lookahead=0)(y)
    y = layers.BatchNormalization()(layers.Conv2D(5, 1)(y))
    return Stream(layers.GRU(4, return_sequences=True))(layers.Reshape((-1, 15))(y))


def shared_layers(x):
    twice = Stream(layers.Conv1D(6, 3), name="twice")
    return twice(layers.ReLU()(twice(x)))


def shared_layers_with_norms(x):
    convolution = Stream(layers.Conv1D(6, 3))
    norm = layers.BatchNormalization()
    return layers.Add()([norm(convolution(norm(convolution(x)))), x])


def nested_models(x):
    inner = keras.Sequential([keras.Input((None, 6)), Stream(layers.Conv1D(6, 3)), layers.ReLU()], name="inner")
    source = keras.Input((None, 6))
    first = inner(source)
    branches = keras.Model(source, [first, Stream(layers.Conv1D(6, 2))(first)], name="branches")
    one, two = branches(x)
    return inner(layers.Add()([one, two]))


def late_end(x):
    x = layers.ReLU()(Stream(layers.Conv1D(6, 5, padding="same"))(x))
    x = Stream(layers.Flatten(), window=7)(x)
    return layers.Dense(3, activation="softmax")(layers.BatchNormalization()(layers.Dense(5)(x)))


def two_ends(x):
    mean = Stream(layers.GlobalAveragePooling1D(), window=12)(x)
    highest = Stream(layers.GlobalMaxPooling1D(), window=8)(x)
    last = layers.Dense(6)(Stream(layers.LSTM(4))(x))
    return layers.Dense(3)(layers.Concatenate(axis=1)([layers.Add()([mean, highest]), last]))


def several_outputs(x):
    y = Stream(layers.Conv1D(5, 5, padding="same"))(x)
    z = Stream(layers.Conv1D(4, 4, strides=2))(layers.ReLU()(y))
    return [z, x, y, y, Stream(layers.GRU(3))(z)]


CONNECTIONS = {
    body.__name__: (body, steps)
    for body, steps in [
        (residual_causal, (1, 3)),
        (residual_non_causal, (1, 4)),
        (residual_non_causal_strided, (2, 4)),
        (unet, (2, 6)),
        (norms_that_fold, (1, 4)),
        (norms_that_do_not_fold, (1, 4)),
        (norms_behind_dropout, (3,)),
        (norms_behind_two_dropouts, (3,)),
        (frame_by_frame_layers, (1, 4)),
        (functions, (1, 4)),
        (picture_in_sound, (1, 3)),
        (shared_layers, (1, 4)),
        (shared_layers_with_norms, (3,)),
        (nested_models, (1, 4)),
        (late_end, (1, 4)),
        (two_ends, (1, 4)),
        (several_outputs, (2, 4)),
    ]
}


@pytest.mark.parametrize("name", CONNECTIONS)
def test_stream_of_connected_layers_equals_batch(name):
    body, steps = CONNECTIONS[name]
    assert_streams(functional(SOUND, body), *steps, length=24)


@pytest.mark.parametrize("name", CONNECTIONS)
def test_several_steps_in_one_call_equal_single_steps(name):
    body, steps = CONNECTIONS[name]
    model = functional(SOUND, body)
    streaming = to_streaming(model, steps[-1])
    features = clips_for(model, 4 * steps[-1] * 2, batch=1)
    single, states = calls(streaming, features)
    several, last = calls(streaming, features, steps=4)
    for number, node in enumerate(listed(several[0])):
        rows = [
            np.concatenate([outputs[number] for outputs in each], 1 if node.ndim > 2 else 0)
            for each in (single, several)
        ]
        assert_close(rows[1], rows[0], name)
    for state in states:
        assert_close(last[state], states[state], state)


def test_to_streaming_leaves_the_training_model_as_it_was():
    model = functional(SOUND, norms_that_fold)
    weights, clips = model.get_weights(), clips_for(model, 12)
    before, config = model(clips).numpy(), model.get_config()
    assert_streams(model, 2, length=12)
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), weights, strict=True))
    assert np.array_equal(model(clips).numpy(), before) and model.get_config() == config
    assert model.trainable_variables


def test_state_names_are_those_of_the_layers_and_stay():
    def body(x):
        x = Stream(layers.Conv1D(6, 3, padding="same"), name="first")(x)
        inner = keras.Sequential([keras.Input((None, 6)), Stream(layers.LSTM(4, return_sequences=True), name="memory")])
        inner.name = "inner"
        x = inner(x)
        twice = Stream(layers.Conv1D(4, 2), name="twice")
        return Stream(layers.Flatten(), window=4, name="pool")(twice(twice(x)))

    expected = {
        "first": (2, 1, 6),
        "inner_memory_h": (4,),
        "inner_memory_c": (4,),
        "twice": (1, 1, 4),
        "twice_1": (1, 1, 4),
    }
    for frames in (1, 2):
        model = functional(SOUND, body)
        specs = to_streaming(model, frames).state_specs
        names = [name for name in specs if name not in ("pool", "valid")]
        assert names == list(expected)
        assert {name: specs[name].shape for name in names} == expected


def test_state_names_of_a_layer_called_twice_do_not_meet_another_layers_name():
    def body(x):
        twice = Stream(layers.Conv1D(6, 3), name="block")
        return Stream(layers.Conv1D(6, 4), name="block_1")(twice(twice(x)))

    streaming = assert_streams(functional(SOUND, body), 2, length=12)
    assert len(streaming.state_specs) == 3


def test_streaming_model_tells_what_a_step_takes():
    streaming = to_streaming(functional(SOUND, residual_causal), 2)
    states = streaming.initial_states()
    with pytest.raises(ValueError, match=r"a step takes 2 frames. Received: 3"):
        streaming(np.zeros((1, 3, 6)), states)
    with pytest.raises(ValueError, match=r"states must be \[.*\]. Received: \[\]"):
        streaming(np.zeros((1, 2, 6)), {})
    with pytest.raises(ValueError, match=r"clips must be whole steps of 2 frames. Received: 5"):
        streaming.stream(np.zeros((1, 5, 6)))


def test_latency_is_the_step_and_the_delay():
    streaming = to_streaming(functional(SOUND, residual_non_causal), 4)
    assert streaming.delay_frames == 1 + 3
    assert streaming.latency_ms() == 80 and streaming.latency_ms(hop_ms=20) == 160


def test_trained_after_to_streaming_needs_a_new_streaming_model():
    model = functional(SOUND, residual_causal)
    to_streaming(model, 2)
    assert_streams(randomize(model, 5), 2, length=12)


# The subclass API


class Smooth(StreamingLayer):
    """y_t = a y_{t-1} + x_t, a state per channel and a counter that starts with 1."""

    def build(self, input_shape):
        self.a = self.add_weight(shape=(input_shape[-1],), name="a")
        self.built = True

    def call(self, inputs):
        rows, y, count = [], ops.zeros_like(inputs[:, 0]), 1.0
        for frame in range(inputs.shape[1]):
            y, count = ops.tanh(self.a * y + inputs[:, frame] / count), count + 1
            rows.append(y)
        return ops.stack(rows, 1)

    def state_specs(self, input_shape, frames, delay=0):
        return {"state": StateSpec((input_shape[-1],)), "count": StateSpec((1,), initial=1.0)}

    def stream_inference(self, inputs, states):
        y, count, rows = states["state"], states["count"], []
        for frame in range(inputs.shape[1]):
            y, count = tf.tanh(self.a * y + inputs[:, frame] / count), count + 1
            rows.append(y)
        return tf.stack(rows, 1), {"state": y, "count": count}


class Difference(StreamingLayer):
    """x_t - x_{t+2}, with the past and the future of a clip zero: looks ahead, and minds `Context`."""

    lookahead, context_frames = 2, 2

    def call(self, inputs):
        return inputs - ops.pad(inputs, [(0, 0), (0, 2), (0, 0)])[:, 2:]

    def state_specs(self, input_shape, frames, delay=0):
        return {"state": StateSpec((2, *input_shape[2:]))}

    def stream_inference(self, inputs, states, context):
        if context.valid is not None:
            inputs = inputs * context.valid[:, :, None]
        rows = tf.concat([states["state"], inputs], 1)
        return rows[:, :-2] - rows[:, 2:], {"state": rows[:, -2:]}


class Waits(StreamingLayer):
    """The mean of this frame and the one before, one frame later than it could be."""

    extra_delay, context_frames = 1, 1

    def call(self, inputs):
        return (inputs + ops.pad(inputs, [(0, 0), (1, 0), (0, 0)])[:, :-1]) / 2

    def state_specs(self, input_shape, frames, delay=0):
        return {"state": StateSpec((2, *input_shape[2:]))}

    def stream_inference(self, inputs, states):
        rows = tf.concat([states["state"], inputs], 1)
        return (rows[:, 1:-1] + rows[:, :-2]) / 2, {"state": rows[:, -2:]}


class Block(StreamingLayer):
    """Layers inside a layer, in attributes and in a list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Stream(layers.Conv1D(6, 3, activation="relu"))
        self.more = [Stream(layers.GRU(6, return_sequences=True)), Stream(layers.Conv1D(6, 2))]
        self.norm = layers.BatchNormalization()

    def call(self, inputs):
        x = self.norm(self.first(inputs))
        for layer in self.more:
            x = layer(x)
        return x + inputs

    def stream_inference(self, inputs, states):
        new = {}
        x, new["first"] = self.first.stream_inference(inputs, states["first"])
        x = self.norm(x)
        for index, layer in enumerate(self.more):
            x, new[f"more_{index}"] = layer.stream_inference(x, states[f"more_{index}"])
        return x + inputs, new


class Net(Streaming, keras.Model):
    """A model of blocks with a last row for each step."""

    ends_time = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.block, self.pool = Block(), Stream(layers.GlobalAveragePooling1D(), window=12)
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return self.dense(self.pool(self.block(inputs)))

    def stream_inference(self, inputs, states):
        x, block = self.block.stream_inference(inputs, states["block"])
        x, pool = self.pool.stream_inference(x, states["pool"])
        return self.dense(x), {"block": block, "pool": pool}


class Ahead(StreamingLayer):
    """Layers that look ahead inside a layer: each is told what is outside the clip."""

    lookahead, context_frames = 2 + 1 + 3, 4 + 2 + 3

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Stream(layers.Conv1D(6, 5, padding="same"))
        self.second = Stream(layers.DepthwiseConv1D(3, padding="same"))
        self.wait = Delay(3)
        self.third = Stream(layers.Conv1D(6, 4), lookahead=3)
        self.memory = Stream(layers.GRU(6, return_sequences=True))

    def call(self, inputs):
        x = ops.sigmoid(self.second(self.first(inputs)))
        return self.memory(self.third(x) + self.wait(x))

    def stream_inference(self, inputs, states, context):
        new = {}
        x, new["first"] = self.first.stream_inference(inputs, states["first"], context)
        context = context.behind(self.first)
        x, new["second"] = self.second.stream_inference(x, states["second"], context)
        x, context = ops.sigmoid(x), context.behind(self.second)
        y, new["wait"] = self.wait.stream_inference(x, states["wait"])
        x, new["third"] = self.third.stream_inference(x, states["third"], context)
        context = context.behind(self.third)
        x, new["memory"] = self.memory.stream_inference(x + y, states["memory"], context)
        return x, new


class AheadNet(Streaming, keras.Model):
    """A model that looks ahead and ends time."""

    lookahead, ends_time = Ahead.lookahead, True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.ahead, self.last = Ahead(), Stream(layers.LSTM(4))

    def call(self, inputs):
        return self.last(self.ahead(inputs))

    def stream_inference(self, inputs, states, context):
        x, ahead = self.ahead.stream_inference(inputs, states["ahead"], context)
        x, last = self.last.stream_inference(x, states["last"], context.behind(self.ahead))
        return x, {"ahead": ahead, "last": last}


# Smooth counts frames: nothing that lags may stand in front of it.
@pytest.mark.parametrize(
    "layer, in_front", [(Smooth, False), *itertools.product([Difference, Waits, Block, Ahead], [0, 1])]
)
def test_streaming_layer_of_ones_own_in_a_functional_model_equals_batch(layer, in_front):
    def body(x):
        if in_front:
            x = layers.ReLU()(Stream(layers.Conv1D(6, 4, padding="causal"), lookahead=0 if layer is Block else 2)(x))
        return Stream(layers.Conv1D(4, 3, padding="same"))(layer()(x))

    assert_streams(functional((12, 6), body), 1, 4, length=12)


def test_streaming_model_of_ones_own_equals_batch_and_names_its_states():
    model = Net()
    clips = np.random.default_rng(0).standard_normal((2, 12, 6)).astype(np.float32)
    model(clips)
    randomize(model)
    for frames in (1, 3, 4):
        streaming = to_streaming(model, frames)
        assert_close(streaming.stream(clips), model(clips), f"{frames} frames per step")
    assert list(streaming.state_specs) == ["block_first", "block_more_0_h", "block_more_1", "pool"]
    single, _ = calls(streaming, clips[:1])
    several, _ = calls(streaming, clips[:1], steps=3)
    assert_close(several[0][0], np.concatenate([outputs[0] for outputs in single]))


def test_streaming_model_of_ones_own_that_looks_ahead_equals_batch():
    model = AheadNet()
    clips = np.random.default_rng(0).standard_normal((2, 12, 6)).astype(np.float32)
    model(clips)
    randomize(model)
    for frames in (1, 3, 4):
        streaming = to_streaming(model, frames)
        assert_close(streaming.stream(clips), model(clips), f"{frames} frames per step")
    assert streaming.needs_valid and streaming.state_specs["valid"].shape == (6,)
    single, _ = calls(streaming, clips[:1])
    several, _ = calls(streaming, clips[:1], steps=3)
    assert_close(several[0][0], np.concatenate([outputs[0] for outputs in single]))


class Gain(StreamingLayer):
    """Keeps nothing."""

    def call(self, inputs):
        return 2 * inputs

    def stream_inference(self, inputs, states):
        return 2 * inputs, {}


@keras.saving.register_keras_serializable("test_streaming")
class Mixed(Streaming, keras.Model):
    """Parts with states and parts without, one behind the other, in the way that the page shows."""

    ends_time = True

    def __init__(self, returns_all=True, **kwargs):
        super().__init__(**kwargs)
        self.returns_all = returns_all
        self.point = Stream(layers.Conv1D(6, 1))
        self.gain = Gain()
        self.blocks = [Stream(layers.Conv1D(6, 1)), Stream(layers.Conv1D(6, 3)), Delay(0)]
        self.attention = LocalSelfAttention(6, 1)
        self.mean = Stream(layers.GlobalAveragePooling1D(), window=4)
        self.names = ("point", "gain", "blocks_0", "blocks_1", "blocks_2", "attention", "mean")

    def parts(self):
        return (self.point, self.gain, *self.blocks, self.attention, self.mean)

    def call(self, inputs):
        for part in self.parts():
            inputs = part(inputs)
        return inputs

    def stream_inference(self, inputs, states):
        new = {}
        for name, part in zip(self.names, self.parts(), strict=True):
            inputs, kept = part.stream_inference(inputs, states[name])
            if kept or self.returns_all:
                new[name] = kept
        return inputs, new


@pytest.mark.parametrize("returns_all", [True, False])
def test_streaming_model_of_ones_own_may_have_parts_without_states(returns_all):
    net = Mixed(returns_all)
    clips = np.random.default_rng(0).standard_normal((2, 8, 5)).astype(np.float32)
    net(clips)
    randomize(net)
    for frames, states in ((1, ["blocks_1", "mean"]), (2, ["blocks_1", "mean"]), (4, ["blocks_1"])):
        streaming = to_streaming(net, frames)
        assert list(streaming.state_specs) == states
        assert_close(streaming.stream(clips), net(clips), f"{frames} frames per step")
        assert streaming.rows()[0].macs > 0


class Point(Streaming, keras.Model):
    """Keeps nothing at all."""

    def __init__(self):
        super().__init__()
        self.point = Stream(layers.Conv1D(6, 1))

    def call(self, inputs):
        return self.point(inputs)

    def stream_inference(self, inputs, states):
        outputs, new = self.point.stream_inference(inputs, states["point"])
        return outputs, {"point": new}


def test_streaming_model_of_ones_own_may_have_no_states():
    net, clips = Point(), np.random.default_rng(0).standard_normal((2, 8, 5)).astype(np.float32)
    wanted = net(clips)
    streaming = to_streaming(net, 2)
    assert streaming.state_specs == {}
    assert_close(streaming.stream(clips), wanted)


def test_streaming_layer_used_by_hand_takes_and_gives_nested_states():
    block = Block()
    clips = np.random.default_rng(0).standard_normal((2, 12, 6)).astype(np.float32)
    wanted = block(clips)
    states = block.initial_states(clips.shape, frames=3, batch=2)
    assert set(states) == {"first", "more_0", "more_1"} and set(states["more_0"]) == {"h"}
    rows = []
    for start in range(0, 12, 3):
        output, states = block.stream_inference(tf.constant(clips[:, start : start + 3]), states)
        rows.append(output)
    assert_close(np.concatenate(rows, 1), wanted)


def test_initial_states_have_the_values_of_their_specs():
    states = to_streaming(functional((12, 6), Smooth(name="smooth")), 3).initial_states(batch=2)
    assert states["smooth_count"].tolist() == [[1], [1]] and states["smooth"].shape == (2, 6)


@keras.saving.register_keras_serializable("test_streaming")
class Plain(layers.Layer):
    """A layer that the library does not know."""

    def call(self, inputs):
        return inputs


def test_stream_layers_survive_saving(tmp_path):
    def body(x):
        x = Stream(layers.Conv1D(6, 4, padding="same", dilation_rate=2), name="first")(x)
        return Stream(layers.Flatten(), window=6)(Delay(1)(x))

    model = functional(SOUND, body)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    clips = clips_for(model, 12)
    assert_close(loaded(clips), model(clips))
    assert_close(to_streaming(loaded, 3).stream(clips), model(clips))


# What cannot stream


class OwnDense(layers.Dense):
    """What a subclass does to the kernel is not known."""

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel / ops.max(self.kernel))


def inside(layer, shape=(12, 6)):
    return lambda: to_streaming(functional(shape, layer), 2)


def lagging(missing):
    def body(x):
        y = Stream(layers.Conv1D(6, 7, padding="same"), name="slow")(x)
        return layers.Add(name="sum")([y, Delay(3 - missing)(x) if missing < 3 else x])

    return inside(body)


def rates(x):
    half = Stream(layers.Conv1D(6, 2, strides=2), name="half")(x)
    double = Stream(layers.Conv1DTranspose(6, 2, 2), name="double")(x)
    return layers.Concatenate(name="join")([half, double])


def time_and_no_time(x):
    return layers.Multiply(name="gate")([x, Stream(layers.GRU(6), name="last")(x)])


def unbuilt():
    to_streaming(keras.Sequential([layers.Dense(3)], name="raw"), 2)


def never_called():
    to_streaming(Net(name="net"), 2)


class Uncalled(keras.Model):
    def call(self, inputs):
        return inputs


REFUSALS = {
    "bidirectional": (lambda: Stream(layers.Bidirectional(layers.GRU(3), name="both")), "both .*backward.*end"),
    "bidirectional bare": (
        inside(layers.Bidirectional(layers.GRU(3, return_sequences=True), name="both")),
        "both .*backward half",
    ),
    "multi head attention": (
        inside(lambda x: layers.MultiHeadAttention(1, 4, name="heads")(x, x)),
        "heads .*whole clip; use .*LocalSelfAttention",
    ),
    "attention": (inside(lambda x: layers.Attention(name="look")([x, x])), "look .*LocalSelfAttention"),
    "stream of attention": (
        lambda: Stream(layers.MultiHeadAttention(1, 4, name="heads")),
        "heads .*LocalSelfAttention",
    ),
    "global pooling bare": (inside(layers.GlobalAveragePooling1D(name="mean")), r"mean .*wrap it in Stream\("),
    "flatten bare": (inside(layers.Flatten(name="flat")), r"flat .*wrap it in Stream\("),
    "pooling bare": (inside(layers.MaxPooling1D(2, name="max")), r"max .*wrap it in Stream\("),
    "conv bare": (inside(layers.Conv1D(3, 3, name="conv")), r"conv .*wrap it in Stream\("),
    "strided conv bare": (inside(layers.Conv1D(3, 1, strides=2, name="conv")), r"conv .*wrap it in Stream\("),
    "separable bare": (inside(layers.SeparableConv1D(3, 3, name="conv")), r"conv .*wrap it in Stream\("),
    "transposed bare": (inside(layers.Conv1DTranspose(3, 3, name="up")), r"up .*wrap it in Stream\("),
    "gru bare": (inside(layers.GRU(3, name="gru")), r"gru .*wrap it in Stream\("),
    "go backwards": (lambda: Stream(layers.GRU(3, go_backwards=True, name="gru")), "gru .*go_backwards.*end"),
    "stateful": (lambda: Stream(layers.LSTM(3, stateful=True, name="lstm")), "lstm .*stateful=True.*Stream keeps"),
    "return state": (lambda: Stream(layers.LSTM(3, return_state=True, name="lstm")), "lstm .*return_state=True"),
    "conv lstm": (lambda: Stream(layers.ConvLSTM1D(3, 3, name="cl")), "cl .*not known; write it as a StreamingLayer"),
    "channels first": (
        lambda: Stream(layers.Conv1D(3, 3, data_format="channels_first", name="conv")),
        "conv .*data_format must be channels_last",
    ),
    "channels first bare": (
        inside(layers.Conv1D(3, 1, data_format="channels_first", name="conv")),
        "conv .*data_format must be channels_last",
    ),
    "layer norm over time": (inside(layers.LayerNormalization(axis=(1, 2), name="norm")), "norm .*over time"),
    "softmax over time": (inside(layers.Softmax(axis=1, name="soft")), "soft .*over time"),
    "group norm": (inside(layers.GroupNormalization(2, name="norm")), "norm .*over time"),
    "batch norm over time": (inside(layers.BatchNormalization(axis=1, name="norm")), "norm .*last axis"),
    "concatenate over time": (
        inside(lambda x: layers.Concatenate(axis=1, name="join")([x, x])),
        "join .*must join the last axis",
    ),
    "delay missing": (
        lagging(3),
        r"sum \(Add\) .*slow lags 3 frames behind the input: put Delay\(3\) behind the input",
    ),
    "delay too short": (lagging(1), r"sum \(Add\) .*slow lags 1 frames? behind delay\w*: put Delay\(1\)"),
    "rates": (inside(rates, (None, 6)), r"join .*half.*2 .*double.*1/2"),
    "time and no time": (inside(time_and_no_time), r"gate .*time has ended in last but not in its other inputs"),
    "mean over time": (
        inside(lambda x: x - ops.mean(x, 1, keepdims=True)),
        r"mean.*mixes frames, or may do so.*StreamingLayer",
    ),
    "slice of time": (inside(lambda x: x[:, 1:]), r"get_item.*mixes frames, or may do so.*StreamingLayer"),
    "activation over time": (
        inside(layers.Activation(lambda x: x - ops.max(x, 1, keepdims=True), name="act")),
        "act .*mixes frames",
    ),
    "own dense": (inside(OwnDense(6, name="own")), "own .*StreamingLayer"),
    "name of a state": (
        inside(
            lambda x: Stream(layers.Conv1D(6, 2), name="m_h")(Stream(layers.GRU(6, return_sequences=True), name="m")(x))
        ),
        "m_h .*another state is called m_h",
    ),
    "name of a tensor": (inside(Stream(layers.Conv1D(6, 2), name="1st layer")), "1st layer .*letters, digits"),
    "lambda": (inside(layers.Lambda(lambda x: x, name="own")), "own .*StreamingLayer"),
    "unknown layer": (inside(Plain(name="plain")), "plain .*StreamingLayer"),
    "time varying constant": (
        inside(lambda x: ops.add(x, np.ones((12, 6), np.float32))),
        r"add.*constant \(12, 6\) has a time axis of 12",
    ),
    "ranks": (
        inside(lambda x: layers.Add(name="sum")([x, layers.Reshape((12, 12, 6))(layers.Dense(72)(x))])),
        "sum .*3 and 4 axes: Reshape",
    ),
    "reshape of time": (inside(layers.Reshape((-1, 3), name="shape")), "shape .*keep the frames"),
    "permuted time": (inside(layers.Permute((2, 1), name="turn")), "turn .*time axis"),
    "prelu for each frame": (inside(layers.PReLU(name="prelu")), r"prelu .*shared_axes=\[1\]"),
    "stride and step": (
        inside(Stream(layers.Conv1D(3, 3, strides=3, name="third"))),
        "third .*stride 3 does not divide the 2 frames",
    ),
    "stride behind stride": (
        inside(lambda x: Stream(layers.Conv1D(3, 2, 2, name="b"))(Stream(layers.Conv1D(3, 2, 2, name="a"))(x))),
        "b .*stride 2 does not divide the 1 frames",
    ),
    "same with stride": (
        lambda: Stream(layers.Conv1D(3, 3, strides=2, padding="same", name="conv")),
        r"conv .*clip's length; give Stream\(\.\.\., lookahead=n\)",
    ),
    "window missing": (
        inside(Stream(layers.Flatten(name="flat")), (None, 6)),
        r"flat .*length is not fixed; give Stream\(\.\.\., window=frames\)",
    ),
    "window under step": (
        inside(Stream(layers.Flatten(name="flat"), window=1)),
        "flat .*a step brings 2 frames, more than its window of 1",
    ),
    "keepdims": (
        lambda: Stream(layers.GlobalMaxPooling1D(keepdims=True, name="max"), window=4),
        "max .*keepdims",
    ),
    "transposed dilated": (lambda: Stream(layers.Conv1DTranspose(3, 3, dilation_rate=2, name="up")), "up .*dilation"),
    "time after its end": (
        inside(
            lambda x: Stream(layers.Conv1D(3, 2), name="conv")(layers.Reshape((2, 3))(Stream(layers.GRU(6))(x))),
        ),
        "conv .*time has ended",
    ),
    "frame by frame in stream": (lambda: Stream(layers.Dense(3, name="dense")), "dense .*like Dense.* need no Stream"),
    "unbuilt": (unbuilt, "raw .*must be built"),
    "never called": (never_called, "net .*never called"),
    "plain subclass": (lambda: to_streaming(Uncalled(name="own"), 2), "own .*stream_inference"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_stream_is_refused_by_name_in_one_line(name):
    make, message = REFUSALS[name]
    with pytest.raises(CannotStream) as error:
        make()
    text = str(error.value)
    assert re.search(message, text), text
    assert "\n" not in text and "cannot stream: " in text and text.endswith(".")


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Stream(layers.Conv1D(3, 3), lookahead=3), r"lookahead must be 0..2. Received: 3"),
        (lambda: Stream(layers.Conv1DTranspose(3, 3, 2), lookahead=2), r"lookahead must be 0..1. Received: 2"),
        (lambda: Stream(layers.GRU(3), lookahead=1), r"lookahead is for convolutions and pooling. Received: GRU"),
        (lambda: Stream(layers.Conv1D(3, 3), window=4), r"window is for Flatten and global pooling. Received: Conv1D"),
        (lambda: Stream(layers.Flatten(), window=0), r"window must be at least 1. Received: 0"),
        (lambda: Delay(-1), r"frames must be an integer of at least 0. Received: -1"),
        (lambda: to_streaming(functional(SOUND, layers.Dense(3)), 0), r"at least 1. Received: 0"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_their_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Functions on the last axis, dictionaries of outputs, and mistakes in layers of one's own


def last_axis_functions(x):
    y = Stream(layers.Conv1D(8, 3), name="conv")(x)
    halves = ops.split(y, 2, axis=-1)
    y = ops.concatenate([halves[0] * ops.sigmoid(halves[1]), y[:, :, :3], x[..., 1:3]], axis=-1)
    y = ops.softmax(y - ops.mean(y, axis=-1, keepdims=True), axis=-1)
    y = ops.where(y > 0.1, y, ops.zeros_like(y))
    return ops.matmul(y, np.linspace(-1, 1, 27, dtype=np.float32).reshape(9, 3))


def test_functions_on_the_last_axis_stream():
    assert_streams(functional((None, 6), last_axis_functions), 1, 2, 3, length=12)


@pytest.mark.parametrize(
    "body",
    [
        lambda x: ops.flip(x, axis=1),
        lambda x: ops.cumsum(x, axis=1),
        lambda x: ops.roll(x, 1, axis=1),
        lambda x: ops.mean(x, axis=1, keepdims=True) + ops.zeros_like(x),
        lambda x: ops.softmax(x, axis=1),
        lambda x: x[:, ::-1],
        lambda x: ops.reshape(x, (-1, 6, 6)),
        lambda x: ops.mean(x, axis=-1),
    ],
)
def test_functions_that_mix_frames_are_refused(body):
    with pytest.raises(CannotStream, match="mixes frames"):
        to_streaming(functional((None, 6), body), 2)


def test_dictionary_of_outputs_stays_a_dictionary():
    inputs = keras.Input((None, 6))
    y = Stream(layers.Conv1D(4, 3, padding="same"))(inputs)
    model = randomize(keras.Model(inputs, {"wide": y, "end": Stream(layers.GRU(3))(y)}))
    clips = clips_for(model, 12)
    wanted, found = model(clips), to_streaming(model, 2).stream(clips)
    assert set(found) == {"wide", "end"}
    for name in found:
        assert_close(found[name], wanted[name], name)


class Mistaken(StreamingLayer):
    """Keeps the last frame, and returns from a step whatever it is told to."""

    def __init__(self, result, **kwargs):
        super().__init__(**kwargs)
        self.result = result

    def call(self, inputs):
        return inputs

    def state_specs(self, input_shape, frames, delay=0):
        return {"state": StateSpec((1, input_shape[-1]))}

    def stream_inference(self, inputs, states):
        return self.result(inputs, states["state"])


@pytest.mark.parametrize(
    "result, message",
    [
        (lambda x, s: x, "must return its outputs and a dictionary"),
        (lambda x, s: (x, {"other": s}), "the states it was given.*other, state"),
        (lambda x, s: (x, {"state": x}), "the states it was given.*state"),
        (lambda x, s: (x[:, 1:], {"state": s}), "of 2 frames, stream_inference must give 2. Received: 1"),
    ],
)
def test_mistake_in_a_layer_of_ones_own_is_named(result, message):
    model = functional((None, 6), lambda x: Mistaken(result, name="mine")(x))
    with pytest.raises(CannotStream, match=rf"mine \(Mistaken\).*{message}"):
        to_streaming(model, 2).stream(clips_for(model, 6))


def test_layer_without_stream_inference_is_refused():
    class Forgotten(StreamingLayer):
        def call(self, inputs):
            return inputs

    with pytest.raises(CannotStream, match="mine .* defines no stream_inference"):
        to_streaming(functional((None, 6), lambda x: Forgotten(name="mine")(x)), 2)


@pytest.mark.parametrize("shape", [(12, 6), (1, 12, 5), (1, 0, 6)])
def test_clips_of_another_shape_are_refused(shape):
    streaming = to_streaming(functional((None, 6), lambda x: Stream(layers.Conv1D(4, 3))(x)), 2)
    with pytest.raises(ValueError, match=r"features must be \[batch, frames, 6\]. Received: "):
        streaming.stream(np.zeros(shape, np.float32))


def test_states_of_another_batch_are_refused():
    streaming = to_streaming(functional((None, 6), lambda x: Stream(layers.Conv1D(4, 3), name="conv")(x)), 2)
    with pytest.raises(ValueError, match=r"state conv must be \(3, 2, 1, 6\). Received: \(1, 2, 1, 6\)"):
        streaming(np.zeros((3, 2, 6), np.float32), streaming.initial_states(1))
