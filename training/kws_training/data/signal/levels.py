"""How loud a clip is where somebody speaks, and what a converter makes of what is too loud."""

import numpy as np

FRAME_SAMPLES = 320  # 20 ms
FULL_SCALE = 32767.0
_ACTIVE = 10.0**-1.5  # frames within 15 dB of the loudest count


def active_level(pcm: np.ndarray) -> np.ndarray:
    """The root mean square over the frames of 20 ms that are within 15 dB of the loudest: the level of a word.

    Args:
      pcm: ``[clips, samples]``, at least a frame.

    Returns:
      float32 ``[clips]`` in units of ``pcm``; 0 for digital silence.
    """
    frames = pcm.shape[1] // FRAME_SAMPLES
    parts = np.asarray(pcm, np.float32)[:, : frames * FRAME_SAMPLES].reshape(len(pcm), frames, FRAME_SAMPLES)
    power = np.einsum("cfs,cfs->cf", parts, parts) / np.float32(FRAME_SAMPLES)
    active = power >= power.max(axis=1, keepdims=True) * np.float32(_ACTIVE)
    return np.sqrt(np.sum(power * active, axis=1) / np.sum(active, axis=1))


def overdrive(rng: np.random.Generator, pcm: np.ndarray, share: float, most_db: float = 20.0) -> np.ndarray:
    """Raises a share of the clips until their peaks are above full scale by U(0, most_db), and clips them, in place.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      share: of the clips, 0 to 1; the others, and digital silence, are untouched.
      most_db: the most that is cut off.

    Returns:
      ``pcm``.
    """
    above = 10.0 ** (rng.uniform(0.0, most_db, len(pcm)) / 20.0)
    chosen = np.flatnonzero((rng.random(len(pcm)) < share) & np.any(pcm != 0, axis=1))
    loud = pcm[chosen]
    loud *= (FULL_SCALE * above[chosen] / np.abs(loud).max(axis=1)).astype(np.float32)[:, None]
    pcm[chosen] = np.clip(loud, -FULL_SCALE - 1, FULL_SCALE, out=loud)
    return pcm
