"""MixedNet: separable convolutions of which the first has a stride, so that all the others run once every 20 ms.

A small streaming network in the manner of microWakeWord's MixedNet (K. Ahrendt), with one kernel size a block. Stride
and residuals without a projection are those of TC-ResNet (S. Choi et al., arXiv:1904.03814); widths and receptive field
those of Matchbox (arXiv:2004.08531), which has 2.3 times its multiply-accumulates.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from kws_training.streaming import Stream


@dataclasses.dataclass(frozen=True)
class Block:
    """Depthwise convolution in time (none if `kernel` is 1), 1x1 convolution, batch normalisation, ReLU.

    Attributes:
      filters: output channels. If there are as many input channels, the input is added before the ReLU.
      kernel: taps in time.
    """

    filters: int
    kernel: int


@dataclasses.dataclass(frozen=True)
class MixedNetConfig:
    """Shape of the network.

    Attributes:
      labels: number of classes.
      coefficients: features per frame.
      stride: frames from one output of the first block to the next; divides the frames of a streaming step.
      blocks: first to last. The kernel of the first is in frames, those of the others in strides.
      pool_frames: rows of the average before the classifier, in strides: one second of audio.
      dropout: rate before the classifier, training only.
      unheard_frames: newest frames of each stride that the first block leaves out. Settings that do not say it are of
        models whose windows ended with the oldest: ``stride - 1``, and with it 10 ms more latency.
    """

    labels: int = 12
    coefficients: int = 40
    stride: int = 2
    blocks: tuple[Block, ...] = (
        Block(128, 9),
        Block(64, 7),
        Block(64, 7),
        Block(64, 9),
        Block(64, 9),
        Block(64, 11),
        Block(128, 15),
        Block(128, 1),
    )
    pool_frames: int = 49
    dropout: float = 0.0
    unheard_frames: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MixedNetConfig":
        """Inverse of `to_dict`."""
        blocks = tuple(Block(**block) for block in values["blocks"])
        return cls(**{"unheard_frames": values["stride"] - 1, **values, "blocks": blocks})


def build(config: MixedNetConfig) -> keras.Model:
    """The training model, causal: features ``[batch, frames, coefficients]`` in, logits ``[batch, labels]`` out."""
    inputs = x = keras.Input((None, config.coefficients), name="features")
    for index, block in enumerate(config.blocks, 1):
        name, shortcut, stride = f"block{index}", x, config.stride if index == 1 else 1
        if block.kernel > 1 or stride > 1:
            depthwise = layers.DepthwiseConv1D(block.kernel, stride, use_bias=False, name=f"{name}_depthwise")
            x = Stream(depthwise, lookahead=-config.unheard_frames if stride > 1 else None, name=name)(x)
        x = layers.Conv1D(block.filters, 1, use_bias=False, name=f"{name}_pointwise")(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)
        if block.kernel > 1 and stride == 1 and shortcut.shape[-1] == block.filters:
            x = layers.Add(name=f"{name}_add")([x, shortcut])
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = Stream(layers.GlobalAveragePooling1D(), window=config.pool_frames, name="pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    outputs = layers.Dense(config.labels, name="logits")(x)
    return keras.Model(inputs, outputs, name="mixednet")
