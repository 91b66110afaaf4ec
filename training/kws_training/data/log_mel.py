"""Log-mel features of speech, for a whole recording or as it arrives."""

import numpy as np
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import dct_matrix, mfcc_float


def log_mel(pcm: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """Logarithms of the mel bands.

    Args:
      pcm: samples in int16 units, ``[samples]``.
      config: the bands; its `coefficients` must be `mel_bands`, its feature statistics are not used.

    Returns:
      float32 ``[frames, mel_bands]``, log2 of the magnitude in int16 steps, at least 0.
    """
    # The orthonormal DCT with all of its coefficients is turned back by its transpose.
    return mfcc_float(pcm, config, np.float32) @ dct_matrix(config.mel_bands, config.coefficients).T.astype(np.float32)


class LogMelStream:
    """The same features frame by frame; keeps the samples that the next window needs."""

    def __init__(self, config: FrontendConfig):
        self._config = config
        self._kept = np.zeros(0, np.float32)

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """Takes the next samples, any number; returns the frames that they complete, ``[frames, mel_bands]``."""
        rows = np.concatenate([self._kept, pcm])
        frames = log_mel(rows, self._config)
        self._kept = rows[len(frames) * self._config.hop_samples :]
        return frames
