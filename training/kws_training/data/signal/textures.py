"""Near-silence: what a device hears when nobody speaks, from digital zero to some tens of least significant bits.

The logarithm of the front end makes a loud pattern of one bit, so every texture of one is something to learn.
"""

import functools
from collections.abc import Callable

import numpy as np
import scipy.fft

from kws_training.data.signal import dither
from kws_training.data.signal.levels import active_level

SAMPLE_RATE_HZ = 16000
MOST_LSB = 30.0
_LEAST_LSB = 0.3
TRAINED, MEASURED = 0, 1  # seeds of the shapes of dither
Texture = Callable[[np.random.Generator, int, float], np.ndarray]
_SHORTEST_S, _LONGEST_S = 0.03, 0.6  # of what a gate lets through or holds back


def zero(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """Digital silence."""
    return np.zeros(samples, np.float32)


def dc(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """A constant of +-level."""
    return np.full(samples, np.rint(level) * rng.choice((-1.0, 1.0)), np.float32)


def white(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """White noise of an rms."""
    out = normal(rng, samples) * np.float32(level)
    return np.rint(out, out=out)


def hiss(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """Noise of any colour: by -9 to +6 dB an octave."""
    frequency = np.maximum(_frequencies_hz(samples), np.float32(50.0))
    return _filtered_noise(rng, samples, level, frequency ** np.float32(rng.uniform(-9.0, 6.0) / 6.02))


def band(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """Noise of a band 50 Hz to 2 kHz wide, anywhere."""
    width = np.exp(rng.uniform(np.log(50.0), np.log(2000.0)))
    off = _frequencies_hz(samples) - np.float32(rng.uniform(50.0, 7900.0))
    off *= np.float32(2.0 / width)
    off *= off
    return _filtered_noise(rng, samples, level, 1.0 / (1.0 + off * off))


def hum(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """Mains hum of 50 or 60 Hz with its harmonics, and as much as a tenth of white noise."""
    time_s = np.arange(samples, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)
    tone_hz = rng.choice((50.0, 60.0)) * rng.uniform(0.998, 1.002)
    fall = rng.uniform(0.5, 2.0)
    out = np.zeros(samples, np.float32)
    for k in range(1, int(rng.integers(4, 24))):
        phase = np.float32(2 * np.pi * tone_hz * k) * time_s
        phase += np.float32(rng.uniform(0.0, 2 * np.pi))
        out += np.float32(rng.uniform(0.0, 1.0) * k**-fall) * np.sin(phase, out=phase)
    out *= np.float32(level / max(float(np.sqrt(np.mean(out**2))), 1e-6))
    out += normal(rng, samples) * np.float32(level * rng.uniform(0.0, 0.1))
    return np.rint(out, out=out)


def bits(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """A pattern of two values: at random, as a square wave, as rare pulses, or one that repeats; 0 and +-level."""
    height = np.float32(max(1.0, np.rint(level)) * rng.choice((-1.0, 1.0)))
    kind = rng.integers(4)
    if kind == 0:  # a bit that turns over now and then
        pattern = np.cumsum(rng.random(samples, np.float32) < np.exp(rng.uniform(np.log(1e-3), 0.0))) % 2
    elif kind == 1:
        period = np.exp(rng.uniform(np.log(2.0), np.log(400.0)))
        pattern = (np.arange(samples) + rng.uniform(0.0, period)) % period < period * rng.uniform(0.1, 0.9)
    elif kind == 2:
        pattern = rng.random(samples, np.float32) < np.exp(rng.uniform(np.log(1e-4), np.log(0.1)))
    else:
        pattern = np.resize(rng.integers(0, 2, rng.integers(2, 65)), samples)
    return np.asarray(pattern, np.float32) * height


def plain_dither(rng: np.random.Generator, samples: int, level: float) -> np.ndarray:
    """TPDF dither; of steps that give the level as rms, at least of one."""
    return dither.triangular(rng, (samples,)) * np.float32(max(1.0, np.rint(2.0 * level)))


def shaped_dither(rng: np.random.Generator, samples: int, level: float, shapes: int = TRAINED) -> np.ndarray:
    """Noise-shaped dither, most of it near 7 kHz; of steps that give about the level as rms, at least of one."""
    row = dither.shaped_silence(shapes)[rng.integers(dither.SHAPES)]
    places = np.arange(start := rng.integers(len(row)), start + samples)
    out = row.take(places, mode="wrap").astype(np.float32)
    out *= np.float32(max(1.0, np.rint(level / max(float(np.sqrt(np.mean(out**2))), 0.5))))
    return out


def gated(rng: np.random.Generator, samples: int, level: float, shapes: int = TRAINED) -> np.ndarray:
    """One texture or digital zero, and another of up to the level, by turns of 0.03 to 0.6 s, as a gate switches."""
    names = [name for name in TEXTURES if name != "gated"]
    first, second = rng.choice(names, 2)
    quiet = zero(rng, samples, 0.0)
    if rng.random() < 0.5:
        quiet = texture(first, rng, samples, level * rng.random(), shapes)
    return np.where(switching(rng, samples), texture(second, rng, samples, level, shapes), quiet)


TEXTURES: dict[str, Texture] = {
    "zero": zero,
    "dc": dc,
    "white": white,
    "hiss": hiss,
    "band": band,
    "hum": hum,
    "bits": bits,
    "plain_dither": plain_dither,
    "shaped_dither": shaped_dither,
    "gated": gated,
}
"""By name: functions of a generator, a number of samples and a level, rms in least significant bits; each returns
integers as float32 ``[samples]``."""


def texture(name: str, rng: np.random.Generator, samples: int, level: float, shapes: int = TRAINED) -> np.ndarray:
    """Draws the texture of a name.

    Args:
      name: of `TEXTURES`.
      rng: source of randomness.
      samples: length.
      level: rms in least significant bits.
      shapes: seed of the shapes of dither; `MEASURED` are none of those that training hears, `TRAINED`.

    Returns:
      Integers, float32 ``[samples]``.
    """
    if name == "shaped_dither":
        return shaped_dither(rng, samples, level, shapes)
    return gated(rng, samples, level, shapes) if name == "gated" else TEXTURES[name](rng, samples, level)


def switching(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Draws when a gate is open: bool ``[samples]``, by turns of 0.03 to 0.6 s."""
    turns = 2 + int(samples / (_SHORTEST_S * SAMPLE_RATE_HZ))
    seconds = np.exp(rng.uniform(np.log(_SHORTEST_S), np.log(_LONGEST_S), turns))
    edges = np.cumsum(seconds * SAMPLE_RATE_HZ) - rng.uniform(0.0, seconds[0] * SAMPLE_RATE_HZ)
    return (np.searchsorted(edges, np.arange(samples)) + rng.integers(2)) % 2 == 1


def drawn_level(rng: np.random.Generator, most: float = MOST_LSB) -> float:
    """Draws a level from 0.3 least significant bits to the most, each octave as often as another."""
    return float(np.exp(rng.uniform(np.log(_LEAST_LSB), np.log(most))))


def near_silence(rng: np.random.Generator, clips: int, samples: int, most: float | np.ndarray = MOST_LSB) -> np.ndarray:
    """Draws clips of near-silence: any texture, any level.

    Args:
      rng: source of randomness.
      clips: how many.
      samples: length of each.
      most: greatest level, rms in least significant bits, above 0.3; of all, or of each.

    Returns:
      Integers, float32 ``[clips, samples]``.
    """
    out = np.empty((clips, samples), np.float32)
    names = list(TEXTURES)
    for row, loudest in zip(out, np.broadcast_to(most, clips), strict=True):
        row[:] = TEXTURES[names[rng.integers(len(names))]](rng, samples, drawn_level(rng, float(loudest)))
    return out


def add_floor(rng: np.random.Generator, pcm: np.ndarray, share: float, most: float = MOST_LSB) -> np.ndarray:
    """Lays near-silence under a share of the clips, in place: 6 dB or more below the word, so that it can be heard.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      share: of the clips, 0 to 1; the others are untouched.
      most: see `near_silence`.

    Returns:
      ``pcm``.
    """
    chosen = np.flatnonzero(rng.random(len(pcm)) < share)
    level = active_level(pcm[chosen])
    loudest = np.where(level > 0, np.clip(level / 2, _LEAST_LSB, most), most)
    pcm[chosen] += near_silence(rng, len(chosen), pcm.shape[1], loudest)
    return pcm


def texture_recording(name: str, level: float, samples: int, seed: int) -> np.ndarray:
    """A long recording of one texture at one level, drawn anew every 2 to 8 s: for measuring, with shapes of its own.

    Args:
      name: of `TEXTURES`.
      level: rms in least significant bits, 0 or more.
      samples: length.
      seed: of all of it.

    Returns:
      int16 ``[samples]``.
    """
    rng = np.random.default_rng([seed, list(TEXTURES).index(name), round(1000 * level)])
    out = np.zeros(samples, np.int16)
    start = 0
    while start < samples:
        stretch = min(int(rng.uniform(2.0, 8.0) * SAMPLE_RATE_HZ), samples - start)
        out[start : start + stretch] = texture(name, rng, stretch, level, MEASURED)
        start += stretch
    return out


def normal(rng: np.random.Generator, samples: int) -> np.ndarray:
    """A stretch of Gaussian noise, float32 ``[samples]``, read-only: out of a minute that is drawn once."""
    pool = _pool(1 << max(20, (2 * samples).bit_length()))
    start = int(rng.integers(len(pool) - samples))
    return pool[start : start + samples]


@functools.lru_cache(maxsize=1)
def _pool(samples: int) -> np.ndarray:
    pool = np.random.default_rng(0x6E6F69).standard_normal(samples, np.float32)
    pool.flags.writeable = False
    return pool


@functools.lru_cache(maxsize=4)
def _frequencies_hz(samples: int) -> np.ndarray:
    frequencies = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ).astype(np.float32)
    frequencies.flags.writeable = False
    return frequencies


def _filtered_noise(rng: np.random.Generator, samples: int, level: float, gains: np.ndarray) -> np.ndarray:
    """Gaussian noise of an rms, with a spectrum of these magnitudes, ``[samples / 2 + 1]``; rounded."""
    spectrum = normal(rng, 2 * len(gains)).copy().view(np.complex64)
    spectrum *= gains
    out = scipy.fft.irfft(spectrum, samples)
    out *= np.float32(level / max(float(np.sqrt(np.mean(out**2))), 1e-9))
    return np.rint(out, out=out)
