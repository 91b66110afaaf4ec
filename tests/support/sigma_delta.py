"""Digital microphones in software: sound becomes pulse density as their modulators make it."""

import numpy as np

BIT_RATE_HZ = 1_024_000
# What the quantization noise of a 1-bit quantizer may be amplified by at half the rate, so that orders above the second
# stay stable (Schreier and Temes, Understanding Delta-Sigma Data Converters). The second order is without poles.
_NOISE_GAIN = 1.5


def noise_transfer(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator, by powers of ``z ** -1``, of what a modulator of order 2 or 4 does to its noise."""
    import scipy.signal

    numerator = np.poly(np.ones(order))
    if order == 2:
        return numerator, np.array([1.0, 0.0, 0.0])
    low, high = 1e-3, 0.5
    for _ in range(60):  # the corner of the Butterworth high pass whose gain at half the rate is the wanted one
        corner = (low + high) / 2
        denominator = scipy.signal.butter(order, corner, "highpass")[1]
        gain = abs(np.polyval(numerator, -1) / np.polyval(denominator, -1))
        low, high = (low, corner) if gain > _NOISE_GAIN else (corner, high)
    return numerator, denominator


def modulate(signal: np.ndarray, order: int, dither: float = 0.0, seed: int = 0) -> np.ndarray:
    """Words of pulse density, uint16 ``[n]``, first bit highest, of a signal at the bit rate.

    Args:
      signal: float ``[16 * n]``, 1 is full scale.
      order: of the modulator.
      dither: standard deviation of noise before the quantizer.
      seed: of the dither.
    """
    numerator, denominator = noise_transfer(order)
    ahead, back = (numerator - denominator)[1:].tolist(), denominator[1:].tolist()
    noise = (dither * np.random.default_rng(seed).standard_normal(len(signal))).tolist()
    errors, shaped, bits = [0.0] * order, [0.0] * order, []
    for value, added in zip(np.asarray(signal, float).tolist(), noise, strict=True):
        # The quantization error, shaped by (numerator - denominator) / denominator, is added before the quantizer.
        fed = sum(a * e for a, e in zip(ahead, errors, strict=True)) - sum(
            b * s for b, s in zip(back, shaped, strict=True)
        )
        wanted = value + fed
        bit = wanted + added >= 0
        bits.append(bit)
        errors = [(1.0 if bit else -1.0) - wanted, *errors[:-1]]
        shaped = [fed, *shaped[:-1]]
    return np.packbits(np.array(bits, bool)).view(">u2").astype(np.uint16)


def sine(level_dbfs: float, frequency_hz: float, seconds: float) -> np.ndarray:
    """A sine at the bit rate, ``[bits]``."""
    time = np.arange(round(seconds * BIT_RATE_HZ / 64) * 64) / BIT_RATE_HZ
    return 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * time)


def snr_db(pcm: np.ndarray, frequency_hz: float, sample_rate_hz: int, high_hz: float) -> float:
    """Power of a sine less that of everything else from 50 Hz up to a frequency, dB."""
    window = np.kaiser(len(pcm), 20)
    power = np.abs(np.fft.rfft(pcm * window)) ** 2
    bins = np.arange(len(power)) * sample_rate_hz / len(pcm)
    near = np.abs(bins - frequency_hz) <= 8 * sample_rate_hz / len(pcm)
    band = (bins >= 50) & (bins <= high_hz)
    return float(10 * np.log10(power[near].sum() / power[band & ~near].sum()))
