"""Strides in time: what a window ends with, what is kept, what a step hears, and how late outputs come."""

from fractions import Fraction
from math import ceil

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from hypothesis import given, note  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from keras import layers  # noqa: E402
from kws_reference.bundle import write_bundle  # noqa: E402
from kws_reference.frontend.config import FrontendConfig  # noqa: E402
from kws_training.convert.float import float_tflite  # noqa: E402
from kws_training.convert.integer import convert  # noqa: E402
from kws_training.convert.manifest import manifest  # noqa: E402
from kws_training.convert.runner import TfliteRunner  # noqa: E402
from kws_training.inspect.streaming_model import describe_streaming  # noqa: E402
from kws_training.inspect.table import table  # noqa: E402
from kws_training.models import architecture  # noqa: E402
from kws_training.streaming import CannotStream, Delay, Stream, Streaming, StreamingLayer, to_streaming  # noqa: E402
from kws_training.train.trained_run import load_run  # noqa: E402

from tests.support import engines  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402
from tests.support.random_stacks import random_stacks  # noqa: E402
from tests.support.streaming import assert_close, assert_streams, clips_for, functional, randomize  # noqa: E402

STACKS = random_stacks(10)
CHANNELS = 3
SOUND = (None, CHANNELS)


def ones(kernel, **more):
    return layers.Conv1D(1, kernel, use_bias=False, kernel_initializer="ones", **more)


def three_strides(**arguments):
    def body(x):
        for _ in range(3):
            x = Stream(layers.Conv1D(CHANNELS, 3, strides=2, padding="causal"), **arguments)(x)
        return x

    return functional(SOUND, body)


def newest_change(model, clip, frame):
    """The newest input frame of a clip that changes this output frame of the training model, by trying each."""
    length = clip.shape[1]
    changed = np.repeat(clip, 1 + 2 * length, 0)
    for index in range(length):
        changed[1 + index, index] += 1e3
        changed[1 + length + index, index] -= 1e3
    rows = model(changed, training=False).numpy()[:, frame].reshape(1 + 2 * length, -1)
    moved = (np.abs(rows[1:] - rows[0]) > 1e-3 * np.abs(rows[0]).max()).any(1).reshape(2, length).any(0)
    return int(np.flatnonzero(moved).max())


# Which frames an output hears


@pytest.mark.parametrize(
    "kernel, stride, lookahead, rows",
    [
        (3, 2, None, [0 + 1 + 2, 2 + 3 + 4, 4 + 5 + 6, 6 + 7 + 8]),  # 1..8 in strides 1 2 | 3 4 | 5 6 | 7 8
        (2, 2, None, [1 + 2, 3 + 4, 5 + 6, 7 + 8]),
        (1, 2, None, [2, 4, 6, 8]),
        (2, 4, None, [3 + 4, 7 + 8]),
        (5, 4, None, [0 + 1 + 2 + 3 + 4, 4 + 5 + 6 + 7 + 8]),
        (3, 2, 1, [1 + 2 + 3, 3 + 4 + 5, 5 + 6 + 7, 7 + 8 + 0]),
        (3, 2, -1, [0 + 0 + 1, 1 + 2 + 3, 3 + 4 + 5, 5 + 6 + 7]),
        (1, 3, -1, [2, 5]),
        (1, 3, -2, [1, 4]),
    ],
)
def test_strided_window_ends_with_the_newest_frame_of_its_stride(kernel, stride, lookahead, rows):
    clips = np.arange(1, 9, dtype=np.float32).reshape(1, 8, 1)
    model = functional((None, 1), Stream(ones(kernel, strides=stride), lookahead=lookahead))
    model.set_weights([np.ones((kernel, 1, 1), np.float32)])
    assert model(clips)[0, :, 0].numpy().tolist() == rows
    assert_close(to_streaming(model, stride).stream(clips[:, : 8 // stride * stride]), model(clips))


@pytest.mark.parametrize(
    "cell",
    [
        lambda: layers.AveragePooling1D(2),
        lambda: layers.MaxPooling1D(3),
        lambda: layers.Conv1D(4, 4, strides=4),
        lambda: layers.DepthwiseConv1D(2, strides=2),
        lambda: layers.SeparableConv1D(4, 3, strides=3),
    ],
)
def test_stream_of_a_cell_that_takes_whole_strides_is_the_keras_layer_and_keeps_nothing(cell):
    model = functional(SOUND, Stream(cell()))
    alone = cell()
    alone.build((None, *SOUND))
    alone.set_weights(model.get_weights())
    clips = clips_for(model, 24)
    assert_close(model(clips), alone(clips))
    streaming = assert_streams(model, 12, 24, length=24)
    assert not streaming.state_specs and not streaming.needs_valid
    runner = TfliteRunner(float_tflite(streaming), streaming.state_specs)
    assert len(runner.interpreter.get_input_details()) == 1
    assert_close(np.concatenate([runner.step(clips[0])[0].reshape(1, -1, *alone(clips).shape[2:])]), alone(clips[:1]))


def test_stream_of_picture_pooling_that_takes_whole_strides_is_the_keras_layer():
    model = functional((None, 6, 2), Stream(layers.AveragePooling2D(2)))
    clips = clips_for(model, 12)
    assert_close(model(clips), layers.AveragePooling2D(2)(clips))
    assert not assert_streams(model, 2, 6, length=12).state_specs


def test_ring_of_a_strided_cell_has_the_frames_that_its_stride_does_not_bring():
    for kernel, stride in ((5, 2), (5, 5), (5, 7), (9, 2), (4, 3), (1, 2)):
        model = functional(SOUND, Stream(layers.Conv1D(2, kernel, strides=stride), name="ring"))
        shapes = [spec.shape[0] for spec in to_streaming(model, 2 * stride).state_specs.values()]
        assert shapes == ([kernel - 1 - (stride - 1)] if kernel > stride else [])


def test_stream_with_a_negative_lookahead_is_keras_causal_convolution():
    model = functional(SOUND, Stream(layers.Conv1D(5, 4, strides=3, padding="causal"), lookahead=-2))
    alone = layers.Conv1D(5, 4, strides=3, padding="causal")
    alone.build((None, *SOUND))
    alone.set_weights(model.get_weights())
    clips = clips_for(model, 12)
    assert_close(model(clips), alone(clips))
    assert_streams(model, 3, 6, length=12)


def test_frames_that_do_not_fill_a_stride_make_no_output_on_clips():
    model = functional(SOUND, Stream(layers.Conv1D(2, 5, strides=4)))
    clips = clips_for(model, 15)
    assert model(clips).shape == (2, 3, 2) and model.compute_output_shape((2, 15, 3)) == (2, 3, 2)
    assert_close(model(clips), model(clips[:, :12]))
    assert_close(to_streaming(model, 4).stream(clips[:, :12]), model(clips))
    fixed = keras.Input((15, 3))
    assert Stream(layers.MaxPooling1D(2, 4))(fixed).shape == (None, 3, 3)


def test_clip_shorter_than_a_stride_is_named():
    with pytest.raises(ValueError, match=r"half: a clip must have a stride of 4 frames. Received: 3"):
        Stream(layers.Conv1D(2, 5, strides=4), name="half")(np.zeros((1, 3, 3), np.float32))
    open_ended = functional(SOUND, lambda x: layers.Dense(2)(Stream(layers.Conv1D(2, 5, strides=4), name="half")(x)))
    with pytest.raises(ValueError, match=r"half: a clip must have a stride of 4 frames. Received: 3"):
        open_ended(np.zeros((1, 3, 3), np.float32))


def test_lookahead_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"conv: lookahead must be -1..4. Received: -2"):
        Stream(layers.Conv1D(2, 5, strides=2, name="conv"), lookahead=-2)


# What a step hears, and how late it is


def test_three_strides_hear_the_newest_of_eight_frames_and_are_late_by_the_step():
    model = three_strides()
    streaming = to_streaming(model, 8)
    assert not streaming.needs_valid
    assert (streaming.delay_frames, streaming.unheard_frames, streaming.latency_ms()) == (0, 0, 80)
    clip = clips_for(model, 32, batch=1)
    assert newest_change(model, clip, 3) == 31
    assert [newest_change(model, clip, frame) for frame in (1, 2)] == [15, 23]


def test_latency_counts_newest_frames_that_are_not_heard():
    model = three_strides(lookahead=-1)
    streaming = assert_streams(model, 8, length=32)
    assert newest_change(model, clips_for(model, 32, batch=1), 3) == 31 - 7
    assert (streaming.delay_frames, streaming.unheard_frames, streaming.latency_ms()) == (0, 7, 150)
    described = describe_streaming("old", streaming, FrontendConfig())
    assert described.to_dict()["latency_ms"] == 150
    assert "latency 150 ms: step 80 ms, delay 0 ms, newest frames not heard 70 ms." in table(described)


class Third(StreamingLayer):
    """Every third frame: the oldest of three, or the newest."""

    stride = 3

    def __init__(self, first, **kwargs):
        super().__init__(**kwargs)
        self.first = first

    def call(self, inputs):
        return inputs[:, : inputs.shape[1] // 3 * 3][:, self.first :: 3]

    def stream_inference(self, inputs, states):
        return inputs[:, self.first :: 3], {}


class Gain(Third):
    """A layer that nothing passes yet: as after zero initialisation."""

    stride = 1

    def call(self, inputs):
        return inputs * 0.0

    def stream_inference(self, inputs, states):
        return inputs * 0.0, {}


@pytest.mark.parametrize("first, latency", [(0, 50), (1, 40), (2, 30)])
def test_latency_of_a_strided_layer_of_ones_own_is_measured(first, latency):
    streaming = assert_streams(functional((12, 3), Third(first)), 3, length=12)
    assert streaming.latency_ms() == latency
    assert assert_streams(functional((12, 3), lambda x: Gain(0)(Third(first)(x))), 3, length=12).latency_ms() == latency


class Net(Streaming, keras.Model):
    """A model of one's own: three strides of 2 in a subclass."""

    stride = 8

    def __init__(self, lookahead):
        super().__init__()
        self.parts = [Stream(layers.Conv1D(3, 3, strides=2), lookahead=lookahead) for _ in range(3)]

    def call(self, inputs):
        for part in self.parts:
            inputs = part(inputs)
        return inputs

    def state_specs(self, input_shape, frames, delay=0):
        return {str(n): part.state_specs((None, None, 3), frames >> n) for n, part in enumerate(self.parts)}

    def stream_inference(self, inputs, states):
        new = {}
        for n, part in enumerate(self.parts):
            inputs, new[str(n)] = part.stream_inference(inputs, states[str(n)])
        return inputs, new


@pytest.mark.parametrize("lookahead, latency", [(0, 80), (-1, 150)])
def test_latency_of_a_strided_model_of_ones_own_is_measured(lookahead, latency):
    model = Net(lookahead)
    clips = np.random.default_rng(0).standard_normal((2, 16, 3)).astype(np.float32)
    wanted = model(clips)
    streaming = to_streaming(model, 8)
    assert_close(streaming.stream(clips), wanted)
    assert streaming.latency_ms() == latency


def test_strided_layer_of_ones_own_behind_frames_that_lag_is_refused_unless_it_asks():
    def body(x, wait=0):
        x = Stream(layers.Conv1D(3, 3, padding="same"))(x)
        return Third(2, name="third")(Delay(wait)(x) if wait else x)

    with pytest.raises(CannotStream, match=r"third .*lags by 1 frames, no multiple of its stride 3.*put Delay\(2\)"):
        to_streaming(functional((12, 3), body), 3)
    assert assert_streams(functional((12, 3), lambda x: body(x, 2)), 6, 3, length=12).latency_ms() == 60


@pytest.mark.parametrize(
    "body, step, latency",
    [
        (lambda x: Delay(5)(x), 2, 70),
        (lambda x: Delay(3)(Stream(layers.Conv1D(3, 4, strides=2))(x)), 2, 80),
        (lambda x: Stream(layers.Conv1D(3, 3, strides=2), lookahead=1)(x), 2, 40),
        (lambda x: Stream(layers.Conv1D(3, 5, strides=4), lookahead=1)(x), 4, 80),
        (lambda x: Stream(layers.Conv1D(3, 5, padding="same"))(Stream(layers.Conv1D(3, 4, strides=2))(x)), 4, 80),
        (lambda x: Stream(layers.Conv1DTranspose(3, 4, 2))(Stream(layers.Conv1D(3, 4, strides=2))(x)), 2, 20),
        # the row of a step of the clip comes with a whole step
        (lambda x: Stream(layers.Flatten(), window=4)(Stream(layers.Conv1D(3, 5, padding="same"))(x)), 4, 80),
        (lambda x: Stream(layers.GlobalMaxPooling1D(), window=3)(Stream(layers.AveragePooling1D(4))(x)), 8, 80),
        (lambda x: [x, Stream(layers.Conv1D(3, 2, strides=2), lookahead=-1)(x)], 2, 30),
    ],
)
def test_latency_is_the_step_the_delay_and_what_is_not_heard(body, step, latency):
    assert assert_streams(functional(SOUND, body), step, length=16).latency_ms() == latency


# Random stacks


class Stack:
    """Rings of any kind one behind the other."""

    def __init__(self, data, lookaheads):
        self.data, self.lookaheads = data, lookaheads
        self.period, self.delay = 1, 0

    def ring(self, x):
        draw = self.data.draw
        stride = draw(st.sampled_from([s for s in (1, 1, 2, 3, 4) if self.period * s <= 12]), "stride")
        kernel = draw(st.integers(1, 6), "kernel")
        dilation = draw(st.integers(1, 3), "dilation") if stride == 1 else 1
        context = (kernel - 1) * dilation
        lookahead = None
        if self.lookaheads:
            lookahead = draw(st.integers(1 - stride, min(context, 3)), "lookahead")
        kind = draw(st.sampled_from(("full", "depthwise", "separable", "2d", "average", "max")), "kind")
        more = {"strides": stride, "dilation_rate": dilation}
        if kind == "2d":
            cell = layers.Conv2D(CHANNELS, (kernel, 2), strides=(stride, 1), dilation_rate=(dilation, 1))
            y = Stream(cell, lookahead=lookahead)(layers.Reshape((-1, CHANNELS, 1))(x))
            y = layers.Reshape((-1, y.shape[2] * y.shape[3]))(y)
        elif kind in ("average", "max"):
            pooling = layers.AveragePooling1D if kind == "average" else layers.MaxPooling1D
            context, lookahead = kernel - 1, lookahead and min(lookahead, kernel - 1)
            y = Stream(pooling(kernel, stride), lookahead=lookahead)(x)
        elif kind == "depthwise":
            y = Stream(layers.DepthwiseConv1D(kernel, **more), lookahead=lookahead)(x)
        else:
            convolution = layers.Conv1D if kind == "full" else layers.SeparableConv1D
            y = Stream(convolution(CHANNELS, kernel, **more), lookahead=lookahead)(x)
        self.delay = ceil(Fraction(self.delay + (lookahead or 0), stride))
        self.period *= stride
        return layers.Dense(CHANNELS)(y)


@STACKS
@given(st.data())
def test_random_stack_of_strides_hears_the_newest_frame_of_each_step(data):
    check_stack(data, lookaheads=False)


@STACKS
@given(st.data())
def test_random_stack_of_strides_that_look_ahead_or_leave_frames_out_is_as_late_as_it_says(data):
    check_stack(data, lookaheads=True)


def check_stack(data, lookaheads):
    keras.backend.clear_session(free_memory=False)
    stack = Stack(data, lookaheads)
    inputs = x = keras.Input(SOUND)
    for _ in range(data.draw(st.integers(1, 4), "layers")):
        x = stack.ring(x)
    model = randomize(keras.Model(inputs, x), data.draw(st.integers(0, 1000), "seed"))
    step = stack.period * data.draw(st.integers(1, 2), "strides in a step")
    outputs = 6
    clips = clips_for(model, outputs * stack.period, batch=1)
    streaming = to_streaming(model, step)
    assert_close(streaming.stream(clips), model(clips))
    # an output in the middle: what it hears lies neither before nor behind the clip
    own = 4 * stack.period - 1
    heard = newest_change(model, clips, 3)
    note(f"output 3 stands for frames to {own} and hears to {heard}")
    late = stack.delay * stack.period
    assert streaming.delay_frames == late
    if heard < len(clips[0]) - 1:
        assert streaming.latency_ms() == 10 * (step + late + max(own - heard, 0))
    if not lookaheads:
        assert heard == own and not streaming.needs_valid and streaming.latency_ms() == 10 * step


# Files and models from before windows ended with the newest frame


def test_stream_saved_before_strides_heard_the_newest_frame_keeps_its_windows():
    clips = np.random.default_rng(0).standard_normal((2, 12, 3)).astype(np.float32)
    for cell, old, frames in (
        (layers.Conv1D(2, 5, strides=3), None, -2),
        (layers.Conv1D(2, 5, strides=3), 2, 0),
        (layers.MaxPooling1D(4, 2), 3, 2),
        (layers.Conv1D(2, 5), None, None),
        (layers.Conv1D(2, 5), 2, 2),
        (layers.GlobalAveragePooling1D(), None, None),
    ):
        config = Stream(cell).get_config()
        assert config.pop("strides_end") == "newest"
        loaded = Stream.from_config({**config, "lookahead": old})
        again = Stream.from_config(loaded.get_config())
        expected = Stream(type(cell).from_config(cell.get_config()), lookahead=frames)
        for layer in (loaded, again, expected):
            layer(clips)
            layer.cell.set_weights([np.arange(0.5, np.prod(w.shape)).reshape(w.shape) for w in layer.cell.weights])
        for layer in (loaded, again):
            assert_close(layer(clips), expected(clips))


@pytest.mark.parametrize("name", ["mixednet", "transformer"])
def test_model_by_name_hears_the_newest_frame_and_trained_ones_stay_as_they_were_trained(name):
    kind = architecture(name)
    config = kind.config(labels=12)
    assert to_streaming(kind.build(config), 2).latency_ms() == 20
    older = config.to_dict()
    del older["unheard_frames"]
    assert kind.config_from_dict(older).unheard_frames == 1
    _, trained = load_run(ROOT / f"training/zoo/experiments/{name}_kit12")
    streaming = to_streaming(trained, 2)
    assert streaming.latency_ms() == 30
    first = next(iter(streaming.state_specs.values()))
    assert first.shape[0] == {"mixednet": 8, "transformer": 4}[name]


# To the firmware


def shortcut(x):
    """A residual block that halves time, whose shortcut has one tap: shorter than the stride."""
    x = layers.ReLU()(layers.Conv1D(16, 1)(x))
    y = layers.ReLU()(Stream(layers.Conv1D(24, 3, strides=2))(x))
    return layers.ReLU()(layers.Add()([y, Stream(layers.Conv1D(24, 1, strides=2))(x)]))


def patches(x):
    return layers.ReLU()(Stream(layers.DepthwiseConv1D(2, strides=2))(Stream(layers.Conv1D(16, 4, strides=4))(x)))


@pytest.mark.parametrize("body, step, states", [(shortcut, 2, 2), (patches, 8, 1)])
def test_engine_of_a_strided_model_hears_as_the_training_model(body, step, states, tmp_path):
    keras.utils.set_random_seed(1)

    def whole(x):
        return layers.Dense(4)(Stream(layers.GlobalAveragePooling1D(), window=8)(body(x)))

    streaming = to_streaming(functional((None, 10), whole), step)
    features = np.random.default_rng(0).normal(0, 32, (4, 64, 10)).clip(-128, 127).astype(np.int8)
    converted = convert(streaming, features, 1 / 32)
    assert len(converted.states) == states and converted.valid is None
    labels = ["_silence_", "_unknown_", "yes", "no"]
    about = {"accuracy": {}, "provenance": {}, "tools": {}}
    about = manifest("strides", labels, FrontendConfig(coefficients=10), step, converted, **about)
    bundle = write_bundle(tmp_path / "bundle", converted.data, about)
    program = engines.build(bundle, tmp_path / "generated")
    engines.assert_bit_exact(bundle, program, engines.random_features(bundle, 60))
