"""Trains a model from clips: one call from audio to the best weights, resumable after a kill."""

import dataclasses
import os
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from kws_reference.command_line import Progress
from kws_reference.errors import KwsError
from kws_reference.frontend_config import FrontendConfig

from kws_training import plots
from kws_training.data.pipeline import AugmentConfig, EpochRenderer, plain_features, plan_epoch
from kws_training.data.speech_commands import ClipSet
from kws_training.models import Architecture
from kws_training.run_folder import RunFolder

CURVES = "learning_curves.png"
STATISTICS_CLIPS = 2000


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
      epochs: passes over an epoch's plan (`AugmentConfig`).
      batch: clips per step.
      learning_rate: peak, reached after `warmup_steps` and lowered to zero along a cosine.
      warmup_steps: steps of linear growth; at most a tenth of all steps.
      weight_decay: of AdamW (I. Loshchilov, F. Hutter, arXiv:1711.05101).
      label_smoothing: share of the target that is spread over all labels.
      dropout: before the classifier.
      augment: what an epoch consists of.
    """

    epochs: int = 60
    batch: int = 128
    learning_rate: float = 3e-3
    warmup_steps: int = 200
    weight_decay: float = 2e-3
    label_smoothing: float = 0.05
    dropout: float = 0.1
    augment: AugmentConfig = AugmentConfig()


def feature_statistics(clips: ClipSet, seed: int, frontend: FrontendConfig) -> FrontendConfig:
    """Measures mean and standard deviation of each coefficient on unchanged training clips, drawn by seed.

    Returns:
      `frontend` with ``feature_mean`` and ``feature_std`` filled in.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(clips))[:STATISTICS_CLIPS])
    features, _ = plain_features(dataclasses.replace(clips, pcm=clips.pcm[rows]), frontend, np.float32)
    mean, std = features.mean((0, 1), np.float64), features.std((0, 1), np.float64)
    return dataclasses.replace(
        frontend, feature_mean=tuple(map(float, mean)), feature_std=tuple(map(float, np.maximum(std, 1e-3)))
    )


def quantize_features(features: np.ndarray, frontend: FrontendConfig) -> np.ndarray:
    """Normalises MFCCs and rounds them to the int8 grid, in place of the device's front end.

    Args:
      features: MFCCs in units of log2, ``[..., coefficients]``, any float type.
      frontend: with statistics.

    Returns:
      float32 of the same shape: multiples of 1 / ``feature_steps_per_std``, saturated as int8.
    """
    steps = np.float32(frontend.feature_steps_per_std)
    scaled = features.astype(np.float32)
    scaled -= np.asarray(frontend.feature_mean, np.float32)
    scaled *= steps / np.asarray(frontend.feature_std, np.float32)
    np.clip(np.rint(scaled, out=scaled), -128, 127, out=scaled)
    scaled /= steps
    return scaled


def train(
    run: RunFolder,
    training: ClipSet,
    validation: ClipSet,
    architecture: Architecture,
    model_config: Any,
    frontend: FrontendConfig,
    recipe: Recipe,
    seed: int,
    say: Callable[[str], None],
    cache: str | os.PathLike | None = None,
) -> dict[str, Any]:
    """Trains until the recipe's last epoch, from wherever the run stands.

    Args:
      run: its folder; its history tells where to go on.
      training, validation: clips.
      architecture: which network.
      model_config: its shape.
      frontend: with statistics.
      recipe: how to train.
      seed: initial weights, order and augmentation of the clips.
      say: called with a line of progress for each epoch.
      cache: folder for rendered epochs, see `EpochRenderer`.

    Returns:
      The history's entry with the best validation accuracy, whose weights the run holds as its best.

    Raises:
      KwsError: the loss is not finite, or the run cannot be written.
    """
    keras.utils.set_random_seed(seed)
    model = architecture.build(dataclasses.replace(model_config, dropout=recipe.dropout))
    with EpochRenderer(training, seed, recipe.augment, frontend, last_epoch=recipe.epochs - 1, cache=cache) as renderer:
        start = len(run.history)
        features, labels = renderer.epoch(start) if start < recipe.epochs else (None, None)
        steps_per_epoch = -(-len(plan_epoch(training, seed, 0, recipe.augment)) // recipe.batch)
        _compile(model, recipe, steps_per_epoch)
        if start:
            run.restore(model)
            say(f"going on after epoch {start} of {recipe.epochs}")
        truth = validation.labels
        plain = quantize_features(plain_features(validation, frontend, np.float32)[0], frontend)
        targets = np.eye(model_config.labels, dtype=np.float32)
        for epoch in range(start, recipe.epochs):
            began = time.monotonic()
            if epoch > start:
                features, labels = renderer.epoch(epoch)
            _seed_dropout(model, seed, epoch)
            result = model.fit(
                quantize_features(features, frontend),
                targets[labels],
                batch_size=recipe.batch,
                shuffle=False,
                verbose=0,
                callbacks=[_ShowBatches(f"epoch {epoch + 1}/{recipe.epochs}", steps_per_epoch)],
            ).history
            logits = model.predict(plain, batch_size=256, verbose=0)
            entry = {
                "epoch": epoch + 1,
                "loss": float(result["loss"][0]),
                "accuracy": float(result["accuracy"][0]),
                "val_loss": float(_cross_entropy(logits, truth)),
                "val_accuracy": float((logits.argmax(1) == truth).mean()),
                "seconds": round(time.monotonic() - began, 1),
            }
            if not np.isfinite(entry["loss"]):
                raise KwsError(f"the loss of epoch {epoch + 1} is {entry['loss']}. Lower --learning-rate.")
            run.finish_epoch(model, entry)
            plots.learning_curves(run.history, run.path / CURVES)
            left = entry["seconds"] * (recipe.epochs - epoch - 1) / 60
            say(
                f"epoch {epoch + 1}/{recipe.epochs}  loss {entry['loss']:.3f}  "
                f"accuracy {100 * entry['accuracy']:.2f} %  validation {100 * entry['val_accuracy']:.2f} %  "
                f"{entry['seconds']:.0f} s, about {left:.0f} min left"
            )
    return max(run.history, key=lambda item: item["val_accuracy"])


class _ShowBatches(keras.callbacks.Callback):
    """A progress bar inside an epoch."""

    def __init__(self, what: str, batches: int):
        super().__init__()
        self._progress = Progress(what, batches)

    def on_train_batch_end(self, batch, logs=None):
        self._progress.update(batch + 1)


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Lets a resumed run drop what an unbroken one does."""
    generators = [layer.seed_generator for layer in model._flatten_layers() if getattr(layer, "seed_generator", None)]
    for index, generator in enumerate(generators):
        generator.state.assign([(seed + 7919 * index) % 2**32, epoch])


def _compile(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    steps = steps_per_epoch * recipe.epochs
    warmup = min(recipe.warmup_steps, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 30,
        decay_steps=max(1, steps - warmup),
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )


def _cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    shifted = logits - logits.max(1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(truth)), truth]).mean())
