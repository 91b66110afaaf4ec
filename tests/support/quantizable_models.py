"""Small models of many layers that quantization-aware training takes, as somebody would write them."""

import keras
import numpy as np
from keras import layers
from kws_reference.bundle import Bundle, write_bundle
from kws_training.convert.integer import convert_quantized
from kws_training.convert.manifest import manifest
from kws_training.quantize.graph import to_quantized
from kws_training.quantize.model import calibrate
from kws_training.quantize.precision import precision
from kws_training.streaming import SVDF, Stream, Streaming, to_streaming

from tests.support.own_models import FRONTEND, LABELS, ds_cnn
from tests.support.streaming import randomize

SCALE = 1 / FRONTEND.feature_steps_per_std
FRAMES, STEP = 98, 2


def gated(labels: int, coefficients: int) -> keras.Model:
    """Convolutions in time, a residual, a gate, and two halves side by side."""
    features = keras.Input((None, coefficients), name="features")
    x = Stream(layers.Conv1D(16, 5, strides=2, use_bias=False), name="stem")(features)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = Stream(layers.DepthwiseConv1D(3, dilation_rate=2, use_bias=False), name="wide")(x)
    y = layers.BatchNormalization()(layers.Conv1D(16, 1, name="mix")(y))
    x = layers.ReLU(6.0)(layers.Add(name="sum")([x, y, x]))
    gate = Stream(layers.AveragePooling1D(4, strides=1), name="recent")(x)
    x = layers.Multiply(name="gated")([x, layers.Dense(16, activation="sigmoid", name="gate")(gate)])
    x = layers.Concatenate(name="both")([x, Stream(layers.MaxPooling1D(3, strides=1), name="most")(x)])
    x = layers.LeakyReLU(0.1, name="leaky")(x)
    x = Stream(layers.GlobalAveragePooling1D(), window=49, name="pool")(x)
    x = layers.Dropout(0.1, name="dropped")(layers.Dense(12, activation="relu", name="hidden")(x))
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


def flattened(labels: int, coefficients: int) -> keras.Model:
    """Normalised features, several filters for each, tanh, silu, SVDF, and the last frames side by side."""
    features = keras.Input((None, coefficients), name="features")
    x = layers.BatchNormalization(name="norm")(features)
    x = Stream(layers.SeparableConv1D(12, 5, depth_multiplier=2, activation="tanh"), name="separable")(x)
    x = layers.Activation("silu", name="silu")(x)
    x = SVDF(8, 4, activation="relu", name="svdf")(x)
    x = Stream(layers.Conv1D(8, 3, strides=2), lookahead=-1, name="oldest")(x)
    x = Stream(layers.Flatten(), window=8, name="flat")(x)
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


def planar(labels: int, coefficients: int) -> keras.Model:
    """Convolutions and pooling of bins, and sums of more products than float32 holds."""
    features = keras.Input((None, coefficients), name="features")
    x = layers.Reshape((-1, coefficients, 1), name="image")(features)
    x = Stream(layers.Conv2D(6, (3, 5), strides=(1, 2), padding="same", activation="relu"), lookahead=0, name="bins")(x)
    x = layers.MaxPooling2D((1, 2), name="halved")(x)
    x = Stream(layers.SeparableConv2D(8, (3, 3)), name="separable")(x)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), name="row")(layers.ReLU(6.0)(x))
    x = Stream(layers.Conv1D(12, 9), name="long")(x)
    x = layers.BatchNormalization()(Stream(layers.DepthwiseConv1D(3, use_bias=False), name="after")(x))
    x = Stream(layers.GlobalMaxPooling1D(), window=10, name="most")(x)
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


def memories(labels: int, coefficients: int) -> keras.Model:
    """What was heard before, remembered in every way that Keras has."""
    features = keras.Input((None, coefficients), name="features")
    x = Stream(layers.Conv1D(12, 5, strides=2, activation="relu"), name="stem")(features)
    x = Stream(layers.GRU(10, return_sequences=True), name="gated")(x)
    x = Stream(layers.LSTM(8, return_sequences=True), name="long")(x)
    x = layers.Concatenate(name="both")([x, Stream(layers.SimpleRNN(6, return_sequences=True), name="simple")(x)])
    x = Stream(layers.GRU(9, use_bias=False), name="last")(x)
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


class Net(Streaming, keras.Model):
    """Of the subclass API."""

    ends_time = True

    def __init__(self, labels: int):
        super().__init__()
        self.conv = Stream(layers.Conv1D(8, 3, activation="relu"))
        self.blocks = [Stream(layers.DepthwiseConv1D(3)), layers.Dense(8)]
        self.last = Stream(layers.GlobalAveragePooling1D(), window=20)
        self.scores = layers.Dense(labels)

    def call(self, inputs):
        x = self.conv(inputs)
        return self.scores(self.last(keras.ops.relu(x + self.blocks[1](self.blocks[0](x)))))


def subclassed(labels: int, coefficients: int) -> keras.Model:
    """`Net`, which knows its shapes after its first call."""
    net = Net(labels)
    net(np.zeros((1, FRAMES, coefficients), np.float32))
    return net


BUILDERS = {build.__name__: build for build in (gated, flattened, planar, memories, subclassed, ds_cnn)}


def clips(count: int, seed: int = 0) -> np.ndarray:
    """int8 features ``[count, frames, 40]`` of noise."""
    noise = np.random.default_rng(seed).normal(size=(count, FRAMES, 40)) * 32
    return np.clip(np.rint(noise), -128, 127).astype(np.int8)


def real(features: np.ndarray) -> np.ndarray:
    """What the training graph is given for int8 features."""
    return features.astype(np.float32) * np.float32(SCALE)


def floating(name: str) -> keras.Model:
    """One of `BUILDERS` with random weights."""
    keras.utils.set_random_seed(1)
    return randomize(BUILDERS[name](len(LABELS), 40))


def quantized(model: keras.Model, name: str, step: int = STEP) -> keras.Model:
    """The quantized form of a float model, of a precision from the command line."""
    found = to_quantized(model, precision(name), SCALE, step, FRAMES)
    calibrate(found, real(clips(10, seed=1)))
    return found


def write(folder, model: keras.Model) -> Bundle:
    """Exports a quantized model as a bundle."""
    converted = convert_quantized(model, to_streaming(model, STEP), SCALE)
    values = manifest(model.name, LABELS, FRONTEND, STEP, converted, accuracy={}, provenance={}, tools={})
    return write_bundle(folder, converted.data, values)
