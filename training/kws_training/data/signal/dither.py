"""What converters and resamplers leave behind in silence: dither, plain and noise-shaped.

Source: S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, "Quantization and dither: a theoretical survey", JAES 40
(1992).
"""

import functools

import numpy as np

SHAPES = 64
SAMPLES = 32000  # of each shape
SAMPLE_RATE_HZ = 16000


def triangular(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Digital silence after TPDF dither: triangular noise of +-1 step, rounded; integers, float32, rms 0.5."""
    noise = rng.random(shape, np.float32)
    noise -= rng.random(shape, np.float32)
    return np.rint(noise, out=noise)


def shaped_silence(seed: int = 0) -> np.ndarray:
    """Digital silence after dither whose noise is moved to where ears hear less: int8 ``[64, 32000]``, read-only.

    Each row has a noise transfer function of its own: one to three pairs of zeros between 0 and 4 kHz and for half of
    them one at 8 kHz, so that most of the energy lies near 7 kHz or at half the sample rate, at an rms of 0.2 to
    about 3 steps. Most have TPDF dither; the others half of that and an offset within half a step, so that they sing.

    Args:
      seed: of shapes and dither.
    """
    return _shaped_silence(seed)


@functools.lru_cache(maxsize=2)
def _shaped_silence(seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, 0x646974])
    filters = np.stack([noise_transfer(rng) for _ in range(SHAPES)])
    wide = rng.random(SHAPES) < 0.7
    dither = rng.random((SAMPLES, SHAPES)) - 0.5
    dither += np.where(wide, rng.random((SAMPLES, SHAPES)) - 0.5, 0.0)
    offset = np.where(wide, 0.0, rng.uniform(-0.5, 0.5, SHAPES))
    out = shape_quantize(np.broadcast_to(offset, dither.shape), filters, dither)
    out = np.clip(out, -127, 127).T.astype(np.int8)
    out.flags.writeable = False
    return out


def noise_transfer(rng: np.random.Generator) -> np.ndarray:
    """Draws the polynomial by which the rounding's error is filtered, ``[8]``; its first coefficient is 1."""
    polynomial = np.ones(1)
    for _ in range(rng.integers(1, 4)):
        angle = 2 * np.pi * rng.uniform(0.0, 4000.0) / SAMPLE_RATE_HZ
        radius = rng.uniform(0.4, 0.95)
        polynomial = np.convolve(polynomial, [1.0, -2.0 * radius * np.cos(angle), radius**2])
    if rng.random() < 0.5:
        polynomial = np.convolve(polynomial, [1.0, rng.uniform(0.5, 0.95)])
    return np.pad(polynomial, (0, 8 - len(polynomial)))


def shape_quantize(signals: np.ndarray, filters: np.ndarray, dither: np.ndarray) -> np.ndarray:
    """Rounds signals, each step's error fed back through a filter.

    Args:
      signals: ``[samples, signals]`` in steps.
      filters: noise transfer functions, ``[signals, order + 1]``, first coefficient 1.
      dither: added before rounding, shape of ``signals``.

    Returns:
      Integers, float64 of that shape.
    """
    order = filters.shape[1] - 1
    feedback = np.ascontiguousarray(filters[:, :0:-1].T)
    errors = np.zeros((len(signals) + order, signals.shape[1]))
    out = np.empty(signals.shape)
    for n in range(len(signals)):
        wanted = signals[n] + np.einsum("ks,ks->s", errors[n : n + order], feedback)
        np.rint(wanted + dither[n], out=out[n])
        errors[n + order] = out[n] - wanted
    return out
