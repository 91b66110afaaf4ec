"""Background noise of a data set, and silence drawn from it."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import convert_rate, read_wav
from kws_reference.audio.recordings import BACKGROUND_FOLDER, NOT_WAV, Recording, find_recordings, left_out_lines
from kws_reference.labels import folded

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ
from kws_training.data.made_noise import made_noise

log = logging.getLogger(__name__)


def load_noise(
    root: str | Path, sample_rate_hz: int = SAMPLE_RATE_HZ, clip_samples: int = CLIP_SAMPLES
) -> tuple[np.ndarray, ...]:
    """Loads the background recordings of a folder in the official layout.

    Args:
      root: the folder.
      sample_rate_hz: of the result.
      clip_samples: length of a clip.

    Returns:
      int16 arrays, sorted by name; none if the folder has no ``_background_noise_``. Recordings shorter than a clip are
      repeated.
    """
    listing = find_recordings(root)
    not_wav = [name for name in listing.left_out.get(NOT_WAV, ()) if folded(name.split("/")[0]) == BACKGROUND_FOLDER]
    for line in left_out_lines(root, {NOT_WAV: tuple(not_wav)} if not_wav else {}):
        log.info(line)
    return read_noise(listing.noise, sample_rate_hz, clip_samples)


def read_noise(files: Sequence[Recording], sample_rate_hz: int, clip_samples: int) -> tuple[np.ndarray, ...]:
    """Reads background recordings, int16 arrays; those that are shorter than a clip are repeated."""
    recordings = [read_wav(item.path, sample_rate_hz) for item in files]
    return tuple(
        np.tile(samples, -(-clip_samples // len(samples))) if len(samples) < clip_samples else samples
        for samples in recordings
    )


def noise_or_made(
    files: Sequence[Recording], seed: list[int], sample_rate_hz: int, clip_samples: int
) -> tuple[np.ndarray, ...]:
    """`read_noise`, or where there are no such files, noise that is made up from a seed (`made_noise`)."""
    recordings = read_noise(files, sample_rate_hz, clip_samples)
    return recordings or tuple(convert_rate(made, SAMPLE_RATE_HZ, sample_rate_hz) for made in made_noise(seed))


def silence(
    rng: np.random.Generator, noise: Sequence[np.ndarray], clips: int, samples: int = CLIP_SAMPLES
) -> np.ndarray:
    """Draws background noise at a volume of U(0, 1), int16 ``[clips, samples]``; zeros if there is no noise."""
    out = np.zeros((clips, samples), np.int16)
    for row in out if noise else ():
        recording = noise[int(rng.integers(len(noise)))]
        start = rng.integers(len(recording) - samples + 1)
        row[:] = np.rint(recording[start : start + samples] * rng.uniform(0.0, 1.0))
    return out
