"""How many clips a second training takes here: the network alone, the input pipeline alone, both together."""

import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from kws_reference.cli.log import hushed
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ, ClipSet, ClipSpec
from kws_training.data.epoch_plan import plan_epoch
from kws_training.data.epoch_renderer import EpochRenderer
from kws_training.data.features import feature_statistics
from kws_training.data.made_noise import made_noise
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.scenes.scene_epochs import SceneEpochs
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.models import architecture
from kws_training.train.recipe import Recipe
from kws_training.train.run_folder import RunFolder
from kws_training.train.scene_training import Scenes, scene_epochs
from kws_training.train.trainer import train

log = logging.getLogger(__name__)

VALIDATION_CLIPS = 64
_STEADY = slice(1, -1)  # the first epoch compiles, during the last one nothing is rendered ahead


def measure(
    name: str,
    clips: int = 4000,
    epochs: int = 6,
    batch: int = 100,
    speech: bool = False,
) -> dict[str, Any]:
    """Trains a model on made-up clips, with and without rendered epochs, and renders without training.

    Args:
      name: of the model.
      clips: of an epoch, about.
      epochs: at least 3; the first and the last do not count.
      batch: clips of a step.
      speech: among made-up speech, as ``fit --speech`` does by itself: scenes in rooms, with a hard round, whose time
        counts. With each batch of clips goes one of scenes.

    Returns:
      ``network``, ``pipeline`` and ``both``: clips a second. ``model``, ``batch``, ``cores`` and ``load``, the kernel's
      mean of the minute before.
    """
    result = {"model": name, "batch": batch, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    training, validation = _made_up(clips, 0), _made_up(VALIDATION_CLIPS, 1)
    frontend = feature_statistics(training, 0, FrontendConfig())
    recipe = Recipe(epochs=epochs, batch=batch)
    count = len(plan_epoch(training, 1, 0, recipe.augment))
    scenes = Scenes(_made_up_speech(600, 2), _made_up_speech(0, 3), SceneConfig(), name) if speech else None
    result["scenes"] = scenes.config.batch if scenes else 0
    steps = -(-count // batch)
    with tempfile.TemporaryDirectory(prefix="kws-speed-") as folder:
        log.info(f"{name}: the pipeline alone")
        source = scene_epochs(scenes, training, frontend, 1, steps) if scenes else None
        result["pipeline"] = _pipeline(training, frontend, recipe.augment, epochs, count, source)

        def trained(out: str, cache: Path | None) -> float:
            kind = architecture(name)
            model = kind.build(kind.config(labels=len(training.label_names)))
            run = RunFolder(Path(folder) / out, {})
            with hushed("kws_training.train"):
                train(run, training, validation, model, frontend, recipe, 1, cache, scenes=scenes)
            keras.backend.clear_session()
            return count * len(run.history[_STEADY]) / sum(entry["seconds"] for entry in run.history[_STEADY])

        log.info(f"{name}: both together")
        result["both"] = trained("both", None)
        log.info(f"{name}: the network alone")
        cache = Path(folder) / "epochs"
        with EpochRenderer(
            training, 1, recipe.augment, frontend, last_epoch=epochs - 1, cache=cache, scenes=source
        ) as renderer:
            for epoch in range(epochs):
                renderer.epoch(epoch)
        result["network"] = trained("network", cache)
    return {key: round(value, 1) if isinstance(value, float) else value for key, value in result.items()}


def table(found: dict[str, Any]) -> str:
    """The figures as text."""
    scenes = f" and {found['scenes']} scenes of speech" if found["scenes"] else ""
    return (
        f"{found['model']}, batches of {found['batch']}{scenes}, {found['cores']} cores, load {found['load']} before: "
        "clips/s\n"
        f"  network alone   {found['network']:8.0f}\n"
        f"  pipeline alone  {found['pipeline']:8.0f}\n"
        f"  both together   {found['both']:8.0f}"
    )


def _pipeline(
    training: ClipSet,
    frontend: FrontendConfig,
    config: AugmentConfig,
    epochs: int,
    count: int,
    scenes: SceneEpochs | None,
) -> float:
    with EpochRenderer(training, 1, config, frontend, last_epoch=epochs - 1, scenes=scenes) as renderer:
        renderer.epoch(0)
        began = time.monotonic()
        for epoch in range(1, epochs):
            renderer.epoch(epoch)
        return count * (epochs - 1) / (time.monotonic() - began)


def _made_up(clips: int, seed: int) -> ClipSet:
    rng = np.random.default_rng(seed)
    names = ClipSpec().labels
    labels = rng.integers(1, len(names), clips)
    return ClipSet(
        pcm=rng.normal(0, 1000, (clips, CLIP_SAMPLES)).astype(np.int16),
        labels=labels,
        words=tuple(names[label] for label in labels),
        names=tuple(f"{names[label]}/{row}.wav" for row, label in enumerate(labels)),
        noise=made_noise(seed),
        label_names=names,
    )


def _made_up_speech(seconds: int, seed: int) -> SpeechSet:
    """Recordings of 12 s: noise whose loudness changes every tenth of a second."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(10.0 ** rng.uniform(1.0, 3.5, 10 * seconds), SAMPLE_RATE_HZ // 10)
    pcm = np.clip(rng.normal(0, 1, len(loudness)) * loudness, -32768, 32767).astype(np.int16)
    starts = np.arange(0, len(pcm) + 1, 12 * SAMPLE_RATE_HZ)
    nothing, count = np.zeros((0, 2), np.int64), len(starts) - 1
    folder = tempfile.TemporaryDirectory(prefix="kws-speed-speech-")
    path = Path(folder.name) / "speech.pcm"
    pcm.tofile(path)
    names = tuple(f"{index}.wav" for index in range(count))
    return SpeechSet(pcm, starts, names, (nothing,) * count, np.ones(count, bool), path, folder)
