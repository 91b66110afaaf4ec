"""`LocalSelfAttention`: attention over the last frames, with ring buffers of keys and values."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kws_training.streaming.layer import Context, States, StateSpec, StreamingLayer
from kws_training.streaming.patterns import append, masked
from kws_training.streaming.taps import Taps

_OUTSIDE = -1e9  # added to the scores of frames outside the window: exp() of it is 0 in float32


@keras.saving.register_keras_serializable("kws_training")
class LocalSelfAttention(StreamingLayer):
    """Causal multi-head self-attention over the last `window` frames.

    With ``q_t = W_q x_t + b_q``, ``k_t = W_k x_t``, ``v_t = W_v x_t``, split into heads of d = units / heads channels,
    a head's output is

        y_t = sum_s softmax_s(q_t . k_s / sqrt(d) + b[t - s]) v_s,    t - window < s <= t

    where b is learned: one value for each head and distance. The outputs of the heads lie side by side. The output
    projection of the papers is a layer of its own (a Dense or a 1x1 convolution behind this one), so that a batch norm
    can be folded into it.

    A clip is surrounded by zeros: keys and values before its start are zeros too, have the score b[t - s] and take part
    in the softmax. A ring buffer that starts with zeros therefore gives the same numbers, and no mask is needed; this
    is why keys and values have no bias.

    Papers: A. Vaswani et al., "Attention is all you need", arXiv:1706.03762; the learned bias for each distance is that
    of C. Raffel et al., arXiv:1910.10683, 2.1, without its buckets.

    Input ``[batch, time, channels]``, output ``[batch, time, units]``. States: ``key`` and ``value``, each
    ``[window - 1, units]``.
    """

    def __init__(self, units: int, window: int, *, heads: int = 1, **kwargs: Any):
        """Makes the layer.

        Args:
          units: channels of queries, keys and values, all heads together.
          window: frames that a query sees, its own among them; at least 1.
          heads: divides `units`.

        Raises:
          ValueError: an argument does not fit.
        """
        super().__init__(**kwargs)
        for name, value in (("units", units), ("window", window), ("heads", heads)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1. Received: {value!r}")
        if units % heads:
            raise ValueError(f"heads must divide units {units}. Received: {heads}")
        self.units, self.window, self.heads = units, window, heads
        self.context_frames = window - 1

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 3:
            raise ValueError(f"{self.name}: input must be [batch, time, channels]. Received shape: {input_shape}")
        shape = (input_shape[-1], self.units)
        self.query_kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="query_kernel")
        self.query_bias = self.add_weight(shape=(self.units,), initializer="zeros", name="query_bias")
        self.key_kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="key_kernel")
        self.value_kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="value_kernel")
        # Column d belongs to the frame window - 1 - d frames ago: the order of the ring buffer's rows.
        self.position_bias = self.add_weight(shape=(self.heads, self.window), initializer="zeros", name="position_bias")
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def call(self, inputs: Any) -> Any:
        _, _, values, weights = self._attend(inputs)
        return self._joined(ops.matmul(weights, values))

    def explain(self, inputs: Any) -> dict[str, Any]:
        """What `call` computes on its way, for pictures and for tests.

        Args:
          inputs: ``[batch, time, channels]``.

        Returns:
          ``queries`` (divided by sqrt(d)), ``keys`` and ``values``, each ``[batch, heads, time, d]``, and ``softmax``
          ``[batch, heads, time, window - 1 + time]``: a row for each query; the first window - 1 columns are the zeros
          before the clip.
        """
        queries, keys, values, weights = self._attend(inputs)
        before = self.window - 1
        return {"queries": queries, "keys": keys[:, :, before:], "values": values[:, :, before:], "softmax": weights}

    def state_specs(self, input_shape: tuple[int | None, ...], frames: int, delay: int = 0) -> dict[str, StateSpec]:
        ring = StateSpec((self.window - 1, self.units))
        return {"key": ring, "value": ring} if self.window > 1 else {}

    def stream_inference(
        self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context | None = None
    ) -> tuple[tf.Tensor, States]:
        queries, keys, values = self._projections(masked(inputs, context or Context()))
        new = {}
        if self.window > 1:
            keys, new["key"] = append(states["key"], keys)
            values, new["value"] = append(states["value"], values)
        keys, values = self._windows(keys, "key_windows"), self._windows(values, "value_windows")
        queries = tf.expand_dims(queries, 2)
        if self.heads > 1:
            queries, keys, values = (self._split(self._flat(rows)) for rows in (queries, keys, values))
        scores = tf.matmul(queries, keys, transpose_b=True) + self.position_bias[:, None]
        outputs = tf.matmul(tf.nn.softmax(scores), values)
        if self.heads > 1:
            outputs = self._joined(outputs)
        return tf.reshape(outputs, (-1, inputs.shape[1], self.units)), new

    def taps(self, frames: int, delay: int) -> Taps:
        return [range(frame + 1 - self.window, frame + 1) for frame in range(frames)]

    def macs(self, input_shape: tuple[int | None, ...], frames: int) -> int:
        return frames * self.units * (3 * input_shape[-1] + 2 * self.window)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "window": self.window, "heads": self.heads}

    def _projections(self, inputs: Any) -> tuple[Any, Any, Any]:
        # The scale sits in the weights, where a converter folds it.
        scale = np.float32((self.units // self.heads) ** -0.5)
        queries = ops.matmul(inputs, self.query_kernel * scale) + self.query_bias * scale
        return queries, ops.matmul(inputs, self.key_kernel), ops.matmul(inputs, self.value_kernel)

    def _windows(self, rows: tf.Tensor, name: str) -> tf.Tensor:
        """The rows that each query sees, ``[batch, queries, window, units]``.

        A mask over all rows instead would cost int8 its range. The name holds whatever the number of queries.
        """
        count = rows.shape[1] - self.window + 1
        if count == 1:
            return tf.reshape(rows, (-1, 1, self.window, self.units), name=name)
        return tf.gather(rows, np.arange(count)[:, None] + np.arange(self.window), axis=1, name=name)

    @staticmethod
    def _flat(rows: tf.Tensor) -> tf.Tensor:
        """Queries side by side in the batch axis."""
        return tf.reshape(rows, (-1, *rows.shape[2:]))

    def _attend(self, inputs: Any) -> tuple[Any, Any, Any, Any]:
        """Queries; keys and values with the zeros before the clip; softmax."""
        queries, keys, values = self._projections(inputs)
        padding = [(0, 0), (self.window - 1, 0), (0, 0)]
        keys, values = ops.pad(keys, padding), ops.pad(values, padding)
        queries, keys, values = (self._split(rows) for rows in (queries, keys, values))
        scores = ops.matmul(queries, ops.swapaxes(keys, 2, 3))
        return queries, keys, values, ops.softmax(scores + self._band(ops.shape(inputs)[1]))

    def _band(self, frames: Any) -> Any:
        """Position bias of every query and row, ``[heads, frames, window - 1 + frames]``; `_OUTSIDE` off the window.

        Row t is the bias moved right by t: a sequence with the period columns + 1 cut into rows of `columns`.
        """
        columns = self.window - 1 + frames
        period = ops.concatenate([self.position_bias, ops.full((self.heads, frames), _OUTSIDE)], 1)
        cut = ops.tile(period, (1, frames))[:, : frames * columns]
        return ops.reshape(cut, (self.heads, frames, columns))

    def _split(self, rows: Any) -> Any:
        """``[batch, rows, units]`` to ``[batch, heads, rows, d]``."""
        if self.heads == 1:
            return ops.expand_dims(rows, 1)
        split = ops.reshape(rows, (-1, ops.shape(rows)[1], self.heads, self.units // self.heads))
        return ops.transpose(split, (0, 2, 1, 3))

    def _joined(self, heads: Any) -> Any:
        """``[batch, heads, rows, d]`` to ``[batch, rows, units]``."""
        if self.heads == 1:
            return ops.squeeze(heads, 1)
        return ops.reshape(ops.transpose(heads, (0, 2, 1, 3)), (-1, ops.shape(heads)[2], self.units))
