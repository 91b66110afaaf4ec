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
from kws_training.data.epoch_source import Arrays
from kws_training.data.features import plain_features, quantize_features
from kws_training.train.examples import training_examples
from kws_training.train.learning_curves import draw_learning_curves
from kws_training.train.optimizer import averaged, compile_model
from kws_training.train.recipe import Recipe
from kws_training.train.run_files import score, score_among_speech
from kws_training.train.run_folder import RunFolder
from kws_training.train.scene_model import SceneSteps
from kws_training.train.scene_training import Scenes, SceneTraining
from kws_training.train.teacher import SoftLabels, Teacher

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
    scenes: Scenes | None = None,
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
      teacher: whose soft labels become targets (`Recipe.distillation`).
      workers: processes that render epochs, see `EpochRenderer`; the model does not depend on it.
      scenes: running speech that it is trained among; None: clips alone.

    Returns:
      The history's entry of the best epoch (`score`), whose weights the run holds as its best.

    Raises:
      KwsError: the loss is not finite, or the run cannot be written.
    """
    augment_seed = recipe.augment_seed_of(seed)
    course = _Course.of(recipe, len(plan_epoch(training, augment_seed, 0, recipe.augment)))
    classes, start = len(training.label_names), len(run.history)
    speech = scenes and SceneTraining(
        scenes, training, validation, model, frontend, recipe, augment_seed, course.steps_per_epoch
    )
    taught = speech.model if speech else model
    compile_model(taught, recipe, course.steps_per_epoch)
    _take_up(run, taught, course)
    soft_labels = teacher and SoftLabels(teacher, cache)
    with EpochRenderer(
        training,
        augment_seed,
        recipe.augment,
        frontend,
        workers,
        last_epoch=course.distinct - 1,
        cache=cache,
        scenes=speech and speech.source,
    ) as renderer:
        if speech:
            speech.hard_round(run, course.distinct)
        rendered: Arrays = ()
        if start < course.epochs:
            rendered = renderer.epoch(start % course.distinct)  # workers run ahead from here
        validation_inputs = quantize_features(plain_features(validation, frontend, np.float32)[0], frontend)
        for epoch in range(start, course.epochs):
            title = f"epoch {epoch + 1}/{course.epochs}"
            began = time.monotonic()
            rendered = rendered or renderer.epoch(epoch % course.distinct)
            features, labels = course.part_of(epoch, *rendered[:2])
            rng = np.random.default_rng([seed, epoch])
            inputs, targets = training_examples(rng, features, labels, classes, frontend, recipe, soft_labels)
            _seed_dropout(model, seed, epoch)
            entry = {
                "epoch": epoch + 1,
                **_taught(
                    taught,
                    speech.steps(rng, (inputs, targets), rendered[2:]) if speech else inputs,
                    None if speech else targets,
                    recipe.batch,
                    _ShowBatches(title, course.steps_per_epoch),
                ),
                **_validated(taught, model, validation_inputs, validation.labels, speech),
                "seconds": round(time.monotonic() - began, 1),
            }
            if "val_recall" in entry:
                entry["val_score"] = score_among_speech(run.history, entry)
            rendered = ()  # so that two epochs are not there at once
            if not np.isfinite(entry["loss"]):
                raise KwsError(f"the loss of epoch {epoch + 1} is {entry['loss']}. Lower --learning-rate.")
            run.finish_epoch(taught, entry, averaged)
            if speech:
                speech.hard_round(run, course.distinct)
            draw_learning_curves(run.history, run.path / CURVES)
            left = entry["seconds"] * (course.epochs - epoch - 1) / 60
            log.info(
                f"{title}  loss {entry['loss']:.3f}  accuracy {100 * entry['accuracy']:.2f} %  "
                f"validation {100 * entry['val_accuracy']:.2f} %{_told(entry)}  {entry['seconds']:.0f} s, "
                f"about {left:.0f} min left"
            )
    return max(run.history, key=score)


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
    model: keras.Model, inputs: Any, targets: np.ndarray | None, batch: int, progress: keras.callbacks.Callback
) -> dict[str, float]:
    """Trains one epoch; returns loss and accuracy of the augmented clips."""
    size = None if targets is None else batch  # steps of clips and scenes have theirs
    found = model.fit(inputs, targets, batch_size=size, shuffle=False, verbose=0, callbacks=[progress]).history
    if isinstance(inputs, SceneSteps):
        inputs.release()
    names = ["loss", *(name for name in found if name != "loss")]
    return {name: float(found[name][0]) for name in names}


def _validated(
    taught: keras.Model, model: keras.Model, inputs: np.ndarray, truth: np.ndarray, speech: SceneTraining | None
) -> dict[str, float]:
    """Loss and accuracy of validation clips, with the averaged weights where there are such; recall among speech."""
    with averaged(taught):
        logits = model.predict(inputs, batch_size=256, verbose=0)
        among_speech = speech.validated(speech.model.pooled) if speech else {}
    accuracy = float((logits.argmax(1) == truth).mean())
    return {"val_loss": _cross_entropy(logits, truth), "val_accuracy": accuracy, **among_speech}


def _told(entry: dict[str, float]) -> str:
    """What the log says of validation among speech."""
    if "val_recall" not in entry:
        return ""
    return f"  recall among speech {100 * entry['val_recall']:.1f} %"


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
