"""Background noise for data sets that come without any: made up from a seed."""

import numpy as np

SAMPLE_RATE_HZ = 16000
SECONDS = 20
RMS = 2500.0  # int16 steps, about that of the recordings of Speech Commands
# Slope of the spectrum in dB per octave: hiss, rain, a room with a fan, traffic behind a window.
_SLOPES_DB = (0.0, -3.0, -4.5, -6.0)


def made_noise(seed: int | list[int]) -> tuple[np.ndarray, ...]:
    """Makes hisses of several colours whose loudness drifts, a mains hum, and knocks.

    Args:
      seed: of all of it.

    Returns:
      int16 arrays of 20 s at 16 kHz.
    """
    rng = np.random.default_rng(seed)
    samples = SECONDS * SAMPLE_RATE_HZ
    recordings = [_coloured(rng, samples, slope) * _drift(rng, samples) for slope in _SLOPES_DB]
    time_s = np.arange(samples) / SAMPLE_RATE_HZ
    hum = sum(np.sin(2 * np.pi * 50 * k * time_s + rng.uniform(0, 6)) / k for k in range(1, 9))
    recordings.append(hum + 0.3 * _coloured(rng, samples, -3.0))
    knocks = 0.05 * _coloured(rng, samples, -3.0)
    for start in np.cumsum(rng.uniform(0.1, 1.0, 2 * SECONDS)) * SAMPLE_RATE_HZ:
        length = int(rng.uniform(0.01, 0.15) * SAMPLE_RATE_HZ)
        piece = knocks[int(start) : int(start) + length]
        piece += rng.uniform(1.0, 8.0) * _coloured(rng, length, -4.5)[: len(piece)] * np.geomspace(1, 1e-2, len(piece))
    recordings.append(knocks)
    scaled = (RMS * recording / np.sqrt(np.mean(recording**2)) for recording in recordings)
    return tuple(np.clip(np.rint(recording), -32768, 32767).astype(np.int16) for recording in scaled)


def _coloured(rng: np.random.Generator, samples: int, slope_db: float) -> np.ndarray:
    spectrum = np.fft.rfft(rng.normal(0.0, 1.0, samples))
    frequency_hz = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ), 50.0)
    noise = np.fft.irfft(spectrum * (frequency_hz / 50.0) ** (slope_db / 6.02), samples)
    return noise / noise.std()


def _drift(rng: np.random.Generator, samples: int) -> np.ndarray:
    """A loudness that wanders by some decibels within seconds."""
    points = 10.0 ** (rng.normal(0.0, 6.0, 2 * SECONDS) / 20.0)
    return np.interp(np.linspace(0, len(points) - 1, samples), np.arange(len(points)), points)
