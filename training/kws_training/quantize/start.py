"""From a trained float run to a quantized model with its weights."""

from typing import Any

import keras
import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.models import CLIP_FRAMES, FRAMES_PER_STEP, Architecture
from kws_training.models.matchbox import MatchboxConfig
from kws_training.quantize.calibration import Calibration
from kws_training.quantize.graph import to_quantized
from kws_training.quantize.model import calibrate
from kws_training.quantize.precision import Precision


def check(settings: dict[str, Any], where: Any) -> None:
    """Refuses a float run that cannot be quantized.

    Args:
      settings: of the run.
      where: its folder, for messages.

    Raises:
      KwsError: it is quantized already, or looks ahead.
    """
    if "precision" in settings:
        raise KwsError(f"{where} is quantized already ({settings['precision']['name']}). Give the float run.")
    if settings["model"].get("causal") is False:
        raise KwsError(f"{where} holds a model that looks ahead: the firmware's engines take causal models only.")


def build(kind: Architecture, config: Any, precision: Precision, features_scale: float) -> keras.Model:
    """The quantized model of a configuration, with weights that nothing has learnt.

    Raises:
      KwsError: a layer has no form with this precision; says which, and what helps.
    """
    return _beside(kind.build(config), config, precision, features_scale)


def quantized(
    config: Any, precision: Precision, frontend: FrontendConfig, trained: keras.Model, drawn: Calibration
) -> keras.Model:
    """A quantized model with the weights of a trained one.

    Raises:
      KwsError: as `build`.
    """
    scale = 1.0 / frontend.feature_steps_per_std
    model = _beside(trained, config, precision, scale)
    calibrate(model, drawn.features.astype(np.float32) * np.float32(scale))
    return model


def _beside(trained: keras.Model, config: Any, precision: Precision, scale: float) -> keras.Model:
    step = getattr(config, "frames_per_step", FRAMES_PER_STEP)
    frames = config.pool_frames if isinstance(config, MatchboxConfig) else getattr(config, "clip_frames", CLIP_FRAMES)
    return to_quantized(trained, precision, scale, step, frames)
