"""Features of clips as training takes them: those of the clips as they are, their statistics, the int8 grid.

Clips are those of training, at `SAMPLE_RATE_HZ`; a front end of another rate hears them converted.
"""

import dataclasses

import numpy as np
from kws_reference.audio.pcm import convert_rate
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float

from kws_training.data.clips import SAMPLE_RATE_HZ, ClipSet

CHUNK_CLIPS = 128  # computed at once; in training they share one generator: part of what a seed means, no setting
STATISTICS_CLIPS = 2000


def heard(pcm: np.ndarray, frontend: FrontendConfig | None) -> np.ndarray:
    """What a front end hears of samples at `SAMPLE_RATE_HZ`.

    Args:
      pcm: in int16 units, ``[..., samples]``.
      frontend: parameters of the front end; None: the kit's.
    """
    return convert_rate(pcm, SAMPLE_RATE_HZ, frontend.sample_rate_hz) if frontend else pcm


def plain_features(
    clips: ClipSet, frontend: FrontendConfig | None = None, dtype: type[np.floating] = np.float16
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the features of clips as they are, for validation and testing.

    Args:
      clips: the clips.
      frontend: parameters of the front end. Default: the kit's.
      dtype: of the result; float16 keeps three digits, which training does not notice.

    Returns:
      Features, not normalised, ``[clips, frames, coefficients]``, and int64 labels ``[clips]``.
    """
    parts = [
        mfcc_float(heard(clips.pcm[first : first + CHUNK_CLIPS], frontend), frontend, np.float32).astype(dtype)
        for first in range(0, len(clips), CHUNK_CLIPS)
    ]
    return np.concatenate(parts), clips.labels


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
    """Normalises features and rounds them to the int8 grid, in place of the device's front end.

    Args:
      features: in units of log2, ``[..., coefficients]``, any float type.
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
