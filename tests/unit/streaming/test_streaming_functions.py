"""Functions and layers beside the streaming ones: they stream as the training model does, or are refused by name.

``KWS_STACKS=5000 pytest tests/unit/streaming/test_streaming_functions.py`` draws other stacks, and more of them.
"""

import functools
import os

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from hypothesis import HealthCheck, given, note, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from keras import layers, ops  # noqa: E402
from kws_training.streaming import CannotStream, Stream, to_streaming  # noqa: E402
from kws_training.streaming.axes import Mixes  # noqa: E402
from kws_training.streaming.proof import prove  # noqa: E402

from tests.support.streaming import assert_close, assert_streams, clips_for, functional, randomize  # noqa: E402

FRAMES = 14
CLIP = (FRAMES, 6)
STEPS = (1, 2, 7)
RAMP = np.linspace(-1, 1, FRAMES, dtype=np.float32)[:, None]


def conv(x, **arguments):
    return Stream(layers.Conv1D(6, 3, **arguments))(x)


def planes(x):
    """``[batch, time, 3, 2]``."""
    return layers.Reshape((-1, 3, 2))(x)


def ended(x):
    return Stream(layers.GRU(6))(x)


class Doubled(layers.Conv1D):
    """Keras's `call` by another kernel."""

    @property
    def kernel(self):
        return 2 * super().kernel


class Centred(layers.Conv1D):
    def call(self, inputs):
        outputs = super().call(inputs)
        return outputs - ops.mean(outputs, 1, keepdims=True)


class Promised(layers.Layer):
    """Says that it works frame by frame."""

    frame_by_frame = True

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, inputs):
        return self.function(inputs)


class TwiceNormalised(layers.BatchNormalization):
    def call(self, inputs, **arguments):
        return 2 * super().call(inputs, **arguments)


class TwiceGru(layers.GRU):
    def call(self, inputs, **arguments):
        return 2 * super().call(inputs, **arguments)


class NoDropout(layers.Dropout):
    def call(self, inputs, **arguments):
        return 2 * inputs


def linear(x):
    """Not Keras's, though it has the name."""
    return 2 * x


MIXING = {
    "slice from the start": lambda x: conv(x)[:, :7],
    "slice from the end": lambda x: x[:, -5:],
    "slice of one frame": lambda x: x[:, 3],
    "last frame": lambda x: x[:, -1],
    "slice with a step": lambda x: x[:, ::2],
    "backwards": lambda x: x[:, ::-1],
    "slice of the batch": lambda x: x[:1, :] + x,
    "roll": lambda x: ops.roll(x, 4, axis=1),
    "roll by the clip": lambda x: ops.roll(x, FRAMES, axis=1),
    "flip of the batch": lambda x: ops.flip(x, 0),
    "pad and cut": lambda x: ops.pad(x, ((0, 0), (5, 0), (0, 0)))[:, :FRAMES],
    "sort": lambda x: ops.sort(x, axis=1),
    "take": lambda x: ops.take(x, np.arange(FRAMES), axis=1),
    "normalize": lambda x: ops.normalize(x, axis=1),
    "a little of the mean": lambda x: x + 1e-9 * ops.mean(x, 1, keepdims=True),
    "the largest value": lambda x: x / ops.max(x),
    "tile and cut": lambda x: ops.tile(x, (1, 2, 1))[:, :FRAMES],
    "einsum": lambda x: ops.einsum("btc,bsc->btc", x, x),
    "matmul with itself": lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))),
    "transpose": lambda x: ops.transpose(x, (1, 0, 2)),
    "pairs of frames": lambda x: ops.reshape(x, (-1, FRAMES // 2, 12)),
    "halves of clips": lambda x: ops.reshape(x, (-1, FRAMES // 2, 6)),
    "a constant ramp": lambda x: x + RAMP,
    "clip by a ramp": lambda x: ops.clip(x, RAMP, 1.0),
    "rescaling by a ramp": layers.Rescaling(RAMP),
    "a variable for each frame": lambda x: x * keras.Variable(np.ones(CLIP, np.float32)),
    "activation rolls": layers.Activation(lambda x: tf.roll(x, 3, 1)),
    "activation is an operation": layers.Activation(keras.ops.flip),
    "activation is a layer": layers.Activation(layers.Softmax(axis=1)),
    "activation is a part": layers.Activation(functools.partial(keras.activations.softmax, axis=1)),
    "activation counts frames": layers.Activation(lambda x: x / x.shape[1]),
    "activation is random": layers.Activation(lambda x: x + tf.random.normal(tf.shape(x))),
    "activation adds an axis": layers.Activation(lambda x: tf.reshape(x, (-1, x.shape[1], 2, 3))),
    "activation of a length that is computed": layers.Activation(lambda x: tf.boolean_mask(x, [True] * 6, axis=2)),
    "activation of Dense": layers.Dense(4, activation=lambda x: tf.roll(x, 5, 1)),
    "activation of Dense with weights": layers.Dense(4, activation=layers.PReLU()),
    "activation of a bare convolution": layers.Conv1D(4, 1, activation=lambda x: tf.cumsum(x, 1)),
    "activation of a streamed convolution": lambda x: conv(x, activation=lambda y: tf.cumsum(y, 1)),
    "activation of a separable one": lambda x: Stream(
        layers.SeparableConv1D(4, 3, activation=lambda y: tf.nn.softmax(y, axis=1))
    )(x),
    "activation of a transposed one": lambda x: Stream(
        layers.Conv1DTranspose(4, 3, activation=lambda y: tf.roll(y, 4, 1))
    )(x),
    "activation of a GRU": lambda x: Stream(
        layers.GRU(4, activation=lambda y: y - tf.reduce_mean(y, 0), return_sequences=True)
    )(x),
    "activation behind the end": lambda x: layers.Dense(4, activation=lambda y: y - tf.reduce_mean(y, 0))(ended(x)),
    "function of the batch behind the end": lambda x: ops.flip(ended(x), 0),
    "lambda of the batch behind the end": lambda x: layers.Lambda(lambda y: y / ops.max(y))(ended(x)),
    "inner layer of the batch": layers.TimeDistributed(layers.Lambda(lambda y: y - ops.mean(y, 0))),
    "nested": lambda x: keras.Sequential([keras.Input(CLIP), layers.Activation(lambda y: tf.roll(y, 6, 1))])(x),
    "broken promise": Promised(lambda x: ops.roll(x, 5, axis=1)),
    "broken promise that cannot be followed": Promised(
        lambda x: tf.map_fn(lambda row: tf.roll(row, 5, 0), tf.convert_to_tensor(x))
    ),
    "own convolution": lambda x: Stream(Centred(4, 3))(x),
    "own bare convolution": Centred(4, 1),
    "own recurrence": lambda x: Stream(TwiceGru(4, return_sequences=True))(x),
    "own normalisation": lambda x: TwiceNormalised()(conv(x)),
    "own dropout": NoDropout(0.5),
    "statistics of the clip": lambda x: layers.BatchNormalization()(x, training=True),
    "dropout on the device": lambda x: layers.Dropout(0.5)(x, training=True),
    "EinsumDense over time": layers.EinsumDense("abc,bd->adc", output_shape=(FRAMES, 6)),
    "ZeroPadding2D over time": lambda x: layers.ZeroPadding2D(1)(planes(x)),
    "Dot over time": lambda x: layers.Dot(2)([x, x]),
    "Normalization of each frame": layers.Normalization(axis=(1, 2), mean=RAMP * np.ones(6), variance=np.ones(CLIP)),
    "Masking": layers.Masking(),
    "half precision": lambda x: ops.cast(ops.cast(x, "float16"), "float32"),
}
STREAMING = {
    "whole slice": lambda x: conv(x)[:, 0:],
    "feature axes": lambda x: conv(x)[:, :, None, ::2],
    "operations along features": lambda x: ops.concatenate(
        [
            ops.cumsum(conv(x), 2),
            ops.roll(x, 4, axis=2),
            ops.sort(x),
            ops.flip(x, 2),
            ops.pad(x, ((0, 0), (0, 0), (2, 1))),
        ],
        2,
    ),
    "statistics of features": lambda x: (
        ops.normalize(conv(x)) + ops.std(x, -1, keepdims=True) - ops.median(x, -1, keepdims=True)
    ),
    "top values": lambda x: ops.top_k(conv(x), 3)[0],
    "reshape with the clip's length": lambda x: ops.reshape(conv(x), (-1, FRAMES, 2, 3)),
    "bins by reshape": lambda x: Stream(layers.Conv2D(3, (3, 2)))(ops.reshape(x, (-1, FRAMES, 3, 2))),
    "axes of one": lambda x: ops.squeeze(ops.expand_dims(conv(x), 2), 2),
    "truth values": lambda x: layers.Dense(3)(ops.cast(conv(x) > 0.1, "int32")),
    "Normalization": lambda x: conv(layers.Normalization(mean=np.arange(6.0), variance=np.arange(1.0, 7.0))(x)),
    "Normalization inverted": layers.Normalization(mean=2.0, variance=3.0, invert=True),
    "EinsumDense": lambda x: layers.BatchNormalization()(
        layers.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d", activation="relu")(conv(x))
    ),
    "EinsumDense with ellipsis": lambda x: layers.EinsumDense("...a,ab->...b", output_shape=(3,))(planes(x)),
    "EinsumDense over bins": lambda x: layers.EinsumDense("abcd,ce->abed", output_shape=(None, 4, 2))(planes(x)),
    "ActivityRegularization": lambda x: layers.ActivityRegularization(0.1)(conv(x)),
    "ZeroPadding2D of bins": lambda x: Stream(layers.Conv2D(3, (3, 3)))(
        layers.ZeroPadding2D(((0, 0), (1, 1)))(planes(x))
    ),
    "Cropping2D of bins": lambda x: layers.Cropping2D(((0, 0), (1, 0)))(planes(x)),
    "UpSampling2D of bins": lambda x: layers.UpSampling2D((1, 2))(planes(x)),
    "MaxPooling2D of bins": lambda x: layers.MaxPooling2D((1, 2))(planes(x)),
    "Concatenate by number": lambda x: layers.Concatenate(axis=2)([conv(x), x]),
    "Concatenate of bins": lambda x: layers.Concatenate(axis=2)([planes(x), planes(x)]),
    "Concatenate behind the end": lambda x: layers.Concatenate(axis=1)([layers.Reshape((2, 3))(ended(x))] * 2),
    "Add of ranks behind the end": lambda x: (lambda y: layers.Add()([layers.Reshape((2, 3))(y), layers.Dense(3)(y)]))(
        ended(x)
    ),
    "LayerNormalization of bins": lambda x: layers.LayerNormalization(axis=[2, 3])(planes(x)),
    "Permute": lambda x: layers.Permute((1, 3, 2))(planes(x)),
    "SpectralNormalization": layers.SpectralNormalization(layers.Dense(5)),
    "Dense of five axes": lambda x: layers.Reshape((-1, 18))(layers.Dense(3)(layers.Reshape((-1, 3, 2, 1))(x))),
    "Rescaling of channels": lambda x: layers.Rescaling(np.arange(6.0), offset=list(range(6)))(conv(x)),
    "softmax by number": lambda x: layers.Activation(lambda y: tf.nn.softmax(y, axis=2))(conv(x)),
    "softmax by number behind the end": lambda x: layers.Activation(lambda y: tf.nn.softmax(y, axis=1))(
        Stream(layers.GlobalAveragePooling1D())(x)
    ),
    "activation of Dense": lambda x: layers.Dense(5, activation=lambda y: tf.nn.softmax(y, axis=2))(conv(x)),
    "activation of a convolution": lambda x: conv(x, activation=lambda y: tf.nn.softmax(y, axis=2)),
    "activation called linear": lambda x: layers.Dense(5, activation=linear)(conv(x, activation=linear)),
    "activation is a layer": layers.Dense(5, activation=layers.LeakyReLU(0.1)),
    "promise": lambda x: Promised(lambda y: y * tf.sigmoid(y))(conv(x)),
    "promise that cannot be followed": Promised(lambda x: tf.map_fn(lambda row: 2 * row, tf.convert_to_tensor(x))),
    "own kernel": lambda x: layers.BatchNormalization()(Stream(Doubled(4, 3))(x)),
    "own kernel of one tap": lambda x: layers.BatchNormalization()(Doubled(4, 1)(x)),
    "recurrence over bins": lambda x: layers.TimeDistributed(layers.LSTM(4))(planes(x)),
}


@pytest.mark.parametrize("name", MIXING)
def test_function_that_mixes_frames_is_refused_by_name(name):
    with pytest.raises(CannotStream, match=r"^\w+ \(\w+( of \w+)?\) cannot stream: [^\n]*\.$"):
        to_streaming(functional(CLIP, MIXING[name]), 2)


@pytest.mark.parametrize("name", STREAMING)
def test_function_of_each_frame_streams_as_batch(name):
    assert_streams(functional(CLIP, STREAMING[name]), *STEPS, length=FRAMES)


@pytest.mark.parametrize("function", [lambda x: x[:, :200], lambda x: x[:, -200:], lambda x: ops.roll(x, 97, axis=1)])
def test_function_of_a_clip_without_fixed_length_is_not_taken_for_what_it_does_to_short_ones(function):
    with pytest.raises(CannotStream, match="mixes frames, or may do so .its (StridedSlice|Roll) goes over time"):
        to_streaming(functional((None, 6), function), 2)


def test_refused_function_says_which_operation_goes_over_time():
    with pytest.raises(
        CannotStream, match=r"^act \(Activation\) .*its activation mixes frames.*its Roll goes over time"
    ):
        to_streaming(functional(CLIP, layers.Activation(lambda x: tf.roll(x, 3, 1), name="act")), 2)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reshape(tf.matmul(tf.reshape(x, (-1, 6)), tf.ones((6, 4))), (-1, x.shape[1], 4)),
        lambda x: tf.function(lambda y: tf.nn.silu(y))(x),
        lambda x: tf.abs(tf.signal.rfft(x)),
        lambda x: tf.transpose(tf.transpose(x, (1, 0, 2)) * 2, (1, 0, 2)),
    ],
)
def test_proof_follows_frames_through_a_graph(function):
    prove(lambda tensors: function(tensors[0]), [tf.TensorSpec((None, 97, 6))])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reshape(tf.reshape(x, (-1, 2 * 97)), x.shape),
        lambda x: tf.function(lambda y: tf.reverse(y, [1]))(x),
        lambda x: tf.math.cumsum(tf.transpose(x, (1, 0, 2)), 0),
        lambda x: x + tf.cast(tf.range(x.shape[1]), tf.float32)[:, None],
        lambda x: x * tf.reduce_sum(tf.zeros_like(x) * x),
        lambda x: tf.expand_dims(x, 1)[:, 0] * tf.reduce_max(x, 1, keepdims=True),
    ],
)
def test_proof_finds_frames_that_meet(function):
    with pytest.raises(Mixes):
        prove(lambda tensors: function(tensors[0]), [tf.TensorSpec((None, 97, 6))])


# Random functions over random axes: those along features stream, whatever streams has the training model's numbers

ALONG = {  # work along an axis, keep the shape
    "flip": lambda x, axis, n: ops.flip(x, axis),
    "cumsum": lambda x, axis, n: ops.cumsum(x, axis),
    "roll": lambda x, axis, n: ops.roll(x, n, axis=axis),
    "sort": lambda x, axis, n: ops.sort(x, axis=axis),
    "softmax": lambda x, axis, n: ops.softmax(x, axis=axis),
    "mean": lambda x, axis, n: x - ops.mean(x, axis, keepdims=True),
    "max": lambda x, axis, n: ops.maximum(x, 0.5 * ops.max(x, axis, keepdims=True)),
    "take": lambda x, axis, n: ops.take(x, np.arange(x.shape[axis] or 1)[::-1].copy(), axis=axis),
    "slices": lambda x, axis, n: ops.concatenate(
        [x[(*[slice(None)] * axis, slice(n, None))], x[(*[slice(None)] * axis, slice(None, n))]], axis
    ),
    "pad": lambda x, axis, n: ops.pad(x, [(n, 0) if i == axis else (0, 0) for i in range(3)])[
        (*[slice(None)] * axis, slice(None, x.shape[axis]))
    ],
    "stack": lambda x, axis, n: ops.max(ops.stack([x, 0.5 * x], axis), axis),
}
EXAMPLES = int(os.environ.get("KWS_STACKS", "0"))


@settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_random_function_streams_as_batch_or_is_refused(data):
    keras.backend.clear_session(free_memory=False)
    inputs = x = keras.Input((data.draw(st.sampled_from((FRAMES, None)), "length"), 6))
    mixes = False
    for name in data.draw(st.lists(st.sampled_from((*ALONG, "conv", "dense")), min_size=1, max_size=4), "functions"):
        if name in ALONG:
            axis = data.draw(st.sampled_from((2, 2, 1, 0)), "axis")
            x = ALONG[name](x, axis, data.draw(st.integers(1, 5), "n"))
            mixes = mixes or axis < 2
        else:
            x = conv(x) if name == "conv" else layers.Dense(6)(x)
    model = randomize(keras.Model(inputs, x), data.draw(st.integers(0, 1000), "seed"))
    clips = clips_for(model, FRAMES)
    step = data.draw(st.sampled_from(STEPS), "step")
    note(f"mixes {mixes}")
    if mixes:
        with pytest.raises(CannotStream):
            to_streaming(model, step)
    else:
        assert_close(to_streaming(model, step).stream(clips), model(clips, training=False))


class Louder(keras.Model):
    """A functional model whose class does more than its graph."""

    def call(self, inputs, **arguments):
        return 2 * super().call(inputs, **arguments)


def test_functional_model_with_a_call_of_its_own_is_refused():
    inputs = keras.Input(CLIP)
    louder = Louder(inputs, layers.Dense(6)(inputs), name="louder")
    with pytest.raises(CannotStream, match=r"^louder \(Louder\) cannot stream: it is neither"):
        to_streaming(louder, 2)
    with pytest.raises(CannotStream, match=r"^louder \(Louder\) cannot stream: "):
        to_streaming(keras.Model(inputs, louder(inputs)), 2)


@pytest.mark.parametrize("activation", [tf.nn.relu, lambda x: tf.nn.silu(x) * 0.5, layers.LeakyReLU(0.1), ops.relu6])
def test_activation_on_each_value_costs_no_reshaping(activation):
    model = functional(CLIP, lambda x: layers.Activation(activation)(conv(x, activation=activation)))
    streaming = assert_streams(model, *STEPS, length=FRAMES)
    names = [operation.type for operation in streaming.concrete_function().graph.get_operations()]
    assert names.count("Reshape") <= 1  # of the output
