"""The exported float .tflite, run step by step with its states carried by name, equals whole clips in Keras."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_training.convert.float import float_tflite  # noqa: E402
from kws_training.convert.integer import convert  # noqa: E402
from kws_training.convert.runner import TfliteRunner  # noqa: E402
from kws_training.streaming import Delay, LocalSelfAttention, StateSpec, Stream, StreamingLayer, to_streaming  # noqa: E402

from tests.support.streaming import assert_close, clips_for, functional, listed  # noqa: E402

SOUND = (None, 6)
LENGTH = 24


def causal_convolutions(x):
    x = layers.BatchNormalization()(Stream(layers.Conv1D(6, 4, dilation_rate=2))(x))
    y = layers.ReLU()(Stream(layers.DepthwiseConv1D(3, dilation_rate=2))(x))
    y = layers.BatchNormalization()(Stream(layers.SeparableConv1D(6, 3, activation="tanh"))(y))
    y = Stream(layers.Conv1D(6, 4, groups=2))(layers.Add()([x, y]))
    return Stream(layers.MaxPooling1D(2, 1))(Stream(layers.AveragePooling1D(3, 1))(y))


def looking_ahead(x):
    y = layers.BatchNormalization()(Stream(layers.Conv1D(6, 5, padding="same"), name="ahead")(x))
    y = layers.ReLU()(layers.Add()([y, Delay(2, name="wait")(x)]))
    y = Stream(layers.DepthwiseConv1D(4, padding="same"))(y)
    return Stream(layers.Flatten(), window=8)(layers.LayerNormalization()(y))


def strides_and_upsampling(x):
    low = Stream(layers.Conv1D(5, 4, strides=2, padding="same", activation="relu"), lookahead=2)(x)
    low = Stream(layers.DepthwiseConv1D(3, strides=1, padding="same"))(low)
    high = Stream(layers.Conv1DTranspose(6, 4, 2, padding="same"))(low)
    return [layers.Dense(3)(high), low]


def strided_pooling(x):
    x = Stream(layers.DepthwiseConv1D(3, strides=2))(x)
    return Stream(layers.GlobalMaxPooling1D(), window=7)(Stream(layers.Conv1D(4, 3, padding="same"))(x))


def recurrent(x):
    x = Stream(layers.GRU(5, return_sequences=True), name="gru")(x)
    x = Stream(layers.SimpleRNN(4, return_sequences=True), name="rnn")(x)
    return layers.Dense(3, activation="softmax")(Stream(layers.LSTM(4), name="lstm")(x))


def recurrent_behind_a_lag(x):
    x = Stream(layers.Conv1D(4, 3, padding="same"))(x)
    return Stream(layers.LSTM(4, return_sequences=True))(Stream(layers.GRU(4, return_sequences=True))(x))


def pictures(x):
    x = layers.Reshape((-1, 6, 1))(x)
    x = Stream(layers.Conv2D(4, (3, 4), strides=(1, 2), padding="same", activation="relu"), lookahead=1)(x)
    x = Stream(layers.DepthwiseConv2D((3, 3), padding="same"))(x)
    x = Stream(layers.SeparableConv2D(4, 2, padding="same"))(x)
    x = Stream(layers.AveragePooling2D((2, 3), (1, 1), padding="same"), lookahead=0)(layers.BatchNormalization()(x))
    x = Stream(layers.Conv2DTranspose(3, (4, 3), (2, 1), padding="same"))(layers.Conv2D(4, 1)(x))
    x = Stream(layers.MaxPooling2D((3, 2), (2, 1)), lookahead=1)(x)
    return Stream(layers.GlobalAveragePooling2D(), window=5)(x)


def attention(x):
    y = LocalSelfAttention(6, 5, heads=2, name="look")(layers.LayerNormalization()(x))
    return Stream(layers.GlobalAveragePooling1D(), window=12)(layers.Add()([layers.Dense(6)(y), x]))


class Decays(StreamingLayer):
    """y_t = (y_{t-1} + x_t) / 2, from y_{-1} = 1."""

    def call(self, inputs):
        rows, y = [], 1.0
        for frame in range(inputs.shape[1]):
            y = (y + inputs[:, frame]) / 2
            rows.append(y)
        return keras.ops.stack(rows, 1)

    def state_specs(self, input_shape, frames, delay=0):
        return {"state": StateSpec((input_shape[-1],), initial=1.0)}

    def stream_inference(self, inputs, states):
        rows, y = [], states["state"]
        for frame in range(inputs.shape[1]):
            y = (y + inputs[:, frame]) / 2
            rows.append(y)
        return keras.ops.stack(rows, 1), {"state": y}


def own_layer(x):
    return Stream(layers.Conv1D(4, 3))(Decays(name="decays")(x))


STACKS = {
    body.__name__: (body, steps)
    for body, steps in [
        (causal_convolutions, (1, 4)),
        (looking_ahead, (1, 4)),
        (strides_and_upsampling, (2, 6)),
        (strided_pooling, (2, 4)),
        (recurrent, (1, 4)),
        (recurrent_behind_a_lag, (2,)),
        (pictures, (1, 3)),
        (attention, (2, 3)),
        (own_layer, (2, 3)),
    ]
}


@pytest.mark.parametrize("name", STACKS)
def test_float_tflite_streamed_equals_batch(name):
    body, sizes = STACKS[name]
    model = functional((LENGTH, 6) if body is own_layer else SOUND, body)
    clips = clips_for(model, LENGTH)
    for frames in sizes:
        streaming = to_streaming(model, frames)
        runner = TfliteRunner(
            float_tflite(streaming),
            streaming.state_specs,
        )
        assert (runner.frames_per_step, runner.needs_valid) == (frames, streaming.needs_valid)
        assert list(runner.states) == list(streaming.state_specs)
        calls = runner.stream(clips, streaming.delay_frames)
        aligned = streaming.aligned([list(outputs) for outputs in zip(*map(by_call, calls), strict=True)], LENGTH)
        assert_close(aligned, listed(model(clips)), f"{name}, {frames} frames per step")


def by_call(outputs: np.ndarray) -> list[np.ndarray]:
    """``[clips, calls, ...]`` as a list of calls."""
    return list(np.swapaxes(outputs, 0, 1))


def test_float_tflite_of_several_steps_equals_single_steps():
    model = functional(SOUND, causal_convolutions)
    streaming = to_streaming(model, 2)
    one = TfliteRunner(float_tflite(streaming), streaming.state_specs)
    four = TfliteRunner(float_tflite(streaming, steps=4), streaming.state_specs)
    clips = clips_for(model, LENGTH)
    rows = [runner.stream(clips)[0].reshape(2, LENGTH, -1) for runner in (one, four)]
    assert four.frames_per_step == 8
    assert_close(rows[1], rows[0])


def test_runner_of_an_int8_model_takes_real_values_and_integers():
    streaming = to_streaming(functional(SOUND, causal_convolutions), 2)
    recordings = np.random.default_rng(0).integers(-128, 128, (4, LENGTH, 6)).astype(np.int8)
    converted = convert(streaming, recordings, 1 / 32)
    runner = TfliteRunner(converted.data, streaming.state_specs)
    from_integers = runner.stream(recordings)[0]
    from_values = runner.stream(recordings.astype(np.float32) / 32)[0]
    assert np.array_equal(from_integers, from_values)
    exact = streaming.stream(recordings.astype(np.float32) / 32).reshape(from_values.shape)
    # int8 against float: no integer promise, but a wrong state would be off by the whole range
    assert np.abs(from_values - exact).max() < 0.15 * np.ptp(exact)


def test_runner_reset_starts_again_and_refuses_what_does_not_fit():
    model = functional(SOUND, recurrent)
    streaming = to_streaming(model, 2)
    runner = TfliteRunner(float_tflite(streaming), streaming.state_specs)
    frames = clips_for(model, 2, batch=1)
    first, second = runner.step(frames)[0], runner.step(frames)[0]
    assert not np.array_equal(first, second)
    runner.reset()
    assert np.array_equal(runner.step(frames)[0], first)
    with pytest.raises(ValueError, match=r"Received shape: \(3, 6\)"):
        runner.step(frames[0, [0, 0, 0]])
    with pytest.raises(ValueError, match="whole steps of 2 frames. Received: 3 frames"):
        runner.stream(frames[:, [0, 0, 0]])
    with pytest.raises(KwsError, match="Give the names of its states"):
        TfliteRunner(float_tflite(streaming), ["gru_h"])


def test_convert_of_recurrent_layers_gives_states_that_feed_back():
    streaming = to_streaming(functional(SOUND, recurrent), 2)
    recordings = np.clip(np.random.default_rng(0).normal(0, 32, (8, LENGTH, 6)).round(), -128, 127).astype(np.int8)
    converted = convert(streaming, recordings, 1 / 32)
    assert {state.name for state in converted.states} == set(streaming.state_specs)
    found = TfliteRunner(converted.data, streaming.state_specs).stream(recordings[:2])[0]
    exact = streaming.stream(recordings[:1].astype(np.float32) / 32)
    # as above
    assert np.abs(found.reshape(-1)[-exact.size :] - exact.reshape(-1)).max() < 0.3 * np.ptp(exact) + 0.1


@pytest.mark.parametrize(
    "recordings, message",
    [
        (np.zeros((2, LENGTH, 6), np.float32), "must be int8.*float32"),
        (np.zeros((2, LENGTH, 5), np.int8), r"must be int8 .*Received: int8 \[2, "),
    ],
)
def test_convert_with_wrong_recordings_is_refused(recordings, message):
    with pytest.raises(KwsError, match=message):
        convert(to_streaming(functional(SOUND, causal_convolutions), 2), recordings, 1 / 32)


def test_convert_of_two_outputs_is_refused():
    model = functional(SOUND, lambda x: [keras.layers.Dense(2)(x), keras.layers.Dense(3)(x)])
    with pytest.raises(KwsError, match="one output. Received: 2 outputs"):
        convert(to_streaming(model, 2), np.zeros((2, LENGTH, 6), np.int8), 1 / 32)


@pytest.mark.parametrize("bins", [(6,), (5, 2)])
def test_runner_takes_one_clip_without_the_axis_of_clips(bins):
    layer = layers.Conv1D(4, 3) if len(bins) == 1 else layers.Conv2D(4, (3, 1))
    streaming = to_streaming(functional((None, *bins), Stream(layer)), 2)
    runner = TfliteRunner(float_tflite(streaming), streaming.state_specs)
    clips = np.random.default_rng(0).standard_normal((2, 8, *bins)).astype(np.float32)
    both = runner.stream(clips)[0]
    assert np.array_equal(runner.stream(clips[1])[0], both[1])
    for wrong in (clips[0, 0], clips[..., :-1], clips[0].reshape(-1)):
        with pytest.raises(
            ValueError, match=r"clips must be \[clips, time, .*or one clip \[time, .*Received shape: \["
        ):
            runner.stream(wrong)
