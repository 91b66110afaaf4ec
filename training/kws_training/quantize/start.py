"""From a trained float run to a quantized model with its weights."""

from typing import Any

import keras
import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.models import ARCHITECTURES
from kws_training.models.matchbox import MatchboxConfig
from kws_training.quantize import matchbox
from kws_training.quantize.calibration import Calibration
from kws_training.quantize.precision import Precision


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
    kind = ARCHITECTURES.get(settings["architecture"])
    if kind is None or kind.module != "matchbox":
        raise KwsError(
            f"{where} holds a {settings['architecture']}: layers with a precision make up Matchbox only. Export "
            "it with --precision ptq."
        )
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
