"""Reads WAV files of any kind that users have, as mono int16 PCM at one sample rate."""

import io
import math
import struct
from pathlib import Path

import numpy as np

from kws_reference.errors import KwsError

_RIFF_KINDS = (b"RIFF", b"RIFX", b"RF64")
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1000, 384000
_UNKNOWN_SIZE = 0xFFFFFFFF  # what a program writes that streams a WAV into a pipe


def read_wav(path: str | Path, sample_rate_hz: int = 16000) -> np.ndarray:
    """Reads one WAV file.

    16-bit mono at the wanted rate is returned untouched. Everything else is converted: channels are averaged, other
    encodings (8, 24, 32 bit, float, A-law, ...) become int16 by rounding and saturation (full scale 1.0 is 32768),
    other sample rates are converted by a polyphase filter.

    Args:
      path: the file.
      sample_rate_hz: wanted rate.

    Returns:
      int16 ``[samples]``, at least one sample.

    Raises:
      KwsError: the file is missing, unreadable, not WAV, cut off, empty or holds values that are not finite.
    """
    import soundfile  # here, because it loads a shared library that most users of kws_reference do not need

    data = _read_bytes(path)
    _check_chunks(path, data)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            rate_hz, channels, encoding = sound.samplerate, sound.channels, sound.subtype
            if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
                raise KwsError(f"{path}: {rate_hz} Hz is no sample rate of a recording. Export it again at 16 kHz.")
            exact = encoding == "PCM_16" and channels == 1 and rate_hz == sample_rate_hz
            samples = sound.read(dtype="int16" if exact else "float64", always_2d=not exact)
    except (soundfile.SoundFileError, RuntimeError) as error:
        reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
        raise KwsError(f"{path}: cannot be decoded as WAV ({reason}). Convert it to 16-bit PCM.") from error
    if len(samples) == 0:
        raise KwsError(f"{path}: holds no samples. Remove or record it again.")
    if exact:
        return samples
    mono = samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise KwsError(f"{path}: holds samples that are not finite numbers. Export it again as 16-bit PCM.")
    if rate_hz != sample_rate_hz:
        mono = _resample(mono, rate_hz, sample_rate_hz)
    return np.clip(np.rint(mono * 32768.0), -32768, 32767).astype(np.int16)


def convert_rate(pcm: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    """Converts int16 ``[samples]`` to another sample rate by the rule of `read_wav`; untouched if it is the same."""
    if rate_hz == wanted_hz:
        return pcm
    return np.clip(np.rint(_resample(pcm.astype(np.float64), rate_hz, wanted_hz)), -32768, 32767).astype(np.int16)


def _resample(samples: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    import scipy.signal

    divisor = math.gcd(rate_hz, wanted_hz)
    return scipy.signal.resample_poly(samples, wanted_hz // divisor, rate_hz // divisor)


def _read_bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise KwsError(f"{path}: no such file. Check the path.") from None
    except IsADirectoryError:
        raise KwsError(f"{path}: is a folder, expected a WAV file.") from None
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}).") from error


def _check_chunks(path: str | Path, data: bytes) -> None:
    """Finds what libsndfile forgives in silence: no audio chunk, or one that promises more bytes than the file has."""
    if not data:
        raise KwsError(f"{path}: the file is empty (0 bytes). Remove or record it again.")
    if len(data) < 12 or data[:4] not in _RIFF_KINDS or data[8:12] != b"WAVE":
        raise KwsError(f"{path}: not a WAV file (it starts with {data[:12]!r}). Convert it to 16-bit PCM WAV.")
    order = ">" if data[:4] == b"RIFX" else "<"
    offset = 12
    while offset + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}4sI", data, offset)
        offset += 8
        if kind == b"data":
            if data[:4] != b"RF64" and size != _UNKNOWN_SIZE and offset + size > len(data):
                raise KwsError(
                    f"{path}: cut off: {len(data) - offset} bytes of audio where its header promises {size}. "
                    "Copy or download it again."
                )
            return
        offset += size + size % 2
    raise KwsError(f"{path}: holds no audio (no data chunk). The file is cut off or not a recording.")
