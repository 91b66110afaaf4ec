"""Matchbox (MatchboxNet, ds_tc_resnet), causal or not.

Paper: S. Majumdar, B. Ginsburg, "MatchboxNet: 1D Time-Channel Separable Convolutional Neural Network Architecture for
Speech Commands Recognition", Interspeech 2020, arXiv:2004.08531. Causal streaming configuration: O. Rybakov et al.,
"Streaming keyword spotting on mobile devices", Interspeech 2020, arXiv:2005.06720.
"""

import dataclasses
from typing import Any

import keras

from kws_training.models import fast
from kws_training.streaming import Delay, Stream

BN_EPSILON = 1e-3


@dataclasses.dataclass(frozen=True)
class Block:
    """One separable block.

    Attributes:
      filters: output channels.
      kernel: taps in time of the depthwise convolution.
      dilation: distance of the taps in frames.
      residual: adds a 1x1 projection of the block's input before the ReLU.
    """

    filters: int
    kernel: int
    dilation: int = 1
    residual: bool = False


@dataclasses.dataclass(frozen=True)
class MatchboxConfig:
    """Shape of the network; the defaults are the published 75K configuration with 12 labels.

    Attributes:
      labels: number of classes.
      coefficients: features per frame.
      blocks: separable blocks, first to last.
      pool_frames: frames of the average before the classifier: one second of audio at 10 ms hop and 30 ms window.
      frames_per_step: frames of one streaming step; a divisor of `pool_frames` and a multiple of every dilation gives
        the smallest exported model.
      dropout: rate before the classifier, training only.
      causal: kernels see earlier frames only; otherwise they are centred.
      width: multiplies the filters of every block.
    """

    labels: int = 12
    coefficients: int = 40
    blocks: tuple[Block, ...] = (
        Block(128, 11),
        Block(64, 13, residual=True),
        Block(64, 15, residual=True),
        Block(64, 17, residual=True),
        Block(128, 29, dilation=2),
        Block(128, 1),
    )
    pool_frames: int = 98
    frames_per_step: int = 2
    dropout: float = 0.0
    causal: bool = True
    width: int = 1

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MatchboxConfig":
        """Inverse of `to_dict`."""
        return cls(**{**values, "blocks": tuple(Block(**block) for block in values["blocks"])})


def build(config: MatchboxConfig) -> keras.Model:
    """The training model: float features ``[batch, frames, coefficients]`` in, logits ``[batch, labels]`` out.

    Causal: frame t sees nothing after t. Otherwise every kernel is centred, and `to_streaming` gives a model that lags.
    """
    inputs = keras.Input((None, config.coefficients), name="features")
    x = inputs
    for index, block in enumerate(config.blocks, 1):
        block = dataclasses.replace(block, filters=block.filters * config.width)
        name, shortcut = f"block{index}", x
        depthwise = keras.layers.DepthwiseConv1D(
            block.kernel,
            dilation_rate=block.dilation,
            padding="valid" if config.causal else "same",
            use_bias=False,
            name=f"{name}_depthwise",
        )
        convolution = Stream(depthwise, name=name)
        x = convolution(x)
        x = _pointwise(block, f"{name}_pointwise")(x)
        x = fast.BatchNormalization(epsilon=BN_EPSILON, momentum=0.97, name=f"{name}_norm")(x)
        if block.residual:
            if convolution.lookahead:
                shortcut = Delay(convolution.lookahead, name=f"{name}_delay")(shortcut)
            shortcut = _pointwise(block, f"{name}_residual")(shortcut)
            shortcut = fast.BatchNormalization(epsilon=BN_EPSILON, momentum=0.97, name=f"{name}_residual_norm")(
                shortcut
            )
            x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = Stream(keras.layers.GlobalAveragePooling1D(), window=config.pool_frames, name="pool")(x)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    outputs = keras.layers.Dense(config.labels, name="logits")(x)
    return keras.Model(inputs, outputs, name="matchbox")


def _pointwise(block: Block, name: str) -> keras.layers.Layer:
    return fast.Conv1D(block.filters, 1, use_bias=False, name=name)
