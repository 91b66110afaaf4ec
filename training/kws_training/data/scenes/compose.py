"""Lays out one scene: who speaks when, how loud, over what."""

import dataclasses

import numpy as np

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.scenes.hard_moments import HardMoments
from kws_training.data.scenes.material import Material, rms
from kws_training.data.scenes.moments import Grid, Told
from kws_training.data.scenes.scene_config import SceneConfig

_FADE_SAMPLES = 160
_USUAL_GAIN_DB = -12.0
_CUT_SHARE = 0.15  # of the scenes of speech that fall silent, or are silent first
_LEAST_WORD_LSB = 10.0
_NOISE_LSB_DB = (-10.0, 60.0)
_KEYWORD_ENDS = 0.95  # of a clip's length: soonest end of a keyword
_UNKNOWN_ENDS = (0.3, 1.1)  # of a scene's length: such words also begin or end outside


@dataclasses.dataclass(frozen=True)
class Scene:
    """One scene before rooms and microphones.

    Attributes:
      spoken: float32 ``[samples]``, speech in units of int16.
      noise: float32 ``[samples]``, what is there besides.
      told: what is known about it.
      loudest: level that noise may have so that a keyword is heard, rms in units of int16.
    """

    spoken: np.ndarray
    noise: np.ndarray
    told: Told
    loudest: float = np.inf


def compose(
    rng: np.random.Generator, material: Material, grid: Grid, config: SceneConfig, found: HardMoments | None = None
) -> Scene:
    """Draws a scene.

    Args:
      rng: the only source of randomness.
      material: what it is made of.
      grid: its length and moments.
      config: shares and ranges.
      found: what a model heard in the speech; some scenes of speech are drawn around that.
    """
    kind = rng.random()
    if kind < config.speech:
        spoken, told = _speech(rng, material, grid, config, found)
    elif kind < config.speech + config.words and (material.keywords or len(material.unknown)):
        spoken, told = _word(rng, material, grid, config, found)
    else:
        spoken, told = np.zeros(grid.samples, np.float32), Told(silent=True)
    least_db = config.gain_low_db if rng.random() < 0.5 else max(config.gain_low_db, _USUAL_GAIN_DB)
    gain = 10.0 ** (rng.uniform(min(least_db, config.gain_high_db), config.gain_high_db) / 20.0)
    loudest = np.inf
    if told.keyword:
        begin, end, _ = told.keyword
        level = rms(spoken[max(0, begin) : end])
        gain = max(gain, min(1.0, _LEAST_WORD_LSB / level))
        loudest = gain * level * 10.0 ** (-config.snr_low_db / 20.0)
    spoken *= np.float32(gain)
    noise = np.zeros(grid.samples, np.float32)
    if rng.random() < config.noise:
        noise = material.draw_noise(rng, grid.samples)
        noise *= np.float32(min(loudest, 10.0 ** (rng.uniform(*_NOISE_LSB_DB) / 20.0)))
    return Scene(spoken, noise, told, loudest)


def _speech(
    rng: np.random.Generator, material: Material, grid: Grid, config: SceneConfig, found: HardMoments | None
) -> tuple[np.ndarray, Told]:
    """Running speech alone; some of it begins or ends at any sample."""
    pcm, said = material.draw_speech(rng, grid.samples, config.resample, found, rng.random() < config.hard_share)
    if rng.random() < _CUT_SHARE:
        place = rng.integers(grid.samples)
        if rng.random() < 0.5:
            pcm[:place] = 0
        else:
            pcm[place:] = 0
    return pcm, Told(ignored=said)


def _word(
    rng: np.random.Generator, material: Material, grid: Grid, config: SceneConfig, found: HardMoments | None
) -> tuple[np.ndarray, Told]:
    """A clip's word by itself, in a pause of speech, or above quieter speech."""
    keyword = bool(material.keywords) and (rng.random() < config.keywords or not len(material.unknown))
    pcm, (begin, end), label = material.draw_word(rng, keyword, config.resample)
    level = rms(pcm[begin:end])
    if keyword:
        ends = rng.uniform(_KEYWORD_ENDS * grid.times[0], grid.samples - _FADE_SAMPLES)
    else:
        ends = rng.uniform(*_UNKNOWN_ENDS) * grid.samples
    shift = int(ends) - end
    out = np.zeros(grid.samples, np.float32)
    _place(_faded(pcm), shift, out)
    begin, end = begin + shift, end + shift
    said = np.zeros((0, 2), np.int64)
    bed = rng.random()
    if bed < config.pauses:
        other, said = material.draw_speech(rng, grid.samples, config.resample, found)
        other *= np.float32(level / rms(other) * 10.0 ** (rng.uniform(-15.0, 6.0) / 20.0))
        other *= _pause(rng, grid.samples, begin, end)
        out += other
    elif bed < config.pauses + config.competing:
        other, said = material.draw_speech(rng, grid.samples, config.resample, found)
        snr_db = rng.uniform(config.competing_snr_low_db, config.competing_snr_high_db)
        other *= np.float32(level / rms(other) * 10.0 ** (-snr_db / 20.0))
        out += other
    return out, Told(keyword=(begin, end, label) if keyword else None, ignored=said)


def _pause(rng: np.random.Generator, samples: int, begin: int, end: int) -> np.ndarray:
    """How loud speech is around a word, float32 ``[samples]`` of 0 to 1: before it, for half of them also behind it."""
    before, behind = (int(rng.uniform(0.05, 0.6) * SAMPLE_RATE_HZ) for _ in range(2))
    loud = np.zeros(samples, np.float32)
    loud[: max(0, begin - before)] = 1
    if rng.random() < 0.5:
        loud[min(samples, max(0, end + behind)) :] = 1
    ramp = int(rng.uniform(0.01, 0.1) * SAMPLE_RATE_HZ)
    total = np.cumsum(np.pad(loud, (ramp, 0), "edge"), dtype=np.float64)
    return ((total[ramp:] - total[:-ramp]) / ramp).astype(np.float32)


def _faded(pcm: np.ndarray) -> np.ndarray:
    fade = min(_FADE_SAMPLES, len(pcm) // 4)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    pcm[:fade] *= ramp
    pcm[len(pcm) - fade :] *= ramp[::-1]
    return pcm


def _place(pcm: np.ndarray, start: int, out: np.ndarray) -> None:
    """Adds samples at a place that may lie outside in part."""
    first, last = max(0, start), min(len(out), start + len(pcm))
    if first < last:
        out[first:last] += pcm[first - start : last - start]
