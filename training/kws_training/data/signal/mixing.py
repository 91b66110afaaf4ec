"""Other sound beside a word: noise and other people, at a level relative to the word's own."""

from collections.abc import Sequence

import numpy as np

from kws_training.data.signal.levels import active_level

_ALONE_LOW, _ALONE_HIGH = 1.0, 3000.0  # rms of other sound where there is no word to compare it with


def piece(rng: np.random.Generator, recordings: Sequence[np.ndarray], samples: int) -> np.ndarray:
    """Draws a piece of a recording, which goes on from its beginning where it ends: float32 ``[samples]``."""
    recording = recordings[int(rng.integers(len(recordings)))]
    start = int(rng.integers(len(recording)))
    if start + samples <= len(recording):
        return recording[start : start + samples].astype(np.float32)
    return recording.take(np.arange(start, start + samples), mode="wrap").astype(np.float32)


def add_noise_at_snr(
    rng: np.random.Generator,
    pcm: np.ndarray,
    noise: Sequence[np.ndarray],
    share: float,
    low_db: float,
    high_db: float,
) -> np.ndarray:
    """Adds a piece of noise to a share of the clips, in place.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      noise: recordings, int16 ``[samples]`` of any length; none: nothing is added.
      share: of the clips, 0 to 1; the others are untouched.
      low_db, high_db: the clip's level is U(low_db, high_db) above the noise's, both by `active_level`. In a clip of
        digital silence the noise has an rms of 1 to 3,000, each octave as often as another.

    Returns:
      ``pcm``.
    """
    return _add(rng, pcm, noise, share, low_db, high_db, 1)


def add_talkers(
    rng: np.random.Generator,
    pcm: np.ndarray,
    speech: Sequence[np.ndarray],
    share: float,
    low_db: float,
    high_db: float,
    most: int = 4,
) -> np.ndarray:
    """Lets other people talk in a share of the clips, in place: in half of these one, in the others 2 to ``most``.

    Args:
      rng: source of randomness.
      pcm, share, low_db, high_db: see `add_noise_at_snr`; the level is that of all talkers.
      speech: recordings in which nobody says a keyword, int16 ``[samples]`` of any length; none: nobody talks.
      most: talkers in a clip, at least 1.

    Returns:
      ``pcm``.
    """
    return _add(rng, pcm, speech, share, low_db, high_db, most)


def _add(
    rng: np.random.Generator,
    pcm: np.ndarray,
    recordings: Sequence[np.ndarray],
    share: float,
    low_db: float,
    high_db: float,
    most: int,
) -> np.ndarray:
    chosen = np.flatnonzero(rng.random(len(pcm)) < share)
    if not len(recordings) or not len(chosen):
        return pcm
    samples = pcm.shape[1]
    other = np.zeros((len(chosen), samples), np.float32)
    for row in other:
        count = 1 if most < 2 or rng.random() < 0.5 else int(rng.integers(2, most + 1))
        for _ in range(count):
            voice = piece(rng, recordings, samples)
            if count > 1:
                voice *= _inverse(active_level(voice[None]))[0] * np.float32(10.0 ** (rng.uniform(-6.0, 0.0) / 20.0))
            row += voice
    level = active_level(pcm[chosen])
    alone = np.exp(rng.uniform(np.log(_ALONE_LOW), np.log(_ALONE_HIGH), len(chosen)))
    wanted = np.where(level > 0, level * 10.0 ** (-rng.uniform(low_db, high_db, len(chosen)) / 20.0), alone)
    other *= (wanted * _inverse(active_level(other))).astype(np.float32)[:, None]
    pcm[chosen] += other
    return pcm


def _inverse(level: np.ndarray) -> np.ndarray:
    """1 / level; 0 where a recording is silent."""
    return np.where(level > 0, 1.0 / np.maximum(level, 1e-6), 0.0).astype(np.float32)


class Rows(Sequence[np.ndarray]):
    """Some rows of an array as recordings, of which none is copied.

    Args:
      pcm: int16 ``[clips, samples]``.
      rows: which of them.
    """

    def __init__(self, pcm: np.ndarray, rows: np.ndarray):
        self._pcm, self._rows = pcm, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._pcm[self._rows[index]]
