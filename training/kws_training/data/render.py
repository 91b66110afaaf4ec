"""Renders epochs of augmented features.

An epoch is a pure function of the clips, the configuration, the seed and the epoch's number.
"""

import numpy as np
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float
from kws_reference.labels import SILENCE, Kind

from kws_training.data import augment
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet
from kws_training.data.epoch_plan import plan_epoch
from kws_training.data.features import CHUNK_CLIPS, heard
from kws_training.data.noise import silence
from kws_training.data.signal.mixing import Rows
from kws_training.data.surroundings import Sources, in_the_air, recorded, silent

_BESIDE = 0x62657369  # of a generator's seed


def render_chunk(
    clips: ClipSet,
    rows: np.ndarray,
    seed: int,
    epoch: int,
    chunk: int,
    config: AugmentConfig,
    frontend: FrontendConfig | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Augments one chunk of an epoch and computes its features.

    Args:
      clips: the training clips.
      rows: the chunk's part of `plan_epoch`.
      seed: seed of the run.
      epoch: number of the epoch.
      chunk: number of the chunk in the epoch.
      config: ranges.
      frontend: parameters of the front end; masks are filled with its feature_mean, or, while that is unknown (all
        zeros), with the mean of the chunk.

    Returns:
      float16 features, not normalised, ``[rows, frames, coefficients]``, and int64 labels ``[rows]``.
    """
    rng = np.random.default_rng([seed, epoch, 1 + chunk])
    surroundings, sources = config.surroundings, _sources(clips, seed)
    beside = np.random.default_rng([seed, epoch, 1 + chunk, _BESIDE])  # so that `rng` draws what it always drew
    drawn = rows < 0
    pcm = clips.pcm[np.where(drawn, 0, rows)]
    pcm = augment.shift_and_resample(rng, pcm, config.shift_samples, config.resample)
    if not surroundings.off:
        pcm[~drawn] = in_the_air(beside, pcm[~drawn], sources, surroundings)
    pcm = augment.gain(rng, pcm, config.gain_low_db, config.gain_high_db)
    pcm = augment.add_noise(rng, pcm, clips.noise, config.noise_probability, config.noise_volume)
    pcm[drawn] = silence(rng, clips.noise, int(drawn.sum()))
    if not surroundings.off:
        pcm[drawn] = silent(beside, pcm[drawn], sources, surroundings)
        pcm = recorded(beside, pcm, surroundings)
    features = mfcc_float(heard(augment.to_int16_range(pcm), frontend), frontend, np.float32)
    mean = np.asarray(frontend.feature_mean, np.float32) if frontend else np.zeros(1, np.float32)
    fill = mean if mean.any() else features.mean(axis=(0, 1))
    features = augment.spec_augment(
        rng, features, fill, config.time_masks, config.time_frames, config.feature_masks, config.feature_count
    )
    return features.astype(np.float16), np.where(drawn, clips.label_names.index(SILENCE), clips.labels[rows])


def render_epoch(
    clips: ClipSet, seed: int, epoch: int, config: AugmentConfig | None = None, frontend: FrontendConfig | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Renders one epoch in this process.

    Returns:
      float16 features, not normalised, ``[n, frames, coefficients]``, and int64 labels ``[n]``, in random order.
    """
    config = config or AugmentConfig()
    rows = plan_epoch(clips, seed, epoch, config)
    parts = [
        render_chunk(clips, rows[first : first + CHUNK_CLIPS], seed, epoch, index, config, frontend)
        for index, first in enumerate(range(0, len(rows), CHUNK_CLIPS))
    ]
    return join(parts)


def join(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    features, labels = zip(*parts, strict=True)
    return np.concatenate(features), np.concatenate(labels)


def _sources(clips: ClipSet, seed: int) -> Sources:
    """What is heard beside the clips: noise of ``--noise``, or else the background, and the unknown words."""
    unknown = np.flatnonzero(clips.kinds == Kind.UNKNOWN)
    return Sources(clips.everyday_noise or clips.noise, Rows(clips.pcm, unknown), seed)
