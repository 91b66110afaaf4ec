"""Kernels that are not what a layer multiplies by: quantized by Keras, of another precision, adapted, or one's own."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers, ops  # noqa: E402
from kws_training.streaming import CannotStream, Stream, Streaming, to_streaming  # noqa: E402

from tests.support.streaming import assert_streams, functional, randomize  # noqa: E402

CLIP = (14, 8)


def dense(x):
    return Stream(layers.Conv1D(4, 3))(layers.Dense(8, name="mine")(x))


def inside_another(x):
    return keras.Sequential([keras.Input(CLIP), layers.Dense(8, name="mine")])(x)


def of_each_frame(x):
    return layers.TimeDistributed(layers.Dense(4, name="mine"))(x)


def einsum(x):
    return layers.EinsumDense("abc,cd->abd", output_shape=(None, 8), name="mine")(x)


@pytest.mark.parametrize("body", [dense, inside_another, of_each_frame, einsum])
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_model_that_keras_quantized_is_refused_by_the_layers_name(body, mode):
    model = functional(CLIP, body)
    model.quantize(mode)
    with pytest.raises(
        CannotStream, match=rf"^mine \(\w+\) cannot stream: Keras has quantized it \({mode}\): .*convert"
    ):
        to_streaming(model, 2)


def test_layer_with_a_quantized_policy_is_refused_by_name():
    body = layers.Dense(8, dtype="int8_from_float32", name="mine")
    with pytest.raises(CannotStream, match=r"^mine \(Dense\) .*quantized it \(int8\)"):
        to_streaming(functional(CLIP, body), 2)


class Net(Streaming, keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(8, name="mine")
        self.conv = Stream(layers.Conv1D(4, 3))

    def call(self, inputs):
        return self.conv(self.first(inputs))

    def stream_inference(self, inputs, states):
        outputs, new = self.conv.stream_inference(self.first(inputs), states["conv"])
        return outputs, {"conv": new}


def test_subclassed_model_that_keras_quantized_is_refused_by_the_layers_name():
    net = Net()
    net(np.zeros((1, *CLIP), np.float32))
    net.quantize("int8")
    with pytest.raises(CannotStream, match=r"^mine \(Dense\) .*quantized it \(int8\)"):
        to_streaming(net, 2)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda **more: layers.Dense(4, name="mine", **more),
        lambda **more: Stream(layers.Conv1D(4, 3, name="mine", **more), name="around"),
        lambda **more: layers.BatchNormalization(name="mine", **more),
    ],
)
def test_layer_of_another_precision_is_refused_by_name(policy, layer):
    model = functional(CLIP, layer(dtype=policy))
    with pytest.raises(
        CannotStream, match=r"^mine \(\w+\) cannot stream: it computes in (b?float\d+), .*dtype='float32'"
    ):
        to_streaming(model, 2)


def test_input_of_another_precision_is_refused():
    inputs = keras.Input(CLIP, dtype="float16")
    with pytest.raises(CannotStream, match=r"^mine \(Dense\) cannot stream: it computes in float16"):
        to_streaming(keras.Model(inputs, layers.Dense(4, name="mine")(inputs)), 2)


def test_adapted_layers_stream_with_what_was_adapted():
    def body(x):
        x = layers.Dense(8, name="dense")(x)
        x = Stream(layers.Conv1D(8, 3), name="conv")(x)
        return layers.EinsumDense("abc,cd->abd", output_shape=(None, 8), name="einsum")(x)

    model = functional(CLIP, body)
    for layer in (model.get_layer("dense"), model.get_layer("conv").cell, model.get_layer("einsum")):
        layer.enable_lora(2)
    assert_streams(randomize(model), 1, 2, 7, length=14)


def test_regularised_and_constrained_layers_stream():
    def body(x):
        x = layers.Dense(8, kernel_constraint="non_neg", activity_regularizer="l2")(x)
        return Stream(layers.Conv1D(8, 3, kernel_constraint="max_norm", kernel_regularizer="l2"))(x)

    assert_streams(functional(CLIP, body), 1, 2, 7, length=14)


class Halved(layers.Conv1D):
    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel / ops.max(ops.abs(kernel)))


def test_convolution_of_ones_own_is_run_as_it_is():
    model = functional(CLIP, lambda x: layers.BatchNormalization()(Stream(Halved(4, 3))(x)))
    assert_streams(model, 1, 2, 7, length=14)
