"""Small models as somebody would write them for `kws-train fit --model`: what each of them brings to the firmware."""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.frontend.config import FrontendConfig
from kws_training.convert.integer import convert
from kws_training.convert.manifest import manifest
from kws_training.models import architecture
from kws_training.streaming import (
    SVDF,
    ProjectedLSTMCell,
    Stream,
    Streaming,
    SubSpectralNormalization,
    to_streaming,
)

LABELS = ("_silence_", "_unknown_", "yes", "no")
FRONTEND = FrontendConfig(feature_mean=(0.0,) * 40, feature_std=(1.0,) * 40)


def ds_cnn(labels: int, coefficients: int) -> keras.Model:
    """Separable convolutions over time and bins, LEAKY_RELU and HARD_SWISH between them."""
    features = keras.Input((None, coefficients), name="features")
    x = layers.Reshape((-1, coefficients, 1), name="image")(features)
    x = Stream(layers.Conv2D(8, (6, 4), strides=(2, 2), use_bias=False), name="stem")(x)
    for index, function in enumerate((layers.LeakyReLU(0.1), layers.Activation("hard_swish")), 1):
        x = layers.BatchNormalization(name=f"norm{index}")(x)
        x = function(x)
        x = Stream(layers.DepthwiseConv2D((3, 3), use_bias=False), name=f"block{index}")(x)
        x = layers.Conv2D(8, 1, activation="relu", name=f"pointwise{index}")(x)
    x = Stream(layers.GlobalAveragePooling2D(), window=49, name="pool")(x)
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


def gru(labels: int, coefficients: int) -> keras.Model:
    """Two recurrent layers, whose states are no windows of frames, and the largest value of each unit."""
    features = keras.Input((None, coefficients), name="features")
    x = Stream(layers.GRU(12, return_sequences=True), name="memory")(features)
    x = Stream(layers.LSTM(8, return_sequences=True), name="long")(x)
    x = Stream(layers.GlobalMaxPooling1D(), window=98, name="most")(x)
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


def svdf(labels: int, coefficients: int) -> keras.Model:
    """SVDF layers of rank 2 (P. Nakkiran et al., Interspeech 2015): filters of features, then of time, then a sum."""
    features = x = keras.Input((None, coefficients), name="features")
    for index in (1, 2):
        x = layers.Dense(24, use_bias=False, name=f"features{index}")(x)
        x = Stream(layers.DepthwiseConv1D(8), name=f"time{index}")(x)
        x = layers.Reshape((-1, 12, 2), name=f"ranks{index}")(x)
        x = layers.ReLU(name=f"relu{index}")(ops.sum(x, -1))
    x = Stream(layers.GlobalAveragePooling1D(), window=98, name="pool")(x)
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


def transformer(labels: int, coefficients: int) -> keras.Model:
    """The kit's own: attention over rows of keys and values."""
    kind = architecture("transformer")
    return kind.build(kind.config(labels))


def ready(labels: int, coefficients: int) -> keras.Model:
    """The kit's own layers, and a function of the last frames."""
    features = keras.Input((None, coefficients), name="features")
    x = layers.Reshape((-1, coefficients, 1), name="image")(features)
    x = Stream(layers.Conv2D(6, (3, 4), strides=(2, 4), activation="relu"), name="stem")(x)
    x = SubSpectralNormalization(2, name="groups")(x)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), name="row")(x)
    x = SVDF(12, 6, rank=2, activation="relu", name="svdf")(x)
    x = Stream(lambda window: ops.max(window, 1), context=3, name="largest")(x)
    x = Stream(layers.RNN(ProjectedLSTMCell(10, 6)), name="memory")(x)
    return keras.Model(features, layers.Dense(labels, name="logits")(x))


class Net(Streaming, keras.Model):
    """Of the subclass API."""

    ends_time = True

    def __init__(self, labels: int):
        super().__init__()
        self.conv = Stream(layers.Conv1D(8, 3, activation="relu"))
        self.last = Stream(layers.GRU(6))
        self.scores = layers.Dense(labels)

    def call(self, inputs):
        return self.scores(self.last(self.conv(inputs)))

    def stream_inference(self, inputs, states):
        new = {}
        x, new["conv"] = self.conv.stream_inference(inputs, states["conv"])
        x, new["last"] = self.last.stream_inference(x, states["last"])
        return self.scores(x), new


def subclassed(labels: int, coefficients: int) -> keras.Model:
    """`Net`, which knows its shapes after its first call."""
    net = Net(labels)
    net(np.zeros((1, 98, coefficients), np.float32))
    return net


BUILDERS = {build.__name__: build for build in (ds_cnn, gru, svdf, transformer, ready, subclassed)}


def write(name: str, folder: Path) -> Bundle:
    """One of `BUILDERS` with random weights, quantized on noise, as a bundle."""
    keras.utils.set_random_seed(3)
    model = to_streaming(BUILDERS[name](len(LABELS), 40), 2)
    noise = np.random.default_rng(1).normal(size=(4, 98, 40)) * 40
    recordings = np.clip(np.rint(noise), -128, 127).astype(np.int8)
    converted = convert(model, recordings, 1 / FRONTEND.feature_steps_per_std)
    values = manifest(name, LABELS, FRONTEND, 2, converted, accuracy={}, provenance={}, tools={})
    return write_bundle(folder, converted.data, values)
