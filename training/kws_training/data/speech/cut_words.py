"""Clips of single words out of running speech: a second around each, in its surroundings or in quiet."""

from typing import Literal

import numpy as np

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ
from kws_training.data.speech.choose_words import Cut

Surroundings = Literal["fade", "keep"]
SURROUNDINGS: tuple[Surroundings, ...] = ("fade", "keep")

TOO_LONG, SWALLOWED = "too long", "swallowed"
LONGEST_S = 0.94
"""Of a word that fits into a clip with its fades."""

_FADE_S = 0.03
_QUIET_S = 0.2
_STEP_S = 0.02


def clip_of(pcm: np.ndarray, cut: Cut, surroundings: Surroundings, quiet: np.ndarray) -> np.ndarray:
    """Cuts one word out, in the middle of a clip.

    Args:
      pcm: the recording, int16 ``[samples]`` at 16 kHz.
      cut: where the word is.
      surroundings: ``"keep"`` leaves what is said before and behind. ``"fade"`` leaves pauses as they are, and puts the
        recording's own quiet in place of other words; a word is faded into it over 30 ms beyond its ends.
      quiet: of the recording (`quiet_of`); also fills what lies beyond the recording's ends.

    Returns:
      int16 ``[CLIP_SAMPLES]``.
    """
    middle = round((cut.start_s + cut.end_s) / 2 * SAMPLE_RATE_HZ)
    first = middle - CLIP_SAMPLES // 2
    at = np.arange(first, first + CLIP_SAMPLES)
    quiet = np.roll(quiet, -first)  # a circle: no seam, and every clip has another part
    inside = (at >= 0) & (at < len(pcm))
    speech = np.where(inside, pcm[np.clip(at, 0, len(pcm) - 1)], 0).astype(np.float64)
    left_s, right_s = 0.0, len(pcm) / SAMPLE_RATE_HZ
    if surroundings == "fade":  # in the pause behind the other word; without a pause in the other word's end
        left_s = min(cut.before_s, max(0.0, cut.start_s - _FADE_S))
        right_s = min(right_s, max(cut.behind_s, cut.end_s + _FADE_S))
    weight = _slope(at / SAMPLE_RATE_HZ, left_s) * _slope(-at / SAMPLE_RATE_HZ, -right_s)
    mixed = weight * speech + np.sqrt(1 - weight**2) * quiet
    return np.clip(np.rint(np.where(inside, mixed, quiet)), -32768, 32767).astype(np.int16)


def quiet_of(pcm: np.ndarray, seed: int) -> np.ndarray:
    """The quiet of a recording: noise with the spectrum and level of its quietest 200 ms.

    In a recording without a pause it is no louder than the quietest tenth of its 10 ms.

    Args:
      pcm: int16 ``[samples]``.
      seed: of the noise's phases.

    Returns:
      float64 ``[CLIP_SAMPLES]``, which begins as it ends.
    """
    length, step = round(_QUIET_S * SAMPLE_RATE_HZ), round(_STEP_S * SAMPLE_RATE_HZ)
    samples = np.resize(pcm, max(length, len(pcm))).astype(np.float64)
    power = np.concatenate([[0.0], np.cumsum(samples**2)])
    starts = np.arange(0, len(samples) - length + 1, step)
    quietest = int(starts[np.argmin(power[starts + length] - power[starts])])
    window = np.hanning(length)
    spectrum = np.abs(np.fft.rfft(samples[quietest : quietest + length] * window))
    spectrum = np.interp(np.linspace(0, 1, CLIP_SAMPLES // 2 + 1), np.linspace(0, 1, len(spectrum)), spectrum)
    rng = np.random.default_rng(seed)
    noise = np.fft.irfft(spectrum * np.exp(2j * np.pi * rng.random(len(spectrum))), CLIP_SAMPLES)
    block = SAMPLE_RATE_HZ // 100
    blocks = np.diff(power[: len(samples) // block * block + 1 : block])
    wanted = np.sqrt(min((power[quietest + length] - power[quietest]) / length, np.percentile(blocks, 10) / block))
    level = np.sqrt(np.mean(noise**2))
    return noise * (wanted / level if level else 0.0)


def _slope(time_s: np.ndarray, from_s: float) -> np.ndarray:
    """0 before a time, 1 from `_FADE_S` behind it, a raised cosine between."""
    share = np.clip((time_s - from_s) / _FADE_S, 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * share)
