"""Renders scenes to features and targets; a chunk is a pure function of its material, configuration and numbers."""

import numpy as np
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float

from kws_training.data import augment
from kws_training.data.scenes.compose import compose
from kws_training.data.scenes.hard_moments import HardMoments
from kws_training.data.scenes.material import Material
from kws_training.data.scenes.moments import Grid, targets
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.signal.levels import overdrive
from kws_training.data.signal.microphones import microphone_bank
from kws_training.data.signal.responses import drawn_rows, through
from kws_training.data.signal.rooms import room_bank
from kws_training.data.signal.textures import MOST_LSB, near_silence

CHUNK_SCENES = 32  # rendered at once, from one generator: part of what a seed means, no setting
_LEAST_FLOOR_LSB = 0.31
_STREAM = 2  # tells the generators of scenes from those of clips


def render_scenes(
    material: Material,
    count: int,
    seed: int,
    epoch: int,
    chunk: int,
    config: SceneConfig,
    frontend: FrontendConfig,
    found: HardMoments | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Renders a chunk of an epoch's scenes.

    Args:
      material: what they are made of.
      count: scenes.
      seed: of the run.
      epoch: number of the epoch.
      chunk: number of the chunk in the epoch.
      config: shares and ranges.
      frontend: with statistics: what a device has not heard is their mean.
      found: what a model heard in the speech.

    Returns:
      float16 MFCCs, not normalised, ``[count, frames, coefficients]``, and uint8 targets
      ``[count, moments, labels]`` (`targets`).
    """
    rng = np.random.default_rng([seed, epoch, chunk, _STREAM])
    grid = Grid.of(config, frontend)
    pcm = np.empty((count, grid.samples), np.float32)
    noise = np.empty_like(pcm)
    right = np.empty((count, len(grid.ends), len(material.label_names)), np.uint8)
    unheard = np.full(count, grid.ends[0])  # most frames before which nothing was heard
    for row in range(count):
        scene = compose(rng, material, grid, config, found)
        pcm[row], noise[row] = scene.spoken, scene.noise
        if rng.random() < config.floor:
            most = float(np.clip(scene.loudest, _LEAST_FLOOR_LSB, MOST_LSB))
            noise[row] += near_silence(rng, 1, grid.samples, most)[0]
        right[row] = targets(scene.told, grid, material.label_names, config)
        if scene.told.keyword:
            unheard[row] = np.clip(scene.told.keyword[0] // frontend.hop_samples - 3, 0, grid.ends[0])
    rooms, microphones = room_bank(), microphone_bank()
    stages = [(rooms, config.rooms), (microphones, config.microphones)]
    through(pcm, [(bank, drawn_rows(rng, bank, count, share)) for bank, share in stages])
    pcm += noise
    overdrive(rng, pcm, config.overdriven)
    features = mfcc_float(augment.to_int16_range(pcm), frontend, np.float32)
    mean = np.asarray(frontend.feature_mean, np.float32)
    for row in np.flatnonzero(rng.random(count) < config.begun).tolist():
        features[row, : rng.integers(unheard[row] + 1)] = mean
    features = augment.spec_augment(
        rng, features, mean, config.time_masks, config.time_frames, config.feature_masks, config.feature_count
    )
    return features.astype(np.float16), right
