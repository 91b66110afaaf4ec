"""Scales and zero points of activations, and integer weights."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kws_training.quantize.integer import round_through

LOWEST_GAIN = 0.05


class _Grid:
    """The 256 points of an int8 activation, by its `scale` and `zero_point`."""

    scale: tf.Tensor
    zero_point: tf.Tensor

    @property
    def limits(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Smallest and largest ``q - zero_point``."""
        return -128.0 - self.zero_point, 127.0 - self.zero_point

    def fake(self, x: tf.Tensor) -> tf.Tensor:
        """Rounds real numbers to the grid, by TensorFlow's own operation."""
        low, high = self.limits
        return tf.quantization.fake_quant_with_min_max_vars(x, low * self.scale, high * self.scale)


class FixedRange(_Grid):
    """A range that nothing changes: that of the features, or of what a logistic function gives."""

    def __init__(self, scale: float, zero_point: int = 0):
        self.scale, self.zero_point = tf.constant(scale, tf.float32), tf.constant(float(zero_point))
        self.calibrating = False

    def observe(self, x: tf.Tensor) -> None:
        """Does nothing."""

    def settle(self) -> None:
        """Does nothing."""


class ActivationRange(_Grid, keras.layers.Layer):
    """Scale and zero point of an int8 activation, one for the whole tensor.

    Attributes:
      calibrating: layers compute in float and show what they compute to `observe`.
    """

    def __init__(self, learned: bool, name: str):
        super().__init__(name=name)
        self.measured = self.add_weight(shape=(), initializer="ones", trainable=False, name="scale")
        self.zero_point_value = self.add_weight(shape=(), initializer="zeros", trainable=False, name="zero_point")
        self.gain = (
            self.add_weight(shape=(), initializer="ones", trainable=True, name="range_gain") if learned else None
        )
        self.calibrating, self._seen = False, (0.0, 0.0)

    @property
    def scale(self) -> tf.Tensor:
        """float32 scalar."""
        scale = tf.convert_to_tensor(self.measured)
        # One product: the same float32 wherever it is computed.
        return scale if self.gain is None else scale * tf.maximum(tf.convert_to_tensor(self.gain), LOWEST_GAIN)

    @property
    def zero_point(self) -> tf.Tensor:
        """float32 scalar, -128..127."""
        return tf.convert_to_tensor(self.zero_point_value)

    def observe(self, x: tf.Tensor) -> None:
        """Widens the range to hold these real numbers, and zero."""
        self._seen = min(self._seen[0], float(tf.reduce_min(x))), max(self._seen[1], float(tf.reduce_max(x)))

    def settle(self) -> None:
        """Takes the range that was observed, nudged so that zero is a point of the grid."""
        low, high = self._seen
        scale = max(high - low, 1e-6) / 255.0
        self.measured.assign(np.float32(scale))
        self.zero_point_value.assign(float(np.clip(np.rint(-128.0 - low / scale), -128, 127)))


class WeightRange(keras.layers.Layer):
    """Scales of a kernel's integers, symmetric and narrow, one for each channel of the last axis but `trailing`."""

    def __init__(self, bits: int, learned: bool, channels: int, name: str):
        super().__init__(name=name)
        self.bits, self.largest = bits, float(2 ** (bits - 1) - 1)
        self.measured = self.gain = None
        if learned:
            self.measured = self.add_weight(shape=(channels,), initializer="ones", trainable=False, name="scale")
            self.gain = self.add_weight(shape=(channels,), initializer="ones", trainable=True, name="range_gain")

    def scales(self, kernel: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
        """float32 ``[channels]``, at least `least`. Args: kernel: ``[..., channels]``."""
        if self.measured is None:
            largest = tf.reduce_max(tf.abs(kernel), list(range(len(kernel.shape) - 1)))
            # Times, not divided by: TensorFlow's optimizer makes a product of a division by a constant, and the scale
            # must be the same float32 in training and in export.
            found = tf.stop_gradient(largest * np.float32(1 / self.largest))
        else:
            gain = tf.maximum(tf.convert_to_tensor(self.gain), LOWEST_GAIN)
            found = tf.convert_to_tensor(self.measured) * gain
        return tf.maximum(found, tf.stop_gradient(least))

    def integers(self, kernel: tf.Tensor, scales: tf.Tensor) -> tf.Tensor:
        """float32 integers of `bits` bits; gradients go to the kernel and the scales."""
        return round_through(tf.clip_by_value(kernel / scales, -self.largest, self.largest))

    def settle(self, kernel: np.ndarray) -> None:
        """Chooses each channel's scale for the least squared error of its weights."""
        if self.measured is None:
            return
        rows = np.asarray(kernel, np.float64).reshape(-1, kernel.shape[-1])
        limit = np.maximum(np.abs(rows).max(0), 1e-9) / self.largest
        candidates = limit * np.linspace(0.3, 1.0, 71)[:, None]
        rounded = np.clip(np.rint(rows / candidates[:, None]), -self.largest, self.largest) * candidates[:, None]
        best = ((rounded - rows) ** 2).sum(1).argmin(0)
        self.measured.assign(candidates[best, np.arange(len(best))].astype(np.float32))


def ranges_of(model: Any) -> list[Any]:
    """All ranges of activations in a model, each once."""
    found = (part for layer in model._flatten_layers() for part in vars(layer).values())
    return list({id(part): part for part in found if isinstance(part, _Grid)}.values())
