"""Trains a model from clips: one call from audio to the best weights, resumable after a kill."""

import contextlib
import dataclasses
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.pipeline import AugmentConfig, EpochRenderer, plain_features, plan_epoch
from kws_training.data.speech_commands import ClipSet
from kws_training.inspect import plots
from kws_training.train import run_folder
from kws_training.train.run_folder import RunFolder

CURVES = "learning_curves.png"
CLASSIFIER = "logits"  # the layer that knows the labels, of every model
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
      mixup: a of the Beta(a, a) that mixes each clip with another (H. Zhang et al., arXiv:1710.09412); 0 mixes none.
      weight_averaging: decay, for each step, of the moving average of the weights that is validated and kept; 0 keeps
        the weights themselves.
      distillation: share of the target that is the teacher's answer to the same, augmented clip (L. Beyer et al., "A
        good teacher is patient and consistent", arXiv:2106.05237); only with a teacher.
      distinct_epochs: epochs after so many hear the same augmented clips again, in another order; 0: never.
      augment_seed: seed of the augmented clips; -1 takes the run's seed.
      stage_steps: steps of stages that have a constant learning rate each, in the place of `epochs`, `learning_rate`
        and `warmup_steps`; the last epoch ends with the last step.
      stage_rates: the learning rate of each stage.
      augment: what an epoch consists of.
    """

    epochs: int = 60
    batch: int = 128
    learning_rate: float = 3e-3
    warmup_steps: int = 200
    weight_decay: float = 2e-3
    label_smoothing: float = 0.05
    dropout: float = 0.1
    mixup: float = 0.0
    weight_averaging: float = 0.0
    distillation: float = 0.9
    distinct_epochs: int = 0
    augment_seed: int = -1
    stage_steps: tuple[int, ...] = ()
    stage_rates: tuple[float, ...] = ()
    augment: AugmentConfig = AugmentConfig()

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
          KwsError: a value is out of range; the message names it.
        """
        if self.epochs < 1 or self.batch < 1 or not 0 < self.learning_rate < math.inf:
            raise KwsError(
                f"epochs and batch must be at least 1, learning rate above 0 and finite. "
                f"Received: {self.epochs}, {self.batch}, {self.learning_rate}."
            )
        shares = {"label_smoothing": 1, "dropout": 1, "weight_averaging": 1}
        for name, high in {**shares, "mixup": 10, "weight_decay": math.inf}.items():
            if not 0 <= getattr(self, name) < high:
                raise KwsError(f"{name} must be 0 or more and below {high}. Received: {getattr(self, name)}")
        if not 0 <= self.distillation <= 1 or self.distinct_epochs < 0:
            raise KwsError(
                f"distillation must be 0 to 1, distinct_epochs 0 or more. "
                f"Received: {self.distillation}, {self.distinct_epochs}."
            )
        if len(self.stage_steps) != len(self.stage_rates) or any(steps < 1 for steps in self.stage_steps):
            raise KwsError(
                f"every stage needs its steps and its rate. Received: {self.stage_steps} and {self.stage_rates}."
            )


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


def take_weights(model: keras.Model, other: keras.Model, but: Sequence[str] = ()) -> None:
    """Copies the weights of every layer that has the same name and shapes in another model, but for those named."""
    layers = {layer.name: layer for layer in other.layers if layer.name not in but}
    for layer in model.layers:
        if layer.name in layers:
            weights = layers[layer.name].get_weights()
            if [value.shape for value in weights] == [value.shape for value in layer.get_weights()]:
                layer.set_weights(weights)


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A trained model, from whose answers another one learns.

    Attributes:
      model: for the same labels.
      frontend: its own: the statistics of its features may differ from those of the model that learns.
    """

    model: keras.Model
    frontend: FrontendConfig


def train(
    run: RunFolder,
    training: ClipSet,
    validation: ClipSet,
    model: keras.Model,
    frontend: FrontendConfig,
    recipe: Recipe,
    seed: int,
    say: Callable[[str], None],
    cache: str | os.PathLike | None = None,
    teacher: Teacher | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Trains until the recipe's last epoch, from wherever the run stands.

    Args:
      run: its folder; its history tells where to go on.
      training, validation: clips.
      model: with its first weights.
      frontend: with statistics.
      recipe: how to train.
      seed: order and augmentation of the clips, dropout.
      say: called with a line of progress for each epoch.
      cache: folder for rendered epochs, see `EpochRenderer`.
      teacher: whose answers become targets (`Recipe.distillation`).
      workers: processes that render epochs, see `EpochRenderer`; the model does not depend on it.

    Returns:
      The history's entry with the best validation accuracy, whose weights the run holds as its best.

    Raises:
      KwsError: the loss is not finite, or the run cannot be written.
    """
    augment_seed = seed if recipe.augment_seed < 0 else recipe.augment_seed
    steps_per_epoch = -(-len(plan_epoch(training, augment_seed, 0, recipe.augment)) // recipe.batch)
    if recipe.stage_steps:
        recipe = dataclasses.replace(recipe, epochs=-(-sum(recipe.stage_steps) // steps_per_epoch))
    distinct = min(recipe.distinct_epochs or recipe.epochs, recipe.epochs)
    with EpochRenderer(
        training, augment_seed, recipe.augment, frontend, workers, last_epoch=distinct - 1, cache=cache
    ) as renderer:
        start = len(run.history)
        features, labels = renderer.epoch(start % distinct) if start < recipe.epochs else (None, None)
        _compile(model, recipe, steps_per_epoch)
        if 0 < start < recipe.epochs:
            run.restore(model, start * steps_per_epoch)  # only the last epoch of stages can be shorter
            say(f"going on after epoch {start} of {recipe.epochs}")
        elif start:
            say(f"all {start} epochs are trained already")
        if start:
            plots.learning_curves(run.history, run.path / CURVES)
        answers_to = teacher and _Answers(teacher, cache)
        truth = validation.labels
        plain = quantize_features(plain_features(validation, frontend, np.float32)[0], frontend)
        for epoch in range(start, recipe.epochs):
            began = time.monotonic()
            if epoch > start:
                features, labels = renderer.epoch(epoch % distinct)
            if recipe.stage_steps:
                wanted = (sum(recipe.stage_steps) - epoch * steps_per_epoch) * recipe.batch
                features, labels = features[:wanted], labels[:wanted]
            _seed_dropout(model, seed, epoch)
            rng = np.random.default_rng([seed, epoch])
            result = model.fit(
                *_lesson(rng, features, labels, len(training.label_names), frontend, recipe, answers_to),
                batch_size=recipe.batch,
                shuffle=False,
                verbose=0,
                callbacks=[_ShowBatches(f"epoch {epoch + 1}/{recipe.epochs}", steps_per_epoch)],
            ).history
            with _averaged(model):
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
            run.finish_epoch(model, entry, _averaged)
            plots.learning_curves(run.history, run.path / CURVES)
            left = entry["seconds"] * (recipe.epochs - epoch - 1) / 60
            say(
                f"epoch {epoch + 1}/{recipe.epochs}  loss {entry['loss']:.3f}  "
                f"accuracy {100 * entry['accuracy']:.2f} %  validation {100 * entry['val_accuracy']:.2f} %  "
                f"{entry['seconds']:.0f} s, about {left:.0f} min left"
            )
    return max(run.history, key=lambda item: item["val_accuracy"])


def _lesson(
    rng: np.random.Generator,
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    frontend: FrontendConfig,
    recipe: Recipe,
    answers_to: Callable[[np.ndarray], np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """An epoch's inputs on the int8 grid, and its targets ``[clips, classes]``."""
    targets = np.eye(classes, dtype=np.float32)[labels]
    targets = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
    if recipe.mixup:
        share = rng.beta(recipe.mixup, recipe.mixup, len(labels)).astype(np.float32)[:, None]
        partner = rng.permutation(len(labels))
        features = features * share[..., None] + features[partner] * (1 - share[..., None])
        targets = targets * share + targets[partner] * (1 - share)
    inputs = quantize_features(features, frontend)
    if answers_to:
        targets = targets * (1 - recipe.distillation) + answers_to(features) * recipe.distillation
    if recipe.distinct_epochs:
        order = rng.permutation(len(labels))
        inputs, targets = inputs[order], targets[order]
    return inputs, targets


class _Answers:
    """A teacher's probabilities ``[clips, labels]``; the cache, if there is one, keeps them beside the epochs."""

    def __init__(self, teacher: Teacher, cache: str | os.PathLike | None):
        self._teacher, self._cache = teacher, cache
        self._teacher_digest = run_folder.digest(teacher.model.get_weights())

    def __call__(self, features: np.ndarray) -> np.ndarray:
        inputs = quantize_features(features, self._teacher.frontend)
        if self._cache is None:
            return self._answer(inputs)
        digest = hashlib.sha256(self._teacher_digest.encode())
        digest.update(np.ascontiguousarray(inputs).data)
        path = Path(self._cache) / f"answers_{digest.hexdigest()[:24]}.npy"
        try:
            return np.load(path)
        except (OSError, ValueError, EOFError):
            answers = self._answer(inputs)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                np.save(file, answers)
            os.replace(partial, path)
        except OSError:
            partial.unlink(missing_ok=True)  # the next training asks the teacher again
        return answers

    def _answer(self, inputs: np.ndarray) -> np.ndarray:
        logits = self._teacher.model.predict(inputs, batch_size=256, verbose=0)
        return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


@contextlib.contextmanager
def _averaged(model: keras.Model) -> Iterator[None]:
    """Puts the moving average of the weights, if there is one, in their place for a while."""
    averages = getattr(model.optimizer, "_model_variables_moving_average", None)
    if not averages:
        yield
        return
    pairs = list(zip(model.trainable_variables, averages, strict=True))
    kept = [variable.numpy() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, kept, strict=True):
            variable.assign(value)


class AveragingAdamW(keras.optimizers.AdamW):
    """Keeps the moving average beside the weights; Keras's own puts it in their place whenever `fit` returns."""

    def finalize_variable_values(self, var_list):
        """Does nothing: a run calls `fit` once for each epoch."""


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
    if recipe.stage_steps:
        boundaries = np.cumsum(recipe.stage_steps)[:-1] - 1  # Keras keeps a rate up to and with its boundary
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries.tolist(), list(recipe.stage_rates))
    else:
        steps = steps_per_epoch * recipe.epochs
        warmup = min(recipe.warmup_steps, steps // 10)
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=recipe.learning_rate / 30,
            decay_steps=max(1, steps - warmup),
            warmup_target=recipe.learning_rate,
            warmup_steps=warmup,
        )
    optimizer = AveragingAdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        use_ema=bool(recipe.weight_averaging),
        ema_momentum=recipe.weight_averaging or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["range_gain"])  # of quantized layers
    model.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )


def _cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    shifted = logits - logits.max(1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(truth)), truth]).mean())
