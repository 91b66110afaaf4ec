"""A model that ends in a pool and a classifier, asked at several moments of longer inputs in one pass.

Everything before the pool is computed once for all frames; the pool slides. Clips and scenes go through together: batch
normalisation then sees what the averages that it keeps will be used for.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from kws_reference.errors import KwsError

from kws_training.quantize.layers import Add as QuantizedAdd
from kws_training.quantize.layers import Features, Pointwise, WindowMean
from kws_training.streaming import Stream
from kws_training.streaming.keras_graph import KerasGraph, is_functional

POOL = "pool"
_FRAME_BY_FRAME = (layers.BatchNormalization, layers.Add, layers.ReLU, layers.Dense, QuantizedAdd, Features, Pointwise)


@dataclasses.dataclass(frozen=True)
class _Rows:
    """The frames of several batches, side by side.

    Attributes:
      values: ``[frames, 1, channels]``.
      batches, times: of each batch its clips and the frames of each.
    """

    values: tf.Tensor
    batches: tuple[Any, ...]
    times: tuple[int, ...]

    @classmethod
    def of(cls, parts: Sequence[tf.Tensor]) -> "_Rows":
        """Args: parts: ``[clips, frames, channels]``, each with another number of clips and frames."""
        flat = [tf.reshape(part, (-1, 1, part.shape[2])) for part in parts]
        values = flat[0] if len(flat) == 1 else tf.concat(flat, 0)
        return cls(values, tuple(tf.shape(part)[0] for part in parts), tuple(part.shape[1] for part in parts))

    def parts(self) -> list[tf.Tensor]:
        """Inverse of `of`."""
        sizes = [batch * time for batch, time in zip(self.batches, self.times, strict=True)]
        pieces = [self.values] if len(sizes) == 1 else tf.split(self.values, sizes, 0)
        return [
            tf.reshape(piece, (-1, time, self.values.shape[2])) for piece, time in zip(pieces, self.times, strict=True)
        ]


class PooledModel:
    """The three parts of a model: what is before its pool, the pool, what is behind.

    Args:
      model: functional; its layer ``pool`` is a mean over a window of frames.
      name: of the architecture, for the message.

    Raises:
      KwsError: there is no such layer.
    """

    def __init__(self, model: keras.Model, name: str):
        pool = next((layer for layer in model.layers if layer.name == POOL), None) if is_functional(model) else None
        is_mean = isinstance(pool, Stream) and isinstance(pool.cell, layers.GlobalAveragePooling1D)
        try:
            if not (is_mean or isinstance(pool, WindowMean)):
                raise ValueError
            self._before = KerasGraph(keras.Model(model.inputs, pool.input))
            self._behind = keras.Model(pool.output, model.outputs)
        except ValueError:  # of Keras, if something reaches the outputs around the pool
            raise KwsError(
                f"a {name} does not end in a mean over its last frames, by which scenes of speech are heard at many "
                f"moments at once: a functional model with a Stream(GlobalAveragePooling1D(), name={POOL!r}) that "
                "everything goes through does. Train it without --speech, or choose another --model."
            ) from None
        self._pool = pool
        self._softmax = tf.function(lambda inputs, ends: tf.nn.softmax(self.moments(inputs, ends)))

    def clips_and_moments(self, clips: tf.Tensor, scenes: tf.Tensor, ends: Sequence[int]) -> tuple[tf.Tensor, ...]:
        """Logits of clips and of the moments of scenes.

        Args:
          clips: ``[clips, frames, coefficients]``.
          scenes: ``[scenes, frames, coefficients]``, longer.
          ends: frames heard at each moment.

        Returns:
          ``[clips, labels]`` and ``[scenes, moments, labels]``.
        """
        heard, frames = self._frames([clips, scenes])
        means = self._sliding(frames, scenes.shape[1], ends)
        whole = self._pool(heard)
        rows = tf.concat([whole, tf.reshape(means, (-1, means.shape[2]))], 0)
        logits = self._behind(rows)
        count = tf.shape(whole)[0]
        return logits[:count], tf.reshape(logits[count:], (-1, len(ends), logits.shape[1]))

    def moments(self, scenes: tf.Tensor, ends: Sequence[int]) -> tf.Tensor:
        """Logits ``[scenes, moments, labels]`` of the moments of scenes."""
        (frames,) = self._frames([scenes])
        means = self._sliding(frames, scenes.shape[1], ends)
        logits = self._behind(tf.reshape(means, (-1, means.shape[2])))
        return tf.reshape(logits, (-1, len(ends), logits.shape[1]))

    def probabilities(self, scenes: np.ndarray, ends: tuple[int, ...]) -> np.ndarray:
        """Softmax outputs at the moments of scenes, float32 ``[scenes, moments, labels]``, not in training."""
        return self._softmax(tf.constant(scenes), ends).numpy()

    def _frames(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        """What the pool is given, ``[batch, frames, channels]`` of each input."""
        values: dict[Any, _Rows] = {}
        for made in self._before.calls:
            if made.operation is None:
                values[made.key] = _Rows.of(inputs)
                continue
            sources = [values[key] for key in made.sources]
            values[made.key] = _applied(made.operation, sources)
        return values[self._before.outputs[0]].parts()

    def _sliding(self, frames: tf.Tensor, inputs: int, ends: Sequence[int]) -> tf.Tensor:
        """The pool at each moment, ``[scenes, moments, channels]``."""
        stride = inputs // frames.shape[1]
        rows = [end // stride for end in ends]
        if isinstance(self._pool, WindowMean):
            return self._pool.sliding(frames, rows)
        window = self._pool.pattern.frames
        share = np.zeros((len(rows), frames.shape[1]), np.float32)
        for moment, row in enumerate(rows):
            share[moment, max(0, row - window) : row] = 1 / window
        return tf.einsum("mf,sfc->smc", share, frames)


def _applied(operation: Any, sources: list[_Rows]) -> _Rows:
    if _is_frame_by_frame(operation):
        values = [source.values for source in sources]
        return dataclasses.replace(sources[0], values=operation(values if len(values) > 1 else values[0]))
    parts = [source.parts() for source in sources]
    return _Rows.of([operation(list(inputs) if len(inputs) > 1 else inputs[0]) for inputs in zip(*parts, strict=True)])


def _is_frame_by_frame(operation: Any) -> bool:
    if isinstance(operation, layers.Conv1D):
        return operation.kernel_size == (1,) and operation.strides == (1,)
    return isinstance(operation, _FRAME_BY_FRAME)
