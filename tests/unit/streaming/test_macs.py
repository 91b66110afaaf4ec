"""Multiply-accumulates of a streaming model: formulas against the graph, and against the published Matchbox."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from kws_training.models import architecture  # noqa: E402
from kws_training.streaming import LocalSelfAttention, Stream, StreamingLayer, to_streaming  # noqa: E402
from kws_training.streaming.layer import Streaming  # noqa: E402
from kws_training.streaming.macs import count_macs  # noqa: E402

FRAMES = 4


@pytest.mark.parametrize(
    "cell, shape, macs",
    [
        (lambda: layers.Conv1D(8, 3, strides=2), (6,), 2 * 8 * 3 * 6),
        (lambda: layers.Conv2D(8, (3, 5), padding="same"), (10, 6), FRAMES * 10 * 8 * 15 * 6),
        (lambda: layers.DepthwiseConv1D(5, dilation_rate=2), (6,), FRAMES * 5 * 6),
        (lambda: layers.DepthwiseConv2D((3, 4), depth_multiplier=2), (10, 6), FRAMES * 7 * 12 * 12),
        (lambda: layers.SeparableConv1D(8, 3), (6,), FRAMES * (3 * 6 + 6 * 8)),
        (lambda: layers.Conv1DTranspose(8, 4, strides=2), (6,), FRAMES * 4 * 6 * 8),
        (lambda: layers.Conv2DTranspose(8, (4, 3), strides=2), (10, 6), FRAMES * 10 * 12 * 6 * 8),
        (lambda: layers.GRU(8, return_sequences=True), (6,), FRAMES * (6 * 24 + 8 * 24)),
        (lambda: layers.LSTM(8), (6,), FRAMES * (6 * 32 + 8 * 32)),
        (lambda: layers.MaxPooling1D(2), (6,), 0),
    ],
)
def test_stream_macs_equal_those_of_the_graph(cell, shape, macs):
    layer = Stream(cell())
    layer.build((None, None, *shape))
    assert layer.macs((None, None, *shape), FRAMES) == macs
    assert Streaming.macs(layer, (None, None, *shape), FRAMES) == macs


@pytest.mark.parametrize("heads", [1, 2])
def test_attention_macs_equal_those_of_the_graph(heads):
    layer = LocalSelfAttention(8, 5, heads=heads)
    layer.build((None, None, 6))
    assert layer.macs((None, None, 6), FRAMES) == Streaming.macs(layer, (None, None, 6), FRAMES)


@pytest.mark.parametrize(
    "equation, shapes, macs",
    [
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
        ("...j,jk->...k", [(2, 3, 4), (4, 5)], 2 * 3 * 4 * 5),
    ],
)
def test_count_macs_of_an_einsum_counts_every_product(equation, shapes, macs):
    import tensorflow as tf

    assert count_macs(lambda a, b: tf.einsum(equation, a, b), *shapes) == macs


class Mixer(StreamingLayer):
    """A layer of one's own that says nothing about its multiply-accumulates."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 7), name="kernel")
        self.built = True

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)

    def stream_inference(self, inputs, states):
        return self.call(inputs), {}


@pytest.mark.parametrize(
    "layer, macs",
    [
        (lambda: Mixer(name="own"), FRAMES * 6 * 7),
        (lambda: layers.TimeDistributed(layers.Dense(7), name="own"), FRAMES * 6 * 7),
        (lambda: layers.Conv1D(8, 1, groups=2, name="own"), FRAMES * 6 * 4),
        (lambda: layers.Dense(7, name="own"), FRAMES * 6 * 7),
        (lambda: layers.LayerNormalization(name="own"), 0),
    ],
)
def test_rows_of_a_layer_without_a_formula_count_its_graph(layer, macs):
    inputs = keras.Input((None, 6))
    model = to_streaming(keras.Model(inputs, layer()(inputs)), FRAMES)
    assert {row.name: row.macs for row in model.rows()} == {"own": macs}


def test_rows_of_a_dense_layer_behind_the_end_of_time_count_one_row_a_step():
    inputs = keras.Input((8, 6))
    x = Stream(layers.Flatten())(inputs)
    x = layers.Dense(7, name="own")(layers.Reshape((4, 12))(x))
    rows = {row.name: row.macs for row in to_streaming(keras.Model(inputs, x), FRAMES).rows()}
    assert rows["own"] == 4 * 12 * 7


def test_rows_of_matchbox_state_the_published_figures():
    kind = architecture("matchbox")
    rows = to_streaming(kind.build(kind.config(labels=12)), 2).rows()
    # 68,600 per frame and the classifier; the one-tap depthwise convolution of block 6 (128 a frame) is folded away.
    assert sum(row.macs for row in rows) == 2 * (68_600 - 128) + 128 * 12
    states = {name: int(np.prod(shape)) for row in rows for name, shape in row.states.items()}
    assert sum(size for name, size in states.items() if name != "pool") == 7_440
    assert {row.name: row.receptive_frames for row in rows}["block6_relu"] == 109
