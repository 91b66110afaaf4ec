"""A Matchbox twice as wide that begins where a trained one ended: every channel becomes two that share its work.

T. Chen, I. Goodfellow, J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016, arXiv:1511.05641.
"""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
from kws_reference.errors import KwsError

from kws_training.models import architecture
from kws_training.models.matchbox import MatchboxConfig, build
from kws_training.train.run_files import BEST, HISTORY, SETTINGS
from kws_training.train.run_folder import RunFolder
from kws_training.train.trained_run import load_float_run
from kws_training.train.weights import CLASSIFIER, digest

NARROW, WIDE = "matchbox", "matchbox_wide"
TAPS_NOISE, CHANNELS_NOISE = 0.05, 0.03
"""Standard deviation of what twins differ by, of that of the layer's weights: alike they would learn alike."""


def widen_run(path: Path, out: Path, seed: int) -> int:
    """Writes a run folder that ``fit --start-from`` takes: the best model of a run, twice as wide.

    Args:
      path: run of `NARROW`, in floating point.
      out: new run folder, of `WIDE`.
      seed: of what twins differ by.

    Returns:
      Number of parameters.

    Raises:
      KwsError: the run is of another model, or quantized; or the folder holds a run already, or cannot be written.
    """
    settings, narrow = load_float_run(path)
    if settings["architecture"] != NARROW:
        raise KwsError(f"{path} holds a {settings['architecture']}. Only a {NARROW} can be made wider.")
    for name in (SETTINGS, HISTORY, BEST):
        if (out / name).exists():
            raise KwsError(f"{out} holds a run already ({name}). Choose another --out.")
    config = MatchboxConfig.from_dict(settings["model"])
    options = architecture(WIDE).options
    wide = build(dataclasses.replace(config, **options))
    widen(narrow, wide, config, seed)
    described: dict[str, Any] = {key: value for key, value in settings.items() if key != "frames_per_step"}
    described |= {
        "architecture": WIDE,
        "model": {**settings["model"], **options},
        "widened": {"weights_sha256": digest(narrow.get_weights()), "seed": seed},
    }
    weights = wide.get_weights()
    run = RunFolder(out, described)
    run.write_arrays(BEST, {f"weight_{index}": value for index, value in enumerate(weights)})
    return wide.count_params()


def widen(narrow: keras.Model, wide: keras.Model, config: MatchboxConfig, seed: int) -> None:
    """Sets the weights of a model so that it computes nearly what one of half its width does.

    A channel's two copies differ by a little noise; what reads them takes a random part from the one, the rest from the
    other.

    Args:
      narrow: of `config`.
      wide: of `config`, with twice the width.
      config: of the narrow model.
      seed: of noise and parts.
    """
    rng = np.random.default_rng(seed)

    def twice(weights: np.ndarray, noise: float, axis: int = -1) -> np.ndarray:
        spread = noise * np.std(weights)
        twins = [weights + spread * rng.standard_normal(weights.shape) for _ in range(2)]
        return np.concatenate(twins[::-1], axis)

    def shared(weights: np.ndarray) -> np.ndarray:
        """Of a layer whose inputs are twins, ``[..., inputs, outputs]``."""
        part = rng.uniform(0, 1, weights.shape)
        return np.concatenate([part * weights, (1 - part) * weights], -2)

    def taken(name: str) -> list[np.ndarray]:
        return narrow.get_layer(name).get_weights()

    for number, block in enumerate(config.blocks, 1):
        name, first = f"block{number}", number == 1
        (taps,) = taken(name)
        # The features, which the first block filters, stay as many as they are.
        wide.get_layer(name).set_weights([taps if first else twice(taps, TAPS_NOISE, axis=1)])
        paths = ("pointwise", "residual") if block.residual else ("pointwise",)
        for path in paths:
            (channels,) = taken(f"{name}_{path}")
            channels = channels if first else shared(channels)
            wide.get_layer(f"{name}_{path}").set_weights([twice(channels, CHANNELS_NOISE)])
        for norm in ("norm", "residual_norm")[: len(paths)]:
            wide.get_layer(f"{name}_{norm}").set_weights([np.tile(value, 2) for value in taken(f"{name}_{norm}")])
    kernel, bias = taken(CLASSIFIER)
    wide.get_layer(CLASSIFIER).set_weights([shared(kernel), bias])
