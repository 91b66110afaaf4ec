"""Augmentation of clips and features. Every function draws from the generator that it is given, and from nothing else.

Ranges are those of the published recipe of kws_streaming (O. Rybakov et al., arXiv:2005.06720); masks are SpecAugment's
(D. S. Park et al., arXiv:1904.08779).
"""

from collections.abc import Sequence

import numpy as np


def shift_and_resample(rng: np.random.Generator, pcm: np.ndarray, shift_samples: int, resample: float) -> np.ndarray:
    """Moves each clip in time and makes it faster or slower (and with that higher or lower) about its middle.

    Args:
      rng: source of randomness.
      pcm: ``[clips, samples]``, any real dtype.
      shift_samples: each clip moves by U(-shift_samples, shift_samples).
      resample: each clip's speed is U(1 - resample, 1 + resample); below 1.

    Returns:
      float32 ``[clips, samples]``, zero where the clip has nothing. Values between samples come from a cubic through
      four neighbours (Catmull-Rom), since a straight line would dull the high bands. With both ranges zero the clips
      are unchanged.
    """
    clips, samples = pcm.shape
    shifts = rng.integers(-shift_samples, shift_samples + 1, (clips,))
    speeds = rng.uniform(1.0 - resample, 1.0 + resample, (clips,))
    out = np.zeros((clips, samples), np.float32)
    padded = np.zeros(samples + 6, np.float32)
    middle = (samples - 1) / 2
    for row in range(clips):
        if resample == 0.0:
            out[row] = _shifted(pcm[row], int(shifts[row]))
            continue
        padded[3 : samples + 3] = pcm[row]
        _read_at_speed(padded, speeds[row], middle - (middle + shifts[row]) * speeds[row], out[row])
    return out


def resampled(samples: np.ndarray, speed: float, start: float, length: int) -> np.ndarray:
    """Reads samples at another speed, which makes them higher or lower too.

    Args:
      samples: ``[samples]``, any real dtype.
      speed: above 0; 2 is twice as fast.
      start: place in ``samples`` of the first value.
      length: number of values.

    Returns:
      float32 ``[length]``, by the cubic of `shift_and_resample`; zero where there are no samples.
    """
    out = np.zeros(length, np.float32)
    padded = np.zeros(len(samples) + 6, np.float32)
    padded[3:-3] = samples
    _read_at_speed(padded, speed, start, out)
    return out


def gain(rng: np.random.Generator, pcm: np.ndarray, low_db: float, high_db: float) -> np.ndarray:
    """Scales each clip by U(low_db, high_db) decibel, in place.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      low_db: lower end.
      high_db: upper end.

    Returns:
      ``pcm``.
    """
    decibel = rng.uniform(low_db, high_db, len(pcm))
    pcm *= (10.0 ** (decibel / 20.0)).astype(np.float32)[:, None]
    return pcm


def add_noise(
    rng: np.random.Generator, pcm: np.ndarray, noise: Sequence[np.ndarray], probability: float, volume: float
) -> np.ndarray:
    """Adds a random piece of background noise to some of the clips, in place.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      noise: recordings, each at least as long as a clip.
      probability: share of the clips that get noise.
      volume: the noise is scaled by U(0, volume).

    Returns:
      ``pcm``.
    """
    if not noise:
        return pcm
    samples = pcm.shape[1]
    chosen = np.flatnonzero(rng.random(len(pcm)) < probability)
    volumes = rng.uniform(0.0, volume, len(chosen)).astype(np.float32)
    recordings = rng.integers(len(noise), size=len(chosen))
    for row, scale, index in zip(chosen, volumes, recordings, strict=True):
        recording = noise[index]
        start = rng.integers(len(recording) - samples + 1)
        pcm[row] += recording[start : start + samples] * scale
    return pcm


def to_int16_range(pcm: np.ndarray) -> np.ndarray:
    """Rounds and saturates float32 PCM as a converter would, in place: quiet clips keep their quantization noise."""
    np.rint(pcm, out=pcm)
    return np.clip(pcm, -32768.0, 32767.0, out=pcm)


def spec_augment(
    rng: np.random.Generator,
    features: np.ndarray,
    fill: np.ndarray,
    time_masks: int,
    time_frames: int,
    feature_masks: int,
    feature_count: int,
) -> np.ndarray:
    """Blanks stretches of frames and bands of coefficients of each clip, in place.

    Args:
      rng: source of randomness.
      features: ``[clips, frames, coefficients]``.
      fill: what a blank holds, ``[coefficients]``: the mean of the features.
      time_masks: stretches of frames for each clip.
      time_frames: a stretch has U{0, ..., time_frames} frames.
      feature_masks: bands of coefficients for each clip.
      feature_count: a band has U{0, ..., feature_count} coefficients.

    Returns:
      ``features``.
    """
    clips, frames, coefficients = features.shape
    blank = _stretches(rng, clips, frames, time_masks, time_frames)[:, :, None]
    blank = blank | _stretches(rng, clips, coefficients, feature_masks, feature_count)[:, None, :]
    np.copyto(features, fill.astype(features.dtype), where=blank)
    return features


def _stretches(rng: np.random.Generator, clips: int, length: int, masks: int, longest: int) -> np.ndarray:
    sizes: np.ndarray = rng.integers(0, min(longest, length) + 1, (clips, masks, 1))
    starts: np.ndarray = rng.integers(0, length - sizes + 1)
    places = np.arange(length)
    return np.any((places >= starts) & (places < starts + sizes), axis=1)


def _read_at_speed(padded: np.ndarray, speed: float, start: float, out: np.ndarray) -> None:
    """Writes what is at ``start + n * speed`` of samples that have three zeros before and behind them."""
    samples = len(padded) - 6
    # Further than one sample outside there are only zeros.
    first = max(0, int(np.floor((-1.0 - start) / speed)) + 1)
    last = min(len(out), int(np.ceil((samples - start) / speed)))
    if first < last:
        _between_samples(padded, start + 3.0 + first * speed, speed, out[first:last])


def _between_samples(padded: np.ndarray, start: float, step: float, out: np.ndarray) -> None:
    """Writes Catmull-Rom values of ``padded`` at ``start + n * step``; all arrays are float32."""
    # Polynomials b + t (c1 + t (c2 + t c3)) between all neighbours first: they cost less than gathering these would.
    c1 = padded[2:] - padded[:-2]
    c1 *= np.float32(0.5)
    rise = padded[2:-1] - padded[1:-2]
    c3 = c1[:-1] + c1[1:]
    c3 -= rise
    c3 -= rise
    c2 = rise
    c2 -= c1[:-1]
    c2 -= c3
    # Places as fixed-point numbers with 32 bits behind the point: an index and a fraction without conversions.
    first, stride = round((start - 1.0) * 2**32), round(step * 2**32)
    at = np.arange(first, first + stride * len(out), stride)
    t = (at & 0xFFFFFFFF).astype(np.float32)
    t *= np.float32(2.0**-32)
    at >>= 32
    value = c3.take(at)
    for coefficients in (c2, c1):
        value *= t
        value += coefficients.take(at)
    value *= t
    np.add(value, padded[1:].take(at), out=out)


def _shifted(samples: np.ndarray, shift: int) -> np.ndarray:
    out = np.zeros(len(samples), np.float32)
    if shift >= 0:
        out[shift:] = samples[: len(samples) - shift]
    else:
        out[:shift] = samples[-shift:]
    return out
