"""Puts clips into their surroundings: first what is in the air, then what a device makes of it.

Both steps take a generator that nothing else draws from; a share of 0 draws nothing.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kws_training.data.signal import gates, levels, microphones, mixing, rooms, textures
from kws_training.data.surroundings_config import SurroundingsConfig


@dataclasses.dataclass(frozen=True)
class Sources:
    """What is heard beside words.

    Attributes:
      noise: recordings of noise, int16 ``[samples]`` each, of any length.
      speech: recordings in which nobody says a keyword, int16 ``[samples]`` each, of any length.
      seed: of the rooms and microphones.
    """

    noise: Sequence[np.ndarray]
    speech: Sequence[np.ndarray]
    seed: int = 0


def in_the_air(rng: np.random.Generator, pcm: np.ndarray, sources: Sources, config: SurroundingsConfig) -> np.ndarray:
    """Adds other people, the room, noise and the microphone, in place and in this order.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]`` with words; one of digital silence gets noise alone.
      sources: noise, speech, and the seed of rooms and microphones.
      config: shares and ranges.

    Returns:
      ``pcm``.
    """
    if config.talker_share:
        levels_db = (config.talker_low_db, config.talker_high_db)
        mixing.add_talkers(rng, pcm, sources.speech, config.talker_share, *levels_db)
    if config.room_share:
        rooms.reverberate(rng, pcm, rooms.room_bank(sources.seed), config.room_share)
    if config.noise_share:
        mixing.add_noise_at_snr(rng, pcm, sources.noise, config.noise_share, config.noise_low_db, config.noise_high_db)
    if config.microphone_share:
        microphones.colour(rng, pcm, microphones.microphone_bank(sources.seed), config.microphone_share)
    return pcm


def silent(rng: np.random.Generator, pcm: np.ndarray, sources: Sources, config: SurroundingsConfig) -> np.ndarray:
    """Makes some clips of background noise near-silence, noise of other places, or noise that is switched, in place.

    Args:
      rng, sources, config: see `in_the_air`.
      pcm: float32 ``[clips, samples]``, without a word.

    Returns:
      ``pcm``.
    """
    if config.noise_share:
        other = np.flatnonzero(rng.random(len(pcm)) < config.noise_share)
        pcm[other] = mixing.add_noise_at_snr(rng, np.zeros_like(pcm[other]), sources.noise, 1.0, 0.0, 0.0)
    if config.microphone_share:
        microphones.colour(rng, pcm, microphones.microphone_bank(sources.seed), config.microphone_share)
    if config.texture_share:
        texture = np.flatnonzero(rng.random(len(pcm)) < config.texture_share)
        pcm[texture] = textures.near_silence(rng, len(texture), pcm.shape[1], config.texture_lsb)
    if config.gate_share:
        gates.switch(rng, pcm, config.gate_share, config.texture_lsb)
    return pcm


def recorded(rng: np.random.Generator, pcm: np.ndarray, config: SurroundingsConfig) -> np.ndarray:
    """Clips what is too loud, closes gates in pauses, and lays near-silence under all, in place; words or none.

    Args:
      rng, config: see `in_the_air`.
      pcm: float32 ``[clips, samples]`` at the level that the device hears.

    Returns:
      ``pcm``.
    """
    if config.overdrive_share:
        levels.overdrive(rng, pcm, config.overdrive_share)
    if config.gate_share:
        gates.gate_pauses(rng, pcm, config.gate_share, config.texture_lsb)
    if config.floor_share:
        textures.add_floor(rng, pcm, config.floor_share, config.texture_lsb)
    return pcm
