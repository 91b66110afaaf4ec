"""`SubSpectralNormalization`: batch normalisation of groups of bins."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("kws_training")
class SubSpectralNormalization(layers.Layer):
    """Batch normalisation with statistics, gain and offset of its own for each group of neighbouring bins.

    Paper: S. Chang, H. Park, J. Cho, H. Park, S. Yun, K. Hwang, "SubSpectral Normalization for neural audio data
    processing", ICASSP 2021, arXiv:2103.13620. While it streams it is a product and a sum for each bin and channel.

    Input and output ``[batch, time, bins, channels]``.
    """

    frame_by_frame = True

    def __init__(self, groups: int, *, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: Any):
        """Makes the layer.

        Args:
          groups: of bins, which must be a multiple.
          momentum, epsilon: as of Keras's BatchNormalization.

        Raises:
          ValueError: `groups` is below 1.
        """
        super().__init__(**kwargs)
        if not isinstance(groups, int) or isinstance(groups, bool) or groups < 1:
            raise ValueError(f"groups must be an integer of at least 1. Received: {groups!r}")
        self.groups = groups
        self.norm = layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name="norm")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 4 or input_shape[2] % self.groups:
            wanted = f"[batch, time, bins, channels] with a multiple of {self.groups} bins"
            raise ValueError(f"{self.name}: input must be {wanted}. Received shape: {input_shape}")
        self._bins, self._channels = input_shape[2:]
        self.norm.build((None, None, self._bins // self.groups, self.groups * self._channels))
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training:
            norm = self.norm
            gain = norm.gamma * ops.rsqrt(norm.moving_variance + norm.epsilon)
            return inputs * self._of_bins(gain) + self._of_bins(norm.beta - norm.moving_mean * gain)
        batch, time = ops.shape(inputs)[:2]
        width = self._bins // self.groups
        rows = ops.reshape(inputs, (batch * time, self.groups, width, self._channels))
        rows = ops.reshape(ops.transpose(rows, (0, 2, 1, 3)), (batch * time, 1, width, self.groups * self._channels))
        rows = ops.reshape(self.norm(rows, training=True), (batch * time, width, self.groups, self._channels))
        return ops.reshape(ops.transpose(rows, (0, 2, 1, 3)), (batch, time, self._bins, self._channels))

    def _of_bins(self, values: Any) -> Any:
        """From ``[groups * channels]`` to ``[bins, channels]``."""
        return ops.repeat(ops.reshape(values, (self.groups, self._channels)), self._bins // self.groups, 0)

    def get_config(self) -> dict[str, Any]:
        about = {"momentum": self.norm.momentum, "epsilon": self.norm.epsilon}
        return {**super().get_config(), "groups": self.groups, **about}
