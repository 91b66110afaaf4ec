"""Microphones, and what they are built into: a bank of drawn frequency responses, and clips through them."""

import functools

import numpy as np

from kws_training.data.signal.responses import ResponseBank, drawn_rows, minimum_phase, through

MICROPHONES = 256
TAPS = 512
SAMPLE_RATE_HZ = 16000
_SIZE = 4096


@functools.lru_cache(maxsize=2)
def microphone_bank(seed: int = 0, microphones: int = MICROPHONES) -> ResponseBank:
    """Draws microphones: a sixth of a second for 256.

    Responses have minimum phase, and speech-like sound (falling by 6 dB an octave above 500 Hz) stays as loud as it is.

    Args:
      seed: of all of them.
      microphones: how many.
    """
    rng = np.random.default_rng([seed, 0x6D6963])
    decibel = np.stack([drawn_curve_db(rng) for _ in range(microphones)])
    weight = 1.0 / (1.0 + (frequencies_hz() / 500.0) ** 2)
    power = np.sum(weight * 10.0 ** (decibel / 10.0), axis=1) / np.sum(weight)
    return ResponseBank(minimum_phase(10.0 ** (decibel / 20.0) / np.sqrt(power)[:, None], TAPS))


def frequencies_hz() -> np.ndarray:
    """Where `drawn_curve_db` gives values, float64 ``[2049]``."""
    return np.fft.rfftfreq(_SIZE, 1 / SAMPLE_RATE_HZ)


def drawn_curve_db(rng: np.random.Generator) -> np.ndarray:
    """Draws a frequency response in decibel, ``[2049]``.

    It is the sum of a tilt within +-3 dB an octave, a curve through points an octave apart with a standard deviation of
    2.5 dB, a low cut of first to third order at 20 to 300 Hz, for half of them a high cut at 3.4 to 8 kHz, and up to
    two resonances of +-9 dB such as an opening or an enclosure gives; no less than -60 dB.
    """
    frequency = np.maximum(frequencies_hz(), 1.0)
    octave = np.log2(frequency / 1000.0)
    decibel = rng.uniform(-3.0, 3.0) * np.clip(octave, -3.0, 3.0)
    points = np.arange(-4, 4)
    decibel += np.interp(octave, points, rng.normal(0.0, 2.5, len(points)))
    low_hz = np.exp(rng.uniform(np.log(20.0), np.log(300.0)))
    decibel -= 10.0 * np.log10(1.0 + (low_hz / frequency) ** (2 * rng.integers(1, 4)))
    high_hz, order = rng.uniform(3400.0, 8000.0), rng.integers(2, 9)
    if rng.random() < 0.5:
        decibel -= 10.0 * np.log10(1.0 + (frequency / high_hz) ** (2 * order))
    for _ in range(rng.integers(3)):
        centre, width = rng.uniform(np.log2(0.15), np.log2(7.0)), rng.uniform(0.05, 0.5)
        decibel += rng.uniform(-9.0, 9.0) / (1.0 + ((octave - centre) / width) ** 2)
    return np.maximum(decibel, -60.0)


def colour(rng: np.random.Generator, pcm: np.ndarray, bank: ResponseBank, share: float) -> np.ndarray:
    """Records a share of the clips with microphones of a bank, in place.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      bank: see `microphone_bank`.
      share: of the clips, 0 to 1; the others are untouched.

    Returns:
      ``pcm``.
    """
    return through(pcm, [(bank, drawn_rows(rng, bank, len(pcm), share))])
