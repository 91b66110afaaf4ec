"""MixedNet: separable convolutions behind a strided one, so that all but the first layer run once every 20 ms.

A small streaming network in the manner of microWakeWord's MixedNet (K. Ahrendt) with one kernel size a block; residuals
without a projection, as every block has the same width. The stride comes from TC-ResNet (S. Choi et al.,
arXiv:1904.03814), the separable blocks from MatchboxNet (arXiv:2004.08531).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from kws_training.streaming import Stream


@dataclasses.dataclass(frozen=True)
class MixedNetConfig:
    """Shape of the network.

    Attributes:
      labels: number of classes.
      coefficients: features per frame.
      width: channels of every layer.
      first_kernel: taps of the first convolution, in frames.
      stride: frames from one output of the first convolution to the next; divides the frames of a streaming step.
      kernels: taps in time of each block's depthwise convolution, in strides.
      pool_frames: rows of the average before the classifier, in strides: one second of audio.
      dropout: rate before the classifier, training only.
    """

    labels: int = 12
    coefficients: int = 40
    width: int = 72
    first_kernel: int = 4
    stride: int = 2
    kernels: tuple[int, ...] = (5, 7, 9, 11, 13, 15)
    pool_frames: int = 49
    dropout: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MixedNetConfig":
        """Inverse of `to_dict`."""
        return cls(**{**values, "kernels": tuple(values["kernels"])})


def build(config: MixedNetConfig) -> keras.Model:
    """The training model, causal: features ``[batch, frames, coefficients]`` in, logits ``[batch, labels]`` out."""
    inputs = keras.Input((None, config.coefficients), name="features")
    first = layers.Conv1D(config.width, config.first_kernel, strides=config.stride, use_bias=False, name="first_conv")
    x = Stream(first, name="first")(inputs)
    x = layers.BatchNormalization(momentum=0.97, name="first_norm")(x)
    x = layers.ReLU(name="first_relu")(x)
    for index, kernel in enumerate(config.kernels, 1):
        name, shortcut = f"block{index}", x
        x = Stream(layers.DepthwiseConv1D(kernel, use_bias=False, name=f"{name}_depthwise"), name=name)(x)
        x = layers.Conv1D(config.width, 1, use_bias=False, name=f"{name}_pointwise")(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        x = layers.Add(name=f"{name}_add")([x, shortcut])
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = Stream(layers.GlobalAveragePooling1D(), window=config.pool_frames, name="pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    outputs = layers.Dense(config.labels, name="logits")(x)
    return keras.Model(inputs, outputs, name="mixednet")
