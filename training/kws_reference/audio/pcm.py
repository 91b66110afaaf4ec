"""Reads WAV files of any kind that users have, as mono int16 PCM at one sample rate."""

import math
from pathlib import Path

import numpy as np

from kws_reference.audio import wav_file
from kws_reference.errors import KwsError


def load_wav(path: str | Path) -> wav_file.Wav:
    """Reads a file as it is; arguments and errors are those of `read_wav`."""
    data = _read_bytes(path)
    try:
        return wav_file.parse(data)
    except KwsError as error:
        raise KwsError(f"{path}: {error}") from error


def mono_pcm(wav: wav_file.Wav, sample_rate_hz: int) -> np.ndarray:
    """Mono int16 ``[samples]`` of a file at a rate, by the rule of `read_wav`."""
    samples, rate_hz = wav.samples, wav.rate_hz
    if samples.dtype == np.int16:
        if samples.shape[1] == 1 and rate_hz == sample_rate_hz:
            return samples[:, 0].copy()
        samples = samples / 32768.0
    mono = samples.mean(axis=1)
    if rate_hz != sample_rate_hz:
        mono = _resample(mono, rate_hz, sample_rate_hz)
    return np.clip(np.rint(mono * 32768.0), -32768, 32767).astype(np.int16)


def read_wav(path: str | Path, sample_rate_hz: int = 16000) -> np.ndarray:
    """Reads one WAV file.

    16-bit mono at the wanted rate is returned untouched. Everything else is converted: channels are averaged, other
    encodings (8, 24, 32 bit, float, A-law, mu-law, ADPCM, GSM 6.10) become int16 by rounding and saturation
    (full scale 1.0 is 32768), other sample rates are converted by a polyphase filter. A file that was streamed into a
    pipe (sox, arecord, ffmpeg), whose header does not know its length, is read to its end.

    Args:
      path: the file, or a pipe such as ``/dev/stdin``.
      sample_rate_hz: wanted rate.

    Returns:
      int16 ``[samples]``, at least one sample.

    Raises:
      KwsError: the file is missing, unreadable, not WAV, cut off, empty, of an encoding that is not read, or holds
        values that are not finite or far beyond full scale.
    """
    return mono_pcm(load_wav(path), sample_rate_hz)


def convert_rate(pcm: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    """Converts samples in int16 units to another sample rate by the rule of `read_wav`; untouched if it is the same.

    Args:
      pcm: ``[..., samples]``.
      rate_hz: of the samples.
      wanted_hz: of the result.

    Returns:
      int16 ``[..., samples]``.
    """
    if rate_hz == wanted_hz:
        return pcm
    return np.clip(np.rint(_resample(pcm.astype(np.float64), rate_hz, wanted_hz)), -32768, 32767).astype(np.int16)


def _resample(samples: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    import scipy.signal

    divisor = math.gcd(rate_hz, wanted_hz)
    return scipy.signal.resample_poly(samples, wanted_hz // divisor, rate_hz // divisor, axis=-1)


def _read_bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise KwsError(f"{path}: no such file. Check the path.") from None
    except IsADirectoryError:
        raise KwsError(f"{path}: is a folder, expected a WAV file.") from None
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}).") from error
