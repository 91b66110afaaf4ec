"""The trained model of a run folder."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import keras
from kws_reference.bundle import is_bundle
from kws_reference.errors import KwsError

from kws_training.models import DEFAULT, FRAMES_PER_STEP, architecture
from kws_training.quantize import start
from kws_training.quantize.precision import Precision
from kws_training.train.run_files import BEST, CHECKPOINT, SETTINGS, committed
from kws_training.train.weights import load_weights, unusable

log = logging.getLogger(__name__)


def load_run(path: str | os.PathLike) -> tuple[dict[str, Any], keras.Model]:
    """Rebuilds a run's best model.

    Returns:
      Its settings, in which ``"architecture"`` names its model and ``"frames_per_step"`` the frames of a streaming
      step, and the Keras model with the best weights.

    Raises:
      KwsError: the folder holds no trained run, or one of a model that is not known.

    A run of somebody's own model holds the file that builds it, which is executed.
    """
    path = Path(path)
    if not (path / SETTINGS).is_file() and is_bundle(path):
        raise KwsError(f"{path} is a bundle, not a run: it has no {SETTINGS}. Give the run folder of kws-train fit.")
    finished = committed(path)
    if not (path / SETTINGS).is_file() or not (finished or (path / BEST).is_file()):
        raise KwsError(f"{path} holds no finished epoch ({SETTINGS}, {BEST}). Train with kws-train fit --out {path}.")
    try:
        settings = json.loads((path / SETTINGS).read_text())
        settings = {"architecture": DEFAULT, **settings}  # runs before there was a choice do not name it
        settings["frames_per_step"] = settings["model"].get("frames_per_step", FRAMES_PER_STEP)
        kind = architecture(settings["architecture"], path)
        config = kind.config_from_dict(settings["model"])
        precision = Precision(**settings["precision"]) if "precision" in settings else None
        steps = settings["frontend"]["feature_steps_per_std"] if precision else 1.0
    except (ValueError, KeyError, TypeError) as error:
        raise KwsError(f"{path / SETTINGS} is damaged ({error}). Restore it or train again.") from None
    model = start.build(kind, config, precision, 1.0 / steps) if precision else kind.build(config)
    if finished:
        try:
            model.set_weights(finished.best)
        except ValueError as error:
            raise unusable(path / CHECKPOINT, error) from None
    else:
        load_weights(model, path / BEST)
    log.debug(f"{path}: {settings['architecture']}, {model.count_params():,} parameters")
    return settings, model


def load_float_run(path: str | os.PathLike) -> tuple[dict[str, Any], keras.Model]:
    """`load_run`, of a run in floating point.

    Raises:
      KwsError: as `load_run`, or the run is one of quantization-aware training.
    """
    settings, model = load_run(path)
    if "precision" in settings:
        raise KwsError(
            f"{path} was trained as {settings['precision']['name']}: it has no float model. Give the run that it "
            "started from."
        )
    return settings, model
