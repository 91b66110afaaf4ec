"""Trains a model from clips, epoch by epoch, from wherever its run stands."""

import dataclasses
import logging
import os
import time
from typing import Any

import keras
import numpy as np
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.clips import ClipSet
from kws_training.data.epoch_plan import plan_epoch
from kws_training.data.epoch_renderer import EpochRenderer
from kws_training.data.features import plain_features, quantize_features
from kws_training.train.learning_curves import draw_learning_curves
from kws_training.train.lesson import lesson
from kws_training.train.optimizer import averaged, compile_model
from kws_training.train.recipe import Recipe
from kws_training.train.run_folder import RunFolder
from kws_training.train.teacher import Answers, Teacher

log = logging.getLogger(__name__)


CURVES = "learning_curves.png"


def train(
    run: RunFolder,
    training: ClipSet,
    validation: ClipSet,
    model: keras.Model,
    frontend: FrontendConfig,
    recipe: Recipe,
    seed: int,
    cache: str | os.PathLike | None = None,
    teacher: Teacher | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Trains until the recipe's last epoch; the log has a line for each.

    Args:
      run: its folder; its history tells where to go on.
      training, validation: clips.
      model: with its first weights.
      frontend: with statistics.
      recipe: how to train.
      seed: order and augmentation of the clips, dropout.
      cache: folder for rendered epochs, see `EpochRenderer`.
      teacher: whose answers become targets (`Recipe.distillation`).
      workers: processes that render epochs, see `EpochRenderer`; the model does not depend on it.

    Returns:
      The history's entry with the best validation accuracy, whose weights the run holds as its best.

    Raises:
      KwsError: the loss is not finite, or the run cannot be written.
    """
    augment_seed = recipe.augment_seed_of(seed)
    course = _Course.of(recipe, len(plan_epoch(training, augment_seed, 0, recipe.augment)))
    classes, start = len(training.label_names), len(run.history)
    compile_model(model, recipe, course.steps_per_epoch)
    _take_up(run, model, course)
    answers_to = teacher and Answers(teacher, cache)
    with EpochRenderer(
        training, augment_seed, recipe.augment, frontend, workers, last_epoch=course.distinct - 1, cache=cache
    ) as renderer:
        first = (
            renderer.epoch(start % course.distinct) if start < course.epochs else None
        )  # workers run ahead from here
        heard = quantize_features(plain_features(validation, frontend, np.float32)[0], frontend)
        for epoch in range(start, course.epochs):
            title = f"epoch {epoch + 1}/{course.epochs}"
            began = time.monotonic()
            rendered = renderer.epoch(epoch % course.distinct) if epoch > start else first
            features, labels = course.part_of(epoch, *rendered)
            rng = np.random.default_rng([seed, epoch])
            inputs, targets = lesson(rng, features, labels, classes, frontend, recipe, answers_to)
            _seed_dropout(model, seed, epoch)
            entry = {
                "epoch": epoch + 1,
                **_taught(model, inputs, targets, recipe.batch, _ShowBatches(title, course.steps_per_epoch)),
                **_validated(model, heard, validation.labels),
                "seconds": round(time.monotonic() - began, 1),
            }
            if not np.isfinite(entry["loss"]):
                raise KwsError(f"the loss of epoch {epoch + 1} is {entry['loss']}. Lower --learning-rate.")
            run.finish_epoch(model, entry, averaged)
            draw_learning_curves(run.history, run.path / CURVES)
            left = entry["seconds"] * (course.epochs - epoch - 1) / 60
            log.info(
                f"{title}  loss {entry['loss']:.3f}  accuracy {100 * entry['accuracy']:.2f} %  "
                f"validation {100 * entry['val_accuracy']:.2f} %  {entry['seconds']:.0f} s, about {left:.0f} min left"
            )
    return max(run.history, key=lambda item: item["val_accuracy"])


@dataclasses.dataclass(frozen=True)
class _Course:
    """How many epochs and steps a recipe takes.

    Attributes:
      epochs: in all.
      distinct: how many of them hear clips as no earlier one did.
      steps_per_epoch: of the optimizer.
      batch: clips of a step.
      steps: of all epochs together, where stages say so: the last epoch is then cut; None: whole epochs.
    """

    epochs: int
    distinct: int
    steps_per_epoch: int
    batch: int
    steps: int | None

    @classmethod
    def of(cls, recipe: Recipe, clips_per_epoch: int) -> "_Course":
        steps_per_epoch, steps = -(-clips_per_epoch // recipe.batch), sum(recipe.stage_steps) or None
        epochs = -(-steps // steps_per_epoch) if steps else recipe.epochs
        distinct = min(recipe.distinct_epochs or epochs, epochs)
        return cls(epochs, distinct, steps_per_epoch, recipe.batch, steps)

    def part_of(self, epoch: int, features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is heard of an epoch's clips."""
        if self.steps is None:
            return features, labels
        left = (self.steps - epoch * self.steps_per_epoch) * self.batch
        return features[:left], labels[:left]


def _take_up(run: RunFolder, model: keras.Model, course: _Course) -> None:
    """Brings a compiled model to where its run stands."""
    finished = len(run.history)
    if not finished:
        return
    if finished < course.epochs:
        run.restore(model, finished * course.steps_per_epoch)  # only the last epoch of stages can be shorter
        log.info(f"going on after epoch {finished} of {course.epochs}")
    else:
        log.info(f"all {finished} epochs are trained already")
    draw_learning_curves(run.history, run.path / CURVES)


def _taught(
    model: keras.Model, inputs: np.ndarray, targets: np.ndarray, batch: int, progress: keras.callbacks.Callback
) -> dict[str, float]:
    """Trains one epoch; returns loss and accuracy of the augmented clips."""
    found = model.fit(inputs, targets, batch_size=batch, shuffle=False, verbose=0, callbacks=[progress]).history
    return {"loss": float(found["loss"][0]), "accuracy": float(found["accuracy"][0])}


def _validated(model: keras.Model, inputs: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Loss and accuracy of validation clips, with the averaged weights where there are such."""
    with averaged(model):
        logits = model.predict(inputs, batch_size=256, verbose=0)
    return {"val_loss": _cross_entropy(logits, truth), "val_accuracy": float((logits.argmax(1) == truth).mean())}


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


def _cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    shifted = logits - logits.max(1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(truth)), truth]).mean())
