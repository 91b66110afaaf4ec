"""`SVDF`: a layer that filters each frame, and then the last results of each filter in time."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kws_training.streaming.layer import States, StateSpec, StreamingLayer
from kws_training.streaming.patterns import STATE, append
from kws_training.streaming.taps import Taps


@keras.saving.register_keras_serializable("kws_training")
class SVDF(StreamingLayer):
    """A dense layer over the last `memory` frames whose weights are a sum of `rank` products of two vectors.

    With ``a_t[u, r] = sum_c x_t[c] f[c, u, r]``, the output is

        y_t[u] = activation(b[u] + sum_r sum_s a_s[u, r] g[s - t + memory - 1, u, r]),    t - memory < s <= t

    so that a step keeps the last ``memory - 1`` rows of a, and computes memory + channels products for each filter
    instead of memory times channels.

    Paper: P. Nakkiran, R. Alvarez, R. Prabhavalkar, C. Parada, "Compressing deep neural networks using a
    rank-constrained topology", Interspeech 2015.

    Input ``[batch, time, channels]``, output ``[batch, time, units]``. State: ``[memory - 1, units * rank]``.
    """

    def __init__(
        self,
        units: int,
        memory: int,
        *,
        rank: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        **kwargs: Any,
    ):
        """Makes the layer.

        Args:
          units: channels of the output.
          memory: frames that an output depends on, its own among them.
          rank: filters for each unit.
          activation: as of Keras's Dense.
          use_bias: whether there is b.

        Raises:
          ValueError: a number is below 1.
        """
        super().__init__(**kwargs)
        for name, value in (("units", units), ("memory", memory), ("rank", rank)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1. Received: {value!r}")
        self.units, self.memory, self.rank, self.use_bias = units, memory, rank, use_bias
        self.activation = keras.activations.get(activation)
        self.context_frames = memory - 1

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 3:
            raise ValueError(f"{self.name}: input must be [batch, time, channels]. Received shape: {input_shape}")
        filters = self.units * self.rank
        shape = (input_shape[-1], filters)
        self.feature_kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="feature_kernel")
        self.time_kernel = self.add_weight(
            shape=(self.memory, filters, 1), initializer="glorot_uniform", name="time_kernel"
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias") if self.use_bias else None
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def call(self, inputs: Any) -> Any:
        rows = ops.matmul(inputs, self.feature_kernel)
        return self._outputs(ops.pad(rows, [(0, 0), (self.memory - 1, 0), (0, 0)]))

    def state_specs(self, input_shape: tuple[int | None, ...], frames: int, delay: int = 0) -> dict[str, StateSpec]:
        return {STATE: StateSpec((self.memory - 1, self.units * self.rank))} if self.memory > 1 else {}

    def stream_inference(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, States]:
        rows, new = ops.matmul(inputs, self.feature_kernel), {}
        if STATE in states:
            rows, new[STATE] = append(states[STATE], rows)
        return self._outputs(rows), new

    def _outputs(self, rows: Any) -> Any:
        """From all filters' results of each frame, and of the ``memory - 1`` before the first."""
        filtered = ops.depthwise_conv(rows, self.time_kernel, 1, "valid")
        if self.rank > 1:
            time = filtered.shape[1] or ops.shape(filtered)[1]
            filtered = ops.sum(ops.reshape(filtered, (-1, time, self.units, self.rank)), -1)
        return self.activation(filtered if self.bias is None else filtered + self.bias)

    def taps(self, frames: int, delay: int) -> Taps:
        return [range(frame - self.memory + 1, frame + 1) for frame in range(frames)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "memory": self.memory,
            "rank": self.rank,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
