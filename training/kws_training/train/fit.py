"""Does the job of ``kws-train fit``: from folders of clips to a trained run, or on from where it stands."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

import keras
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import TEN_KEYWORDS, LabelSet

from kws_training.data.clips import ClipSet
from kws_training.data.features import feature_statistics
from kws_training.data.scenes.load_speech import held_speakers, load_speech
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.training_data import load_training_data
from kws_training.models import DEFAULT, Architecture, architecture
from kws_training.quantize import start
from kws_training.quantize.calibration import Calibration, calibration
from kws_training.train.job import FitJob
from kws_training.train.pooled_model import PooledModel
from kws_training.train.recipe import Recipe
from kws_training.train.run_folder import RunFolder
from kws_training.train.scene_training import Scenes
from kws_training.train.teacher import Teacher
from kws_training.train.trained_run import load_run
from kws_training.train.trainer import CURVES, train
from kws_training.train.weights import CLASSIFIER, digest, first_blocks, take_weights, take_weights_in_order

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Run:
    """A trained run: its folder, its settings and its best model."""

    path: Path
    settings: dict[str, Any]
    model: keras.Model

    @classmethod
    def load(cls, path: Path | None) -> "_Run | None":
        return cls(path, *load_run(path)) if path else None

    @property
    def frontend(self) -> FrontendConfig:
        return FrontendConfig.from_dict(self.settings["frontend"])

    @property
    def weights_sha256(self) -> str:
        return digest(self.model.get_weights())


def fit(job: FitJob) -> dict[str, Any]:
    """Trains; the run folder then holds weights, history and learning curves.

    Returns:
      The history's entry of the best epoch (`kws_training.train.run_files.score`).

    Raises:
      KwsError: the job does not fit to its runs or clips, the loss is not finite, or the run cannot be written.
    """
    first, taught = _Run.load(job.start_from), _Run.load(job.teacher)
    wanted = first.frontend if first else job.frontend or FrontendConfig()
    kind = _kind(job, first, wanted)
    words = _words(job, first)
    recipe = job.recipe_of(kind, words)
    if first:
        first_blocks(first.model, recipe.frozen_blocks)  # or a refusal, before anything is read
    speech = load_speech(job.speech, words) if job.speech else None
    data = job.data.without_speakers(held_speakers(*speech)) if speech else job.data
    training, validation = load_training_data(data, words, job.seed)
    log.info(
        f"{len(training)} training clips, {len(validation)} validation clips, labels {', '.join(training.label_names)}"
    )
    config = _config(kind, first, len(training.label_names), wanted)
    frontend = _frontend(job, first, training, recipe, wanted)
    teacher = _teacher(taught, training, frontend)
    drawn = calibration(training, frontend, job.seed) if job.precision else None
    settings = {
        "architecture": kind.name,
        "model": config.to_dict(),
        "labels": list(training.label_names),
        "frontend": frontend.to_dict(),
        "recipe": recipe.to_dict(),
        "seed": job.seed,
        "training_clips": len(training),
        "validation_clips": len(validation),
        "clips_sha256": {"training": training.sha256(), "validation": validation.sha256()},
        **_origin(job, first, taught, drawn),
    }
    scenes = None
    if speech:
        knows_keywords = first is not None and first.settings["labels"] == list(training.label_names)
        scenes = Scenes(*speech, SceneConfig(**job.scenes), kind.name, knows_keywords)
        settings["scenes"] = _scene_settings(scenes)
    run = RunFolder(job.out, settings)
    for name, content in kind.files.items():
        run.write_file(name, content)
    keras.utils.set_random_seed(job.seed)
    config = dataclasses.replace(config, dropout=recipe.dropout)
    if drawn:
        model = start.quantized(config, job.precision, frontend, first.model, drawn)
    else:
        model = _float_model(kind, config, first, training.label_names)
        for layer in first_blocks(model, recipe.frozen_blocks):
            layer.trainable = False
    best = train(
        run,
        training,
        validation,
        model,
        frontend,
        recipe,
        job.seed,
        job.cache,
        teacher=teacher,
        workers=job.workers,
        scenes=scenes,
    )
    log.info(f"best epoch {best['epoch']}: validation {100 * best['val_accuracy']:.2f} %; curves in {job.out / CURVES}")
    return best


def _kind(job: FitJob, first: _Run | None, frontend: FrontendConfig) -> Architecture:
    """The model to train.

    Raises:
      KwsError: it cannot be trained with the front end or among speech, or the run to start from holds another, or none
        to quantize.
    """
    known = architecture(first.settings["architecture"], first.path) if first else None
    kind = architecture(job.model) if job.model else known or architecture(DEFAULT)
    if known and kind.name != known.name:
        raise KwsError(f"{first.path} holds a {known.name}, not a {kind.name}. Leave out --model.")
    if known and kind.files != known.files:
        raise KwsError(f"{first.path} was trained with another {kind.name}. Leave out --model to train that one.")
    kind.check(frontend)  # or a refusal, before anything is read
    config = kind.config(3, frontend)
    if job.speech:
        _check_scenes(frontend)
        PooledModel(kind.build(config), kind.name)
    if first and (job.precision or "precision" in first.settings):
        start.check(first.settings, first.path)
    if job.precision:
        config = _config(kind, first, len(first.settings["labels"]), frontend)
        quantized = start.build(kind, config, job.precision, 1.0)
        if job.speech:
            PooledModel(quantized, kind.name)
    return kind


def _check_scenes(frontend: FrontendConfig) -> None:
    """Refuses front ends of another time axis than the kit's: scenes and their moments are counted in its frames."""
    if frontend.clock(1) != FrontendConfig().clock(1):
        raise KwsError(
            f"--speech counts in windows of 480 samples every 160 at 16000 Hz. Received: a front end with "
            f"{frontend.window_samples} every {frontend.hop_samples} at {frontend.sample_rate_hz} Hz."
        )


def _words(job: FitJob, first: _Run | None) -> tuple[str, ...]:
    """The keywords; a run that is quantized keeps its own."""
    if not job.precision:
        return job.words or TEN_KEYWORDS
    known = LabelSet(first.settings["labels"]).keywords
    if job.words not in ((), known):
        raise KwsError(f"{first.path} was trained for {', '.join(known)}. Leave out --labels.")
    return known


def _config(kind: Architecture, first: _Run | None, labels: int, frontend: FrontendConfig) -> Any:
    """The model's configuration: the default one for a front end, or that of the run to start from."""
    if first:
        return kind.config_from_dict({**first.settings["model"], "labels": labels})
    return kind.config(labels, frontend)


def _frontend(
    job: FitJob, first: _Run | None, training: ClipSet, recipe: Recipe, frontend: FrontendConfig
) -> FrontendConfig:
    """The front end with statistics of the training clips, or as it is that of the run to start from."""
    if not first:
        return feature_statistics(training, recipe.augment_seed_of(job.seed), frontend)
    labels = first.settings["labels"]
    if job.precision and labels != list(training.label_names):
        raise KwsError(f"{first.path} has its labels in another order than fit: {', '.join(labels)}.")
    return frontend


def _teacher(taught: _Run | None, training: ClipSet, frontend: FrontendConfig) -> Teacher | None:
    """The teacher; refuses one of other labels or, but for the statistics, of another front end."""
    if not taught:
        return None
    statistics = {"feature_mean": frontend.feature_mean, "feature_std": frontend.feature_std}
    same_front_end = dataclasses.replace(taught.frontend, **statistics) == frontend
    if taught.settings["labels"] != list(training.label_names) or not same_front_end:
        raise KwsError(f"{taught.path} was trained for other labels or another front end. Train another teacher.")
    return Teacher(taught.model, taught.frontend)


def _origin(job: FitJob, first: _Run | None, taught: _Run | None, drawn: Calibration | None) -> dict[str, Any]:
    """What a run's settings say of the runs that it comes from, and of its precision."""
    origin: dict[str, Any] = {}
    if first:
        origin["started_from"] = {"labels": first.settings["labels"], "weights_sha256": first.weights_sha256}
    if taught:
        origin["teacher"] = {
            "architecture": taught.settings["architecture"],
            "weights_sha256": taught.weights_sha256,
        }
    if drawn:
        origin["precision"] = job.precision.to_dict()
        origin["calibration"] = drawn.record
        origin["started_from"]["recipe"] = first.settings["recipe"]
    return origin


def _scene_settings(scenes: Scenes) -> dict[str, Any]:
    """What a run's settings say of the speech that it is trained among."""
    parts = {"training": scenes.training, "validation": scenes.validation}
    return {
        **dataclasses.asdict(scenes.config),
        "speech_speakers": {name: list(part.speakers) for name, part in parts.items()},
        "speech_recordings": {name: len(part) for name, part in parts.items()},
        "speech_hours": {name: round(part.hours, 3) for name, part in parts.items()},
        "speech_sha256": {name: part.sha256() for name, part in parts.items()},
    }


def _float_model(kind: Architecture, config: Any, first: _Run | None, labels: tuple[str, ...]) -> keras.Model:
    """A model with random weights, or with those of the run to start from where its layers have the same shapes."""
    model = kind.build(config)
    if first:
        same_labels = first.settings["labels"] == list(labels)
        if kind.files:
            take_weights_in_order(model, first.model, () if same_labels else kind.label_weights(config))
        else:
            take_weights(model, first.model, () if same_labels else (CLASSIFIER,))
    return model
