"""Multi-head attention RNN: bidirectional GRUs, and an attention that asks with the middle frame. Whole clips only.

Paper: O. Rybakov et al., "Streaming keyword spotting on mobile devices", Interspeech 2020, arXiv:2005.06720. It needs
the clip's end before it can say anything, so `to_streaming` refuses it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from kws_training.streaming import Stream


@dataclasses.dataclass(frozen=True)
class MhattRnnConfig:
    """Shape of the network; the defaults are the published ones, with 12 labels.

    Attributes:
      labels: number of classes.
      coefficients: features per frame.
      frames: frames of a clip; the middle one asks.
      filters: of the two convolutions in time in front.
      kernel: their taps in time.
      units: of each direction of the two recurrent layers.
      heads: of the attention.
      hidden: units of the two layers before the classifier.
      dropout: rate before those, training only.
    """

    labels: int = 12
    coefficients: int = 40
    frames: int = 98
    filters: tuple[int, int] = (10, 1)
    kernel: int = 5
    units: int = 128
    heads: int = 4
    hidden: tuple[int, int] = (64, 32)
    dropout: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MhattRnnConfig":
        """Inverse of `to_dict`."""
        return cls(**{**values, "filters": tuple(values["filters"]), "hidden": tuple(values["hidden"])})


def build(config: MhattRnnConfig) -> keras.Model:
    """Float features ``[batch, frames, coefficients]`` in, logits ``[batch, labels]`` out."""
    inputs = keras.Input((config.frames, config.coefficients), name="features")
    x = layers.Reshape((config.frames, config.coefficients, 1), name="image")(inputs)
    for index, filters in enumerate(config.filters, 1):
        convolution = layers.Conv2D(filters, (config.kernel, 1), padding="same", activation="relu")
        x = Stream(convolution, name=f"convolution{index}")(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"norm{index}")(x)
    x = layers.Reshape((config.frames, config.coefficients * config.filters[-1]), name="rows")(x)
    for index in (1, 2):
        recurrent = layers.GRU(config.units, return_sequences=True, name=f"gru{index}")
        x = layers.Bidirectional(recurrent, name=f"bidirectional{index}")(x)
    width = 2 * config.units
    middle = x[:, config.frames // 2]
    query = layers.Dense(config.heads * width, name="query")(middle)
    query = layers.Reshape((config.heads, width), name="queries")(query)
    weights = ops.softmax(ops.matmul(query, ops.transpose(x, (0, 2, 1))))  # [batch, heads, frames]
    x = layers.Flatten(name="values")(ops.matmul(weights, x))
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.Dense(config.hidden[0], activation="relu", name="hidden1")(x)
    x = layers.Dense(config.hidden[1], name="hidden2")(x)
    outputs = layers.Dense(config.labels, name="logits")(x)
    return keras.Model(inputs, outputs, name="mhatt_rnn")
