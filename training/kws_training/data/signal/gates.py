"""Gates: devices and lines that switch to silence when nobody speaks, and back."""

import numpy as np

from kws_training.data.signal import textures
from kws_training.data.signal.levels import active_level

SAMPLE_RATE_HZ = 16000
FRAME_SAMPLES = 160


def open_mask(pcm: np.ndarray, threshold: np.ndarray, hold_frames: np.ndarray) -> np.ndarray:
    """When a gate is open: where a frame of 10 ms is loud enough, in the frame before, and for a while behind.

    Args:
      pcm: ``[clips, samples]``.
      threshold: least rms of a frame, ``[clips]``.
      hold_frames: for how long it stays open, ``[clips]``, 1 or more.

    Returns:
      bool ``[clips, samples]``.
    """
    clips, samples = pcm.shape
    frames = -(-samples // FRAME_SAMPLES)
    padded = np.zeros((clips, frames * FRAME_SAMPLES), np.float32)
    padded[:, :samples] = pcm
    parts = padded.reshape(clips, frames, FRAME_SAMPLES)
    loud = np.einsum("cfs,cfs->cf", parts, parts) >= FRAME_SAMPLES * np.square(threshold)[:, None]
    at = np.arange(frames)
    since = at - np.maximum.accumulate(np.where(loud, at, -(1 << 30)), axis=1)
    opened = since < np.asarray(hold_frames)[:, None]
    opened[:, :-1] |= loud[:, 1:]
    return np.repeat(opened, FRAME_SAMPLES, axis=1)[:, :samples]


def gate_pauses(rng: np.random.Generator, pcm: np.ndarray, share: float, most: float = textures.MOST_LSB) -> np.ndarray:
    """Sends a share of the clips through a gate, in place: what is 15 to 40 dB below the word becomes near-silence.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      share: of the clips, 0 to 1; the others are untouched.
      most: greatest level of the near-silence, which is digital zero in half of the clips.

    Returns:
      ``pcm``.
    """
    chosen = np.flatnonzero(rng.random(len(pcm)) < share)
    threshold = active_level(pcm[chosen]) * 10.0 ** (rng.uniform(-40.0, -15.0, len(chosen)) / 20.0)
    opened = open_mask(pcm[chosen], threshold, rng.integers(3, 25, len(chosen)))
    pcm[chosen] = np.where(opened, pcm[chosen], _closed(rng, len(chosen), pcm.shape[1], most))
    return pcm


def switch(rng: np.random.Generator, pcm: np.ndarray, share: float, most: float = textures.MOST_LSB) -> np.ndarray:
    """Switches a share of the clips off and on by turns of 0.03 to 0.6 s, in place: for noise, in which is no word.

    Args:
      rng, pcm, share, most: see `gate_pauses`.

    Returns:
      ``pcm``.
    """
    chosen = np.flatnonzero(rng.random(len(pcm)) < share)
    samples = pcm.shape[1]
    opened = np.array([textures.switching(rng, samples) for _ in chosen], bool).reshape(-1, samples)
    pcm[chosen] = np.where(opened, pcm[chosen], _closed(rng, len(chosen), samples, most))
    return pcm


def _closed(rng: np.random.Generator, clips: int, samples: int, most: float) -> np.ndarray:
    """What is heard while gates are closed, float32 ``[clips, samples]``."""
    out = np.zeros((clips, samples), np.float32)
    textured = np.flatnonzero(rng.random(clips) < 0.5)
    out[textured] = textures.near_silence(rng, len(textured), samples, most)
    return out
