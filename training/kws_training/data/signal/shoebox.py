"""The impulse response of a box-shaped room: early reflections by the image method, then noise that dies away.

Sources: J. B. Allen, D. A. Berkley, "Image method for efficiently simulating small-room acoustics", JASA 65 (1979);
P. M. Peterson, JASA 80 (1986), for delays between samples; C. F. Eyring, JASA 1 (1930), for absorption by RT60.
"""

import dataclasses
import functools

import numpy as np
import scipy.fft

from kws_training.data.signal.responses import fade_out

SAMPLE_RATE_HZ = 16000
SOUND_M_PER_S = 343.0
BANDS_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Middles of the bands that die away by a time of their own; the lowest reaches down to 0."""
_MIXED_S = 0.05  # reflections are that dense by then that noise sounds the same
_MATCHED_S = 0.015  # before that; gives the noise its level
_INTERPOLATION = 8  # taps on each side of a delay between samples


@dataclasses.dataclass(frozen=True)
class Room:
    """A box with a speaker and a microphone in it.

    Attributes:
      size_m: three edges.
      speaker_m, microphone_m: places in it, from one corner.
      rt60_s: time in which sound falls by 60 dB in each of `BANDS_HZ`.
    """

    size_m: tuple[float, float, float]
    speaker_m: tuple[float, float, float]
    microphone_m: tuple[float, float, float]
    rt60_s: tuple[float, ...]

    @property
    def distance_m(self) -> float:
        """From the speaker to the microphone."""
        return float(np.linalg.norm(np.subtract(self.speaker_m, self.microphone_m)))


def response(room: Room, rng: np.random.Generator, taps: int) -> np.ndarray:
    """The room's impulse response behind the direct sound.

    Args:
      room: the room.
      rng: draws the noise that the late reflections are.
      taps: wanted length at 16 kHz, at least 1,600; the last eighth is faded out.

    Returns:
      float64 ``[taps]``; tap 0 is 1, the direct sound.
    """
    mixed, matched = round(_MIXED_S * SAMPLE_RATE_HZ), round(_MATCHED_S * SAMPLE_RATE_HZ)
    bands = _early(room, mixed, taps)
    time_s = np.arange(taps) / SAMPLE_RATE_HZ
    for band, rt60_s in zip(bands, room.rt60_s, strict=True):
        falling = 10.0 ** (-3.0 * (time_s - (_MIXED_S - _MATCHED_S / 2)) / rt60_s)
        level = np.sqrt(np.mean(band[mixed - matched : mixed] ** 2))
        band[mixed:] = level * falling[mixed:] * rng.standard_normal(taps - mixed)
    size = 2 * taps
    spectra = scipy.fft.rfft(bands, size, axis=-1)
    spectra *= _band_gains(size)
    out = scipy.fft.irfft(spectra.sum(axis=0), size)[:taps] * fade_out(taps, taps // 8)
    out[0] = 1.0
    return out


def _early(room: Room, last: int, taps: int) -> np.ndarray:
    """Reflections before a tap, float64 ``[bands, taps]``, relative to the direct sound; tap 0 holds that."""
    size, distance = np.array(room.size_m), room.distance_m
    reach_m = last / SAMPLE_RATE_HZ * SOUND_M_PER_S + distance
    axes = [_images(*place, reach_m) for place in zip(room.size_m, room.speaker_m, room.microphone_m, strict=True)]
    square = functools.reduce(np.add.outer, (offset**2 for offset, _ in axes)).ravel()
    bounces = functools.reduce(np.add.outer, (count for _, count in axes)).ravel()
    heard = (square < reach_m**2) & (bounces > 0)
    path_m, bounces = np.sqrt(square[heard]), bounces[heard]
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[2] * size[0])
    # Eyring: a wall keeps exp(-0.161 V / (S RT60)) of the energy, of the pressure the root of it.
    kept = np.exp(-0.0805 * size.prod() / (surface * np.array(room.rt60_s)))
    delay = (path_m - distance) / SOUND_M_PER_S * SAMPLE_RATE_HZ
    whole = np.floor(delay).astype(np.int64)
    around = np.arange(1 - _INTERPOLATION, _INTERPOLATION + 1)
    off = around - (delay - whole)[:, None]
    weight = np.sinc(off) * (0.5 + 0.5 * np.cos(np.pi * off / _INTERPOLATION)) * (distance / path_m)[:, None]
    at = whole[:, None] + around
    inside = (at > 0) & (at < last)
    at, weight, bounces = at[inside], weight[inside], np.broadcast_to(bounces[:, None], inside.shape)[inside]
    out = np.zeros((len(kept), taps))
    for band, factor in zip(out, kept, strict=True):
        band[:last] = np.bincount(at, weight * factor**bounces, last)
    out[:, 0] = 1.0
    return out


def _images(size: float, speaker: float, microphone: float, reach_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis: where the mirrored speakers are, as seen from the microphone, and after how many walls."""
    order = int(np.ceil((reach_m + size) / (2 * size)))
    n = np.arange(-order, order + 1)
    offset = np.concatenate([speaker + 2 * n * size, -speaker + 2 * n * size]) - microphone
    walls = np.concatenate([np.abs(2 * n), np.abs(2 * n - 1)])
    near = np.abs(offset) < reach_m
    return offset[near], walls[near]


@functools.lru_cache(maxsize=4)
def _band_gains(size: int) -> np.ndarray:
    """Weights of the bands, ``[bands, size / 2 + 1]``: triangles on the octave axis, 1 in all at every frequency."""
    frequency_hz = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ), 1.0)
    octave = np.clip(np.log2(frequency_hz / BANDS_HZ[0]), 0, len(BANDS_HZ) - 1)
    return np.maximum(0.0, 1.0 - np.abs(octave - np.arange(len(BANDS_HZ))[:, None]))
