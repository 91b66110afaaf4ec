"""Causal Matchbox (MatchboxNet, ds_tc_resnet): training model and streaming step from one configuration.

Paper: S. Majumdar, B. Ginsburg, "MatchboxNet: 1D Time-Channel Separable Convolutional Neural Network Architecture for
Speech Commands Recognition", Interspeech 2020, arXiv:2004.08531. Causal streaming configuration: O. Rybakov et al.,
"Streaming keyword spotting on mobile devices", Interspeech 2020, arXiv:2005.06720.
"""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

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

    @property
    def context_frames(self) -> int:
        """Earlier frames that a new output frame needs: (kernel - 1) * dilation."""
        return (self.kernel - 1) * self.dilation


@dataclasses.dataclass(frozen=True)
class MatchboxConfig:
    """Shape of the network; the defaults are the published 75K configuration with 12 labels.

    Attributes:
      labels: number of classes.
      coefficients: features per frame.
      blocks: separable blocks, first to last.
      pool_frames: frames of the average before the classifier: one second of audio at 10 ms hop and 30 ms window.
      frames_per_step: frames that one streaming step takes; divides `pool_frames` and is a multiple of every dilation.
      dropout: rate before the classifier, training only.
      causal: kernels see earlier frames only; otherwise they are centred.
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

    def __post_init__(self):
        if self.pool_frames % self.frames_per_step:
            raise ValueError(
                f"frames_per_step must divide pool_frames {self.pool_frames}. Received: {self.frames_per_step}"
            )
        for block in self.blocks:
            if self.frames_per_step % block.dilation:
                raise ValueError(
                    f"every dilation must divide frames_per_step {self.frames_per_step}. Received: {block.dilation}"
                )

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MatchboxConfig":
        """Inverse of `to_dict`."""
        return cls(**{**values, "blocks": tuple(Block(**block) for block in values["blocks"])})

    @property
    def state_shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """Name and shape ``(1, rows, 1, channels)`` of each streaming state, first to last."""
        shapes, channels = {}, self.coefficients
        for index, block in enumerate(self.blocks, 1):
            if block.context_frames:
                shapes[f"block{index}"] = (1, block.context_frames, 1, channels)
            channels = block.filters
        shapes["pool"] = (1, self.pool_frames // self.frames_per_step - 1, 1, channels)
        return shapes


def build(config: MatchboxConfig) -> keras.Model:
    """The training model: float features ``[batch, frames, coefficients]`` in, logits ``[batch, labels]`` out.

    Causal: frame t sees nothing after t. Otherwise every kernel is centred, and `to_streaming` gives a model that lags.
    """
    inputs = keras.Input((None, config.coefficients), name="features")
    x = inputs
    for index, block in enumerate(config.blocks, 1):
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
        x = keras.layers.BatchNormalization(epsilon=BN_EPSILON, momentum=0.97, name=f"{name}_norm")(x)
        if block.residual:
            if convolution.lookahead:
                shortcut = Delay(convolution.lookahead, name=f"{name}_delay")(shortcut)
            shortcut = _pointwise(block, f"{name}_residual")(shortcut)
            shortcut = keras.layers.BatchNormalization(epsilon=BN_EPSILON, momentum=0.97, name=f"{name}_residual_norm")(
                shortcut
            )
            x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = Stream(keras.layers.GlobalAveragePooling1D(), window=config.pool_frames, name="pool")(x)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    outputs = keras.layers.Dense(config.labels, name="logits")(x)
    return keras.Model(inputs, outputs, name="matchbox")


def _pointwise(block: Block, name: str) -> keras.layers.Layer:
    return keras.layers.Conv1D(block.filters, 1, use_bias=False, name=name)


class StreamingStep(tf.Module):
    """The streaming model: `frames_per_step` frames and the states in, logits and the new states out.

    Built from a trained model without touching it. Batch normalisation is folded into the 1x1 convolutions, a depthwise
    convolution of one tap into the 1x1 convolution behind it. The graph is the one that TFLite Micro runs well too:
    AVERAGE_POOL_2D instead of MEAN, and a dilation in time as a reshape that puts its phases side by side.
    """

    def __init__(self, config: MatchboxConfig, model: keras.Model):
        super().__init__(name="matchbox_streaming")
        self.config = config
        self._weights = [self._fold(model, index, block) for index, block in enumerate(config.blocks, 1)]
        self._dense = [value.astype(np.float32) for value in model.get_layer("logits").get_weights()]

    @staticmethod
    def _fold(model: keras.Model, index: int, block: Block) -> dict[str, np.ndarray]:
        name = f"block{index}"

        def folded(convolution: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
            gamma, beta, mean, variance = (value.astype(np.float64) for value in model.get_layer(norm).get_weights())
            gain = gamma / np.sqrt(variance + BN_EPSILON)
            kernel = model.get_layer(convolution).get_weights()[0].astype(np.float64)[:, None]  # [1, 1, in, out]
            return kernel * gain, beta - mean * gain

        depthwise = model.get_layer(f"{name}_depthwise").get_weights()[0].astype(np.float64)[:, None]  # [k, 1, in, 1]
        kernel, bias = folded(f"{name}_pointwise", f"{name}_norm")
        weights = {}
        if block.kernel == 1:
            kernel = kernel * depthwise
        else:
            weights["depthwise"] = depthwise
        weights["pointwise"], weights["bias"] = kernel, bias
        if block.residual:
            weights["residual"], weights["residual_bias"] = folded(f"{name}_residual", f"{name}_residual_norm")
        return {key: value.astype(np.float32) for key, value in weights.items()}

    def initial_states(self) -> dict[str, np.ndarray]:
        """Float32 zeros for each state: silence before the recording."""
        return {name: np.zeros(shape, np.float32) for name, shape in self.config.state_shapes.items()}

    def signature(self) -> list[tf.TensorSpec]:
        """Argument specifications of `__call__`: ``features`` and then the states."""
        config = self.config
        features = tf.TensorSpec((1, config.frames_per_step, 1, config.coefficients), tf.float32, name="features")
        states = [tf.TensorSpec(shape, tf.float32, name=f"{n}_in") for n, shape in config.state_shapes.items()]
        return [features, *states]

    @tf.function
    def __call__(self, features: tf.Tensor, *states: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One step of one stream, or of several side by side.

        Args:
          features: float32 ``[streams, frames_per_step, 1, coefficients]``.
          *states: in the order of `MatchboxConfig.state_shapes`, one row for each stream.

        Returns:
          Logits ``[streams, labels]`` and the new states in the same order.
        """
        frames, waiting, outputs = self.config.frames_per_step, list(states), []
        x = features

        def window(new: tf.Tensor, count: int) -> tf.Tensor:
            rows = tf.concat([waiting.pop(0), new], 1)
            outputs.append(rows[:, count:])
            return rows

        for block, weights in zip(self.config.blocks, self._weights, strict=True):
            shortcut = x
            if block.context_frames:
                x = self._depthwise(window(x, frames), weights["depthwise"], block)
            x = tf.nn.bias_add(tf.nn.conv2d(x, weights["pointwise"], 1, "VALID"), weights["bias"])
            if block.residual:
                projection = tf.nn.conv2d(shortcut, weights["residual"], 1, "VALID")
                x = x + tf.nn.bias_add(projection, weights["residual_bias"])
            x = tf.nn.relu(x)
        if frames > 1:
            x = tf.nn.avg_pool2d(x, (frames, 1), 1, "VALID")
        x = window(x, 1)
        x = tf.nn.avg_pool2d(x, (self.config.pool_frames // frames, 1), 1, "VALID")
        kernel, bias = self._dense
        logits = tf.nn.bias_add(tf.matmul(tf.reshape(x, (x.shape[0], kernel.shape[0])), kernel), bias)
        return (logits, *outputs)

    @staticmethod
    def _depthwise(rows: tf.Tensor, kernel: np.ndarray, block: Block) -> tf.Tensor:
        if block.dilation == 1:
            return tf.nn.depthwise_conv2d(rows, kernel, (1, 1, 1, 1), "VALID")
        # [1, n * d, 1, c] -> [1, n, d, c]: taps at distance d become neighbours, the phases lie side by side.
        batch, count, _, channels = rows.shape
        phases = tf.reshape(rows, (batch, count // block.dilation, block.dilation, channels))
        result = tf.nn.depthwise_conv2d(phases, kernel, (1, 1, 1, 1), "VALID")
        return tf.reshape(result, (batch, -1, 1, channels))
