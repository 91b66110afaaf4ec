"""Clips whose activations give the ranges of a quantized model."""

import dataclasses
import hashlib
from typing import Any

import numpy as np
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.clips import ClipSet
from kws_training.data.features import heard
from kws_training.data.int8_features import int8_features

CALIBRATION_CLIPS = 200
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

    Args:
      clips: at `kws_training.data.clips.SAMPLE_RATE_HZ`.
      frontend: with statistics.
      seed: draws them.
      count: how many, if there are so many.

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
    return Calibration(int8_features(frontend, heard(clips.pcm[rows], frontend)), record)
