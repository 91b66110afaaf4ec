"""Layers that train faster than Keras's: the same numbers, forwards and backwards."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from kws_training.models import fast  # noqa: E402
from kws_training.streaming import Stream  # noqa: E402

CLIPS = np.random.default_rng(0).standard_normal((5, 12, 6)).astype(np.float32)


def outputs_and_gradients(layer, call, clips=CLIPS):
    inputs = tf.Variable(clips)
    with tf.GradientTape() as tape:
        outputs = call(inputs * 1.0)
        loss = tf.reduce_sum(
            outputs * tf.sin(tf.range(tf.size(outputs), dtype=tf.float32)).numpy().reshape(outputs.shape)
        )
    return [outputs, *tape.gradient(loss, [inputs, *layer.trainable_variables])]


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("frames", [12, 11])  # 11 + 4 frames are no multiple of 2: Keras's own way
def test_depthwise_equals_keras(dilation, frames):
    cell = keras.layers.DepthwiseConv1D(3, dilation_rate=dilation, use_bias=False)
    stream = Stream(cell)
    stream.build((None, None, 6))
    padded = lambda clips: cell(tf.pad(clips, [[0, 0], [2 * dilation, 0], [0, 0]]))  # noqa: E731
    ours = outputs_and_gradients(cell, lambda clips: stream(clips, training=True), CLIPS[:, :frames])
    for value, expected in zip(ours, outputs_and_gradients(cell, padded, CLIPS[:, :frames]), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_pointwise_equals_keras():
    layer = fast.Conv1D(7, 1, use_bias=False)
    layer.build(CLIPS.shape)
    plain = outputs_and_gradients(layer, lambda clips: keras.layers.Conv1D.call(layer, clips))
    ours = outputs_and_gradients(layer, lambda clips: layer(clips, training=True))
    for value, expected in zip(ours, plain, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalization_equals_keras(training):
    ours, keras_own = fast.BatchNormalization(momentum=0.5), keras.layers.BatchNormalization(momentum=0.5)
    for layer in (ours, keras_own):
        layer.build(CLIPS.shape)
        layer.gamma.assign(np.linspace(0.5, 2, 6))
        layer.moving_variance.assign(np.linspace(1, 3, 6))
    found, expected = (
        outputs_and_gradients(layer, lambda clips, layer=layer: layer(clips, training=training))
        for layer in (ours, keras_own)
    )
    for value, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours.moving_mean, keras_own.moving_mean, atol=1e-6)
    # TensorFlow's kernel estimates the variance of what the batch was drawn from: n / (n - 1).
    np.testing.assert_allclose(ours.moving_variance, keras_own.moving_variance, rtol=1 / 50)
