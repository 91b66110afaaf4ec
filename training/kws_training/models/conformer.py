"""Causal Conformer encoder with local attention: speech recognition's size in the same streaming library.

Paper: A. Gulati et al., "Conformer: Convolution-augmented Transformer for Speech Recognition", Interspeech 2020,
arXiv:2005.08100. The defaults are its large encoder (17 layers, 512 channels, 8 heads, 32 taps), made causal: attention
sees the last 60 frames, the depthwise convolution earlier frames only. Other than there, the position enters as a
learned bias for each distance, and time is halved instead of quartered: two 10 ms frames make one encoder frame, so
that every 20 ms step gives one.
"""

import dataclasses
from typing import Any

import keras
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.streaming import LocalSelfAttention, Stream

HEAD_SIZE = 64


@dataclasses.dataclass(frozen=True)
class ConformerConfig:
    """Shape of the encoder; the defaults have 104M parameters.

    Attributes:
      mel_bands: features per 10 ms frame.
      layers: conformer blocks.
      size: channels of the encoder.
      heads: of the attention; divides `size`.
      window: encoder frames (20 ms) that a query sees, its own among them.
      kernel: taps in time of the depthwise convolution.
      expansion: hidden channels of the feed-forward layers, in `size`.
      subsampling_filters: channels of the two convolutions in time and frequency that halve time.
    """

    mel_bands: int = 80
    layers: int = 17
    size: int = 512
    heads: int = 8
    window: int = 60
    kernel: int = 32
    expansion: int = 4
    subsampling_filters: int = 128

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value < 1:
                raise KwsError(f"conformer: {field.name} must be at least 1. Received: {value}.")
        if self.size % self.heads:
            raise KwsError(f"conformer: heads must divide size {self.size}. Received: {self.heads}.")

    @classmethod
    def scaled(cls, layers: int, size: int) -> "ConformerConfig":
        """A smaller or larger one of the same form: heads of 64 channels, subsampling a quarter as wide."""
        return cls(
            layers=layers,
            size=size,
            heads=size // HEAD_SIZE if size > 0 and size % HEAD_SIZE == 0 else 1,
            subsampling_filters=max(size // 4, 1),
        )

    @property
    def parameters(self) -> int:
        """Weights of the Keras model."""
        size, filters = self.size, self.subsampling_filters
        bands = self.mel_bands
        for _ in range(2):
            bands = (bands - 3) // 2 + 1
        subsampling = 10 * filters + (9 * filters + 1) * filters + (bands * filters + 1) * size
        norm, hidden = 2 * size, self.expansion * size
        feed_forward = norm + size * hidden + hidden + hidden * size + size
        attention = norm + 3 * size * size + size + self.heads * self.window + size * size + size
        convolution = norm + 3 * (size * size + size) + self.kernel * size + 4 * size
        return subsampling + self.layers * (2 * feed_forward + attention + convolution + norm)

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ConformerConfig":
        """Inverse of `to_dict`."""
        return cls(**values)


def frontend(config: ConformerConfig) -> FrontendConfig:
    """The kit's front end with every coefficient kept, for `kws_training.data.log_mel.LogMelStream`."""
    return FrontendConfig(mel_bands=config.mel_bands, coefficients=config.mel_bands)


def build(config: ConformerConfig) -> keras.Model:
    """The training model: log-mel ``[batch, frames, mel_bands]`` in, encoder ``[batch, frames / 2, size]`` out."""
    inputs = keras.Input((None, config.mel_bands), name="features")
    x = keras.layers.Reshape((-1, config.mel_bands, 1), name="bands")(inputs)
    for index, stride in enumerate((2, 1), 1):
        convolution = keras.layers.Conv2D(
            config.subsampling_filters, 3, (stride, 2), activation="relu", name=f"subsampling{index}_conv"
        )
        x = Stream(convolution, name=f"subsampling{index}")(x)
    x = keras.layers.Reshape((-1, x.shape[2] * x.shape[3]), name="subsampling_flat")(x)
    x = keras.layers.Dense(config.size, name="subsampling_output")(x)
    for index in range(1, config.layers + 1):
        x = _block(x, config, f"block{index}")
    return keras.Model(inputs, x, name="conformer")


def _block(x: Any, config: ConformerConfig, name: str) -> Any:
    """``x + FF/2``, ``x + attention``, ``x + convolution``, ``x + FF/2``, layer norm: equation 1 of the paper."""
    x = _plus(x, _feed_forward(x, config, f"{name}_first"), f"{name}_first")
    y = _norm(f"{name}_attention")(x)
    y = LocalSelfAttention(config.size, config.window, heads=config.heads, name=f"{name}_attention")(y)
    y = keras.layers.Dense(config.size, name=f"{name}_attention_output")(y)
    x = _plus(x, y, f"{name}_attention")
    x = _plus(x, _convolution(x, config, f"{name}_conv"), f"{name}_conv")
    x = _plus(x, _feed_forward(x, config, f"{name}_second"), f"{name}_second")
    return _norm(name)(x)


def _feed_forward(x: Any, config: ConformerConfig, name: str) -> Any:
    y = _norm(name)(x)
    y = keras.layers.Dense(config.size * config.expansion, activation="silu", name=f"{name}_up")(y)
    y = keras.layers.Dense(config.size, name=f"{name}_down")(y)
    return keras.layers.Rescaling(0.5, name=f"{name}_half")(y)


def _convolution(x: Any, config: ConformerConfig, name: str) -> Any:
    y = _norm(name)(x)
    value = keras.layers.Dense(config.size, name=f"{name}_value")(y)
    gate = keras.layers.Dense(config.size, activation="sigmoid", name=f"{name}_gate")(y)
    y = keras.layers.Multiply(name=f"{name}_glu")([value, gate])
    depthwise = keras.layers.DepthwiseConv1D(config.kernel, use_bias=False, name=f"{name}_depthwise")
    y = Stream(depthwise, name=name)(y)
    y = keras.layers.BatchNormalization(name=f"{name}_batch_norm")(y)
    y = keras.layers.Activation("silu", name=f"{name}_swish")(y)
    return keras.layers.Dense(config.size, name=f"{name}_output")(y)


def _plus(x: Any, y: Any, name: str) -> Any:
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _norm(name: str) -> keras.layers.Layer:
    return keras.layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")
