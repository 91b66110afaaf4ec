"""Speech through codecs, and back to the samples that a device would be given: nothing is moved in time."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soundfile
from kws_reference.errors import KwsError

SAMPLE_RATE_HZ = 16000
_MU = 255.0
_PART_SAMPLES = 60 * SAMPLE_RATE_HZ
_OPUS_LEAST_KBPS, _OPUS_MOST_KBPS = 6.0, 256.0  # libsndfile's levels 1 and 0


def mu_law(pcm: np.ndarray) -> np.ndarray:
    """Samples after 8 bits of mu-law (ITU-T G.711, by its formula).

    Args:
      pcm: float ``[...]`` in units of int16.

    Returns:
      float64 of that shape: the middles of the steps.
    """
    scaled = np.clip(np.asarray(pcm, np.float64) / 32768.0, -1.0, 1.0)
    compressed = np.sign(scaled) * np.log1p(_MU * np.abs(scaled)) / np.log1p(_MU)
    code = np.clip(np.floor(compressed * 128.0), -128, 127) + 0.5
    expanded = np.sign(code) * np.expm1(np.abs(code) / 128.0 * np.log1p(_MU)) / _MU
    return expanded * 32768.0


def opus(pcm: np.ndarray, kbps: float = 12.0) -> np.ndarray:
    """A recording after Opus (RFC 6716) at about a bit rate, by the minute, each anew; two minutes at a time.

    Args:
      pcm: int16 ``[samples]`` at 16 kHz.
      kbps: 6 to 256.

    Returns:
      int16 ``[samples]``.

    Raises:
      KwsError: the library behind soundfile cannot encode Opus.
    """
    level = (_OPUS_MOST_KBPS - kbps) / (_OPUS_MOST_KBPS - _OPUS_LEAST_KBPS)

    def coded(part: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        soundfile.write(file, part, SAMPLE_RATE_HZ, format="OGG", subtype="OPUS", compression_level=level)
        file.seek(0)
        out = np.zeros_like(part)
        found, _ = soundfile.read(file, len(part), dtype="int16")
        out[: len(found)] = found
        return out

    parts = [pcm[first : first + _PART_SAMPLES] for first in range(0, len(pcm), _PART_SAMPLES)]
    try:
        with ThreadPoolExecutor(2) as pool:  # the library does its work without Python's lock
            return np.concatenate([np.zeros(0, np.int16), *pool.map(coded, parts)])
    except (soundfile.LibsndfileError, ValueError) as error:
        raise KwsError(
            f"libsndfile {soundfile.__libsndfile_version__} cannot do Opus ({error}). Install the wheel of soundfile "
            "from PyPI, or leave this disturbance out."
        ) from None
