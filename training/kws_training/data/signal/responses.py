"""Banks of impulse responses, and clips through them: one Fourier transform forth and one back, however many banks."""

import functools
from collections.abc import Sequence

import numpy as np
import scipy.fft

_BLOCK_CLIPS = 8  # keeps the spectra of a block in the second-level cache
_KEPT_BYTES = 64 << 20  # of spectra for one length of clips; longer ones are transformed as they are used


class ResponseBank:
    """Impulse responses that clips are drawn to go through.

    Args:
      taps: float32 ``[responses, taps]``; tap 0 is the direct sound.
    """

    def __init__(self, taps: np.ndarray):
        self.taps = np.ascontiguousarray(taps, np.float32)
        self._spectra = functools.lru_cache(maxsize=2)(self._transformed)

    def __len__(self) -> int:
        return len(self.taps)

    def spectra(self, rows: np.ndarray, size: int) -> np.ndarray:
        """Transforms of some responses, complex64 ``[rows, size / 2 + 1]``."""
        if len(self) * (size // 2 + 1) * 8 <= _KEPT_BYTES:
            return self._spectra(size)[rows]
        return scipy.fft.rfft(self.taps[rows], size, axis=-1)

    def _transformed(self, size: int) -> np.ndarray:
        return scipy.fft.rfft(self.taps, size, axis=-1)


def through(pcm: np.ndarray, stages: Sequence[tuple[ResponseBank, np.ndarray]]) -> np.ndarray:
    """Sends clips through a response of each bank, in place.

    Args:
      pcm: float32 ``[clips, samples]``.
      stages: banks, each with the row that every clip goes through, ``[clips]``; -1: it passes by.

    Returns:
      ``pcm``, of which each clip that passes every bank is untouched. What rings behind a clip's end is cut off.
    """
    samples = pcm.shape[1]
    size = scipy.fft.next_fast_len(samples + sum(bank.taps.shape[1] - 1 for bank, _ in stages), real=True)
    touched = np.flatnonzero(np.any([rows >= 0 for _, rows in stages], axis=0))
    for first in range(0, len(touched), _BLOCK_CLIPS):
        block = touched[first : first + _BLOCK_CLIPS]
        spectrum = scipy.fft.rfft(pcm[block], size, axis=-1)
        for bank, rows in stages:
            used = np.flatnonzero(rows[block] >= 0)
            if len(used):
                spectrum[used] *= bank.spectra(rows[block[used]], size)
        pcm[block] = scipy.fft.irfft(spectrum, size, axis=-1, overwrite_x=True)[:, :samples]
    return pcm


def drawn_rows(rng: np.random.Generator, bank: ResponseBank, clips: int, share: float) -> np.ndarray:
    """Draws a response for a share of some clips, int64 ``[clips]``; -1: none."""
    rows = rng.integers(len(bank), size=clips)
    return np.where(rng.random(clips) < share, rows, -1)


def minimum_phase(magnitude: np.ndarray, taps: int) -> np.ndarray:
    """The causal response of a magnitude whose energy comes as early as can be, by the real cepstrum.

    Source: A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", 13.5.

    Args:
      magnitude: above 0, ``[..., size / 2 + 1]``, from 0 to half the sample rate.
      taps: wanted length, at most ``size / 2``; the last quarter is faded out.

    Returns:
      float64 ``[..., taps]``.
    """
    size = 2 * (magnitude.shape[-1] - 1)
    cepstrum = scipy.fft.irfft(np.log(magnitude), size, axis=-1)
    cepstrum[..., 1 : size // 2] *= 2.0
    cepstrum[..., size // 2 + 1 :] = 0.0
    response = scipy.fft.irfft(np.exp(scipy.fft.rfft(cepstrum, axis=-1)), size, axis=-1)[..., :taps]
    return response * fade_out(taps, taps // 4)


def fade_out(length: int, faded: int) -> np.ndarray:
    """A window of ones whose last values fall to 0 along a cosine, float64 ``[length]``."""
    window = np.ones(length)
    window[length - faded :] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(faded) + 0.5) / faded)
    return window
