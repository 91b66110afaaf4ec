"""From a trained float run to a quantized model: clips that give the ranges, and what a run's settings say of it."""

import dataclasses
import hashlib
from typing import Any

import keras
import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.commands.clip_options import CALIBRATION_CLIPS
from kws_training.data.speech_commands import ClipSet
from kws_training.evaluate.clips import int8_features
from kws_training.models.matchbox import MatchboxConfig
from kws_training.quantize import matchbox
from kws_training.quantize.precision import Precision

RULE = "rows numpy.random.default_rng(seed).permutation(clips)[:count] of the sorted training clips"


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Clips whose activations give the ranges.

    Attributes:
      features: int8 ``[clips, frames, coefficients]``.
      record: what tells which clips these are, as JSON values.
    """

    features: np.ndarray
    record: dict[str, Any]


def calibration(clips: ClipSet, frontend: FrontendConfig, seed: int, count: int = CALIBRATION_CLIPS) -> Calibration:
    """Draws training clips by seed.

    Returns:
      Their features, and a record: how many of how many, seed, rule, indices, and a digest of their names.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(clips))[:count])
    names = "\n".join(clips.names[row] for row in rows)
    record = {
        "clips": len(rows),
        "of": len(clips),
        "seed": seed,
        "rule": RULE,
        "rows": rows.tolist(),
        "names_sha256": hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest(),
    }
    return Calibration(int8_features(frontend, clips.pcm[rows]), record)


def check(settings: dict[str, Any], where: Any) -> MatchboxConfig:
    """The configuration of a float run that can be quantized.

    Args:
      settings: of the run.
      where: its folder, for messages.

    Raises:
      KwsError: it is quantized already, of another architecture, or looks ahead.
    """
    if "precision" in settings:
        raise KwsError(f"{where} is quantized already ({settings['precision']['name']}). Give the float run.")
    if not settings["architecture"].startswith("matchbox"):
        raise KwsError(f"{where} holds a {settings['architecture']}: layers with a precision make up Matchbox only.")
    config = MatchboxConfig.from_dict(settings["model"])
    if not config.causal:
        raise KwsError(f"{where} holds a model that looks ahead: the firmware's engines take causal models only.")
    return config


def quantized(
    config: MatchboxConfig, precision: Precision, frontend: FrontendConfig, trained: keras.Model, drawn: Calibration
) -> keras.Model:
    """A quantized model with the weights of a trained one."""
    scale = 1.0 / frontend.feature_steps_per_std
    model = matchbox.build(config, precision, scale)
    matchbox.start_from(model, trained, config, drawn.features.astype(np.float32) * np.float32(scale))
    return model
