"""Causal self-attention transformer for keywords: local features from convolutions, then single-head attention.

The form of the self-attention models of O. Rybakov et al., "Streaming keyword spotting on mobile devices", Interspeech
2020, arXiv:2005.06720, made causal: a query sees the last half second, whose keys and values are kept in ring buffers.
Attention and feed-forward layer are residual (A. Vaswani et al., arXiv:1706.03762) with batch instead of layer
normalisation, which leaves nothing to normalise at run time: it is folded into the projections.
"""

import dataclasses
from typing import Any

import keras

from kws_training.streaming import LocalSelfAttention, Stream

BN_EPSILON = 1e-3


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """Shape of the network; the defaults have 128K parameters.

    Attributes:
      labels: number of classes.
      coefficients: features per frame.
      filters: channels everywhere; also of queries, keys and values.
      stem_kernel: taps in time of the first convolution.
      stride: frames for each frame behind the first convolution; a streaming step takes a multiple of it.
      kernels: taps in time of the separable convolutions that follow, in frames of `stride`.
      window: frames of `stride` that a query sees.
      heads: of the attention; divides `filters`.
      expansion: hidden channels of the feed-forward layer, in `filters`.
      pool_frames: input frames of the average before the classifier: one second of audio.
      dropout: rate before the classifier, training only.
      unheard_frames: newest frames of each stride that the first convolution leaves out. Settings that do not say it
        are of models whose windows ended with the oldest: ``stride - 1``, and with it 10 ms more latency.
    """

    labels: int = 12
    coefficients: int = 40
    filters: int = 96
    stem_kernel: int = 5
    stride: int = 2
    kernels: tuple[int, ...] = (9, 9, 9)
    window: int = 25
    heads: int = 1
    expansion: int = 2
    pool_frames: int = 98
    dropout: float = 0.0
    unheard_frames: int = 0

    def __post_init__(self):
        if self.pool_frames % self.stride:
            raise ValueError(f"stride must divide pool_frames {self.pool_frames}. Received: {self.stride}")

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TransformerConfig":
        """Inverse of `to_dict`."""
        return cls(**{"unheard_frames": values["stride"] - 1, **values, "kernels": tuple(values["kernels"])})


def build(config: TransformerConfig) -> keras.Model:
    """The training model: float features ``[batch, frames, coefficients]`` in, logits ``[batch, labels]`` out.

    The layer ``attention`` holds what `kws-train attention` draws.
    """
    filters = config.filters
    inputs = keras.Input((None, config.coefficients), name="features")
    stem = keras.layers.Conv1D(filters, config.stem_kernel, config.stride, use_bias=False, name="stem_conv")
    x = Stream(stem, lookahead=-config.unheard_frames, name="stem")(inputs)
    x = _norm("stem")(x)
    x = keras.layers.ReLU(name="stem_relu")(x)
    for index, kernel in enumerate(config.kernels, 1):
        name = f"local{index}"
        y = Stream(keras.layers.DepthwiseConv1D(kernel, use_bias=False, name=f"{name}_depthwise"), name=name)(x)
        y = _projection(filters, f"{name}_pointwise")(y)
        y = _norm(name)(y)
        x = keras.layers.Add(name=f"{name}_add")([y, x])
        x = keras.layers.ReLU(name=f"{name}_relu")(x)

    y = LocalSelfAttention(filters, config.window, heads=config.heads, name="attention")(x)
    y = _projection(filters, "attention_output")(y)
    y = _norm("attention")(y)
    x = keras.layers.Add(name="attention_add")([y, x])

    y = _projection(filters * config.expansion, "feed_forward_up")(x)
    y = _norm("feed_forward_up")(y)
    y = keras.layers.ReLU(name="feed_forward_relu")(y)
    y = _projection(filters, "feed_forward_down")(y)
    y = _norm("feed_forward_down")(y)
    x = keras.layers.Add(name="feed_forward_add")([y, x])
    x = keras.layers.ReLU(name="output_relu")(x)

    window = config.pool_frames // config.stride
    x = Stream(keras.layers.GlobalAveragePooling1D(), window=window, name="pool")(x)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    outputs = keras.layers.Dense(config.labels, name="logits")(x)
    return keras.Model(inputs, outputs, name="transformer")


def _projection(filters: int, name: str) -> keras.layers.Layer:
    return keras.layers.Conv1D(filters, 1, use_bias=False, name=name)


def _norm(name: str) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(epsilon=BN_EPSILON, momentum=0.97, name=f"{name}_norm")
