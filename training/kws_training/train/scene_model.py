"""Trains a model on clips and, beside them, on scenes: one step takes a batch of each."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.features import quantize_features
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.train.pooled_model import PooledModel


class SceneModel(keras.Model):
    """A model with two inputs, whose weights are those of another.

    `fit` takes pairs of clips and scenes and of their targets (`SceneSteps`).

    Args:
      model: to train, of features to logits.
      name: of its architecture.
      ends: frames heard at each moment of a scene.
      config: weight of the scenes.
      label_smoothing: share of a moment's target that is spread over all labels.
    """

    def __init__(self, model: keras.Model, name: str, ends: Sequence[int], config: SceneConfig, label_smoothing: float):
        super().__init__(name="with_scenes")
        self.model = model
        self._ends, self._config, self._smoothing = tuple(ends), config, label_smoothing
        self.pooled = PooledModel(model, name)
        self._accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
        self._scene_loss = keras.metrics.Mean(name="scene_loss")
        self.built = True

    def compile(self, optimizer: keras.optimizers.Optimizer, *_: Any, **__: Any) -> None:
        """Takes the optimizer; the losses are this model's own."""
        super().compile(optimizer)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        clips, scenes = inputs
        return self.pooled.clips_and_moments(clips, scenes, self._ends)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        (targets, right), (logits, heard) = y, y_pred
        scenes = moments_loss(heard, right, self._config.hardest, self._smoothing)
        self._scene_loss.update_state(scenes)
        clips = keras.losses.categorical_crossentropy(targets, logits, from_logits=True)
        return tf.reduce_mean(clips) + self._config.weight * scenes

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        self._accuracy.update_state(y[0], y_pred[0])
        return self.get_metrics_result()


def moments_loss(logits: tf.Tensor, right: tf.Tensor, hardest: float, smoothing: float) -> tf.Tensor:
    """Minus the logarithm of the probability of all right labels together, over moments.

    Args:
      logits: ``[scenes, moments, labels]``.
      right: `kws_training.data.scenes.moments.targets`, as floats; moments without any do not count.
      hardest: share of the loss that is the mean over scenes of each scene's hardest moment; the rest is the mean over
        all moments.
      smoothing: share of each target that is spread over all labels.

    Returns:
      A scalar.
    """
    log_probability = tf.nn.log_softmax(logits)
    counts = tf.cast(tf.reduce_any(right > 0, -1), log_probability.dtype)
    together = tf.reduce_logsumexp(tf.where(right > 0, log_probability, -1e9), -1)
    loss = -(1 - smoothing) * together - smoothing * tf.reduce_mean(log_probability, -1)
    loss = tf.where(counts > 0, loss, 0.0)
    mean = tf.reduce_sum(loss) / tf.maximum(tf.reduce_sum(counts), 1.0)
    return (1 - hardest) * mean + hardest * tf.reduce_mean(tf.reduce_max(loss, -1))


class SceneSteps(keras.utils.PyDataset):
    """The steps of an epoch: batches of clips, each with a batch of scenes.

    Args:
      clips: inputs on the int8 grid, ``[clips, frames, coefficients]``, and targets ``[clips, labels]``.
      scenes: MFCCs, not normalised, ``[scenes, frames, coefficients]``, and targets ``[scenes, moments, labels]``.
      rows: order in which scenes are taken; at least ``scenes_batch`` for each step.
      batch: clips of a step.
      scenes_batch: scenes of a step.
      frontend: with statistics.
    """

    def __init__(
        self,
        clips: tuple[np.ndarray, np.ndarray],
        scenes: tuple[np.ndarray, np.ndarray],
        rows: np.ndarray,
        batch: int,
        scenes_batch: int,
        frontend: FrontendConfig,
    ):
        super().__init__(workers=1, use_multiprocessing=False)
        self._clips: tuple[np.ndarray, ...] = clips
        self._scenes: tuple[np.ndarray, ...] = scenes
        self._rows = rows
        self._batch, self._scenes_batch, self._frontend = batch, scenes_batch, frontend

    def release(self) -> None:
        """Lets go of the arrays: TensorFlow keeps every dataset that was fitted until the process ends."""
        self._clips = self._scenes = ()

    def __len__(self) -> int:
        return -(-len(self._clips[0]) // self._batch)

    def __getitem__(self, step: int) -> Any:
        part = slice(step * self._batch, (step + 1) * self._batch)
        rows = self._rows[step * self._scenes_batch : (step + 1) * self._scenes_batch]
        inputs, targets = (array[part] for array in self._clips)
        features, right = (array[rows] for array in self._scenes)
        return (inputs, quantize_features(features, self._frontend)), (targets, right.astype(np.float32))
