"""Floating-point definition of the MFCC and log-mel front ends: what the integer one approximates, and training uses.

Per frame: ``log2(max(mel @ |rfft(hann * pcm)|, 1))``, log-mel energies; of an MFCC then an orthonormal DCT-II of which
the first coefficients are kept. PCM is in units of one int16 step and the transform is not scaled: 1.0 in the
logarithm's argument is one int16 step of DFT magnitude. With preemphasis, PCM is what `preemphasised` makes of it.
"""

import functools

import numpy as np
import scipy.fft

from kws_reference.errors import KwsError
from kws_reference.frontend.config import LOG_MEL, MFCC, FrontendConfig

_CHUNK_FRAMES = 512  # keeps the intermediate arrays of a batch inside the second-level cache
_MEL_BLOCK = 16  # bands that share a matrix product: a band needs few of the bins


def hann_periodic(window_samples: int) -> np.ndarray:
    """Returns the periodic Hann window, float64 [window_samples]."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(window_samples) / window_samples)


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """Converts Hz to mel by the HTK formula (The HTK Book, 5.4): ``1127 ln(1 + hz / 700)``."""
    return 1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0)


def mel_position(config: FrontendConfig) -> np.ndarray:
    """Returns each DFT bin's place on the mel axis, float64 [fft_size / 2 + 1], in units of half a triangle.

    Band b rises from b to b + 1 and falls from there to b + 2. A bin at position i + w (0 <= w < 1) therefore gives w
    to band i and 1 - w to band i - 1, where these exist. Bin 0 (DC) is outside by definition and is given -1.
    """
    low, high = hz_to_mel(config.mel_low_hz), hz_to_mel(config.mel_high_hz)
    frequency_hz = np.arange(config.fft_size // 2 + 1) * (config.sample_rate_hz / config.fft_size)
    position = (hz_to_mel(frequency_hz) - low) / ((high - low) / (config.mel_bands + 1))
    position[0] = -1.0
    return position


def mel_matrix(config: FrontendConfig) -> np.ndarray:
    """Returns the weights of the mel bands, float64 [fft_size / 2 + 1, mel_bands], each 0 to 1.

    Equal to ``tf.signal.linear_to_mel_weight_matrix``: triangles on the mel axis, not normalised by area.
    """
    position = mel_position(config)[:, None]
    band = np.arange(config.mel_bands)[None, :]
    return np.maximum(0.0, np.minimum(position - band, band + 2.0 - position))


def dct_matrix(bands: int, coefficients: int) -> np.ndarray:
    """Returns the orthonormal DCT-II, float64 [bands, coefficients]; multiply log energies from the left."""
    band, k = np.arange(bands)[:, None], np.arange(coefficients)[None, :]
    matrix = np.sqrt(2.0 / bands) * np.cos(np.pi / bands * (band + 0.5) * k)
    matrix[:, 0] = np.sqrt(1.0 / bands)
    return matrix


def preemphasised(pcm: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """Returns ``pcm[n] - preemphasis * pcm[n - 1]`` in whole steps of int16, saturated; before the first sample is 0.

    The device keeps int16 samples, whose rounding is heard where a recording is almost silent: it is a part of the
    definition, so that training hears it too.

    Args:
      pcm: samples in int16 units, float [..., n].
      config: parameters; without preemphasis the samples are returned as they are.
    """
    if not config.preemphasis_q15:
        return pcm
    out = pcm + pcm.dtype.type(0.5)
    out[..., 1:] -= pcm.dtype.type(config.preemphasis_q15 / 32768) * pcm[..., :-1]
    return np.clip(np.floor(out, out=out), -32768, 32767, out=out)


def mfcc_float(
    pcm: np.ndarray, config: FrontendConfig | None = None, dtype: type[np.floating] = np.float64
) -> np.ndarray:
    """Computes MFCCs, or log-mel energies where the configuration says so, not normalised.

    Args:
      pcm: samples in int16 units, any real dtype (values need not be integers), [..., n].
      config: parameters; its feature_mean, feature_std and feature_steps_per_std are not used. Default: the kit's.
      dtype: ``np.float64`` is the definition; ``np.float32`` is several times faster and within about 1e-3 of it.

    Returns:
      Array of ``dtype``, [..., frames, coefficients], in units of log2. Zero frames when n < window_samples.

    Raises:
      KwsError: ``dtype`` is neither of the two.
    """
    config = config or FrontendConfig()
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        raise KwsError(f"mfcc_float: dtype must be float32 or float64. Received: {kind}")
    pcm = np.asarray(pcm)
    frames = config.frame_count(pcm.shape[-1])
    batch = pcm.shape[:-1]
    if frames == 0 or 0 in batch:
        return np.zeros((*batch, frames, config.coefficients), dtype)
    flat = preemphasised(pcm.reshape(-1, pcm.shape[-1]).astype(dtype, copy=False), config)
    out = np.empty((len(flat), frames, config.coefficients), dtype)
    clips = max(1, _CHUNK_FRAMES // frames)
    padded = np.zeros((clips, frames, config.fft_size), dtype)
    for first in range(0, len(flat), clips):
        _mfcc_chunk(flat[first : first + clips], padded, config, out[first : first + clips])
    return out.reshape(*batch, frames, config.coefficients)


def normalise(mfcc: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """Returns ``(mfcc - feature_mean) / feature_std``, same shape and dtype as ``mfcc`` [..., coefficients]."""
    mean = np.asarray(config.feature_mean, mfcc.dtype)
    return (mfcc - mean) / np.asarray(config.feature_std, mfcc.dtype)


def _mfcc_chunk(pcm: np.ndarray, padded: np.ndarray, config: FrontendConfig, out: np.ndarray) -> None:
    """Computes ``out`` ``[clips, frames, coefficients]``; ``padded`` has room for the windows and zeros behind them."""
    clips, frames, _ = out.shape
    window, mel = _constants(
        pcm.dtype, config.window_samples, config.fft_size, config.sample_rate_hz, config.mel_bands,
        config.mel_low_hz, config.mel_high_hz,
    )  # fmt: skip
    windows = np.lib.stride_tricks.sliding_window_view(pcm, config.window_samples, axis=-1)[:, :: config.hop_samples]
    np.multiply(windows, window, out=padded[:clips, :, : config.window_samples])
    parts = scipy.fft.rfft(padded[:clips], axis=-1).reshape(clips * frames, -1).view(pcm.dtype)
    parts *= parts
    magnitude = parts[:, 0::2] + parts[:, 1::2]
    np.sqrt(magnitude, out=magnitude)
    energy = np.zeros((clips * frames, config.mel_bands), pcm.dtype)
    for bins, bands, weights in mel:
        np.matmul(magnitude[:, bins], weights, out=energy[:, bands])
    np.maximum(energy, 1, out=energy)
    np.log2(energy, out=energy)
    if config.kind == MFCC:
        dct = _dct(pcm.dtype, config.mel_bands, config.coefficients)
        np.matmul(energy, dct, out=out.reshape(clips * frames, -1))
    else:
        out[:] = energy.reshape(out.shape)


@functools.lru_cache(maxsize=8)
def _constants(
    dtype: np.dtype,
    window_samples: int,
    fft_size: int,
    sample_rate_hz: int,
    mel_bands: int,
    mel_low_hz: float,
    mel_high_hz: float,
) -> tuple[np.ndarray, tuple[tuple[slice, slice, np.ndarray], ...]]:
    """The window, and the mel matrix in blocks (their bins, bands and weights)."""
    config = FrontendConfig(
        LOG_MEL, sample_rate_hz=sample_rate_hz, window_samples=window_samples, hop_samples=1, fft_size=fft_size,
        mel_bands=mel_bands, mel_low_hz=mel_low_hz, mel_high_hz=mel_high_hz, coefficients=mel_bands,
    )  # fmt: skip
    mel = mel_matrix(config)
    blocks = []
    for first in range(0, mel_bands, _MEL_BLOCK):
        bands = slice(first, min(first + _MEL_BLOCK, mel_bands))
        used = np.flatnonzero(mel[:, bands].any(axis=1))
        if len(used):
            bins = slice(int(used[0]), int(used[-1]) + 1)
            blocks.append((bins, bands, np.ascontiguousarray(mel[bins, bands], dtype)))
    return hann_periodic(window_samples).astype(dtype), tuple(blocks)


@functools.lru_cache(maxsize=8)
def _dct(dtype: np.dtype, bands: int, coefficients: int) -> np.ndarray:
    return dct_matrix(bands, coefficients).astype(dtype)
