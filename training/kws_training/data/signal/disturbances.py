"""Ways in which a recording reaches a device: for measuring what is heard of the same speech through each of them.

A disturbance is a function of int16 ``[samples]`` at 16 kHz, of any length, and a seed; it returns int16 of the same
shape, in which every word is where it was.
"""

from collections.abc import Callable

import numpy as np
import scipy.signal

from kws_training.data.signal.codecs import mu_law, opus
from kws_training.data.signal.dither import shape_quantize
from kws_training.data.signal.gates import open_mask
from kws_training.data.signal.levels import active_level
from kws_training.data.signal.rooms import drawn_room
from kws_training.data.signal.shoebox import response

Disturbance = Callable[[np.ndarray, int], np.ndarray]
SAMPLE_RATE_HZ = 16000
ROOM_SEED = 1_000_003  # of rooms in which nobody trains
_LINE_HZ = (300.0, 3400.0)
_SEGMENT = 4000  # dithered side by side


def telephone(pcm: np.ndarray, seed: int = 0) -> np.ndarray:
    """300 to 3,400 Hz, 8,000 samples a second, mu-law."""
    band = scipy.signal.firwin(255, _LINE_HZ, pass_zero=False, fs=SAMPLE_RATE_HZ)
    narrow = scipy.signal.oaconvolve(pcm.astype(np.float64), band, mode="same")
    line = mu_law(scipy.signal.resample_poly(narrow, 1, 2))
    return _int16(scipy.signal.resample_poly(line, 2, 1)[: len(pcm)])


def gate(pcm: np.ndarray, seed: int = 0) -> np.ndarray:
    """Digital zero where it is 25 dB quieter than speech for more than 80 ms, as telephony and conferences do."""
    threshold = np.array([_speech_level(pcm) * 10.0**-1.25])
    opened = open_mask(pcm[None].astype(np.float32), threshold, np.array([8]))[0]
    return np.where(opened, pcm, 0).astype(np.int16)


def codec(pcm: np.ndarray, seed: int = 0) -> np.ndarray:
    """Opus at about 12 kb/s."""
    return opus(pcm, 12.0)


def quiet(pcm: np.ndarray, seed: int = 0) -> np.ndarray:
    """40 dB less, and rounded to whole steps again."""
    return _int16(pcm * 0.01)


def clipped(pcm: np.ndarray, seed: int = 0) -> np.ndarray:
    """So loud that speech has an rms of half of full scale: its peaks are cut off."""
    return _int16(pcm.astype(np.float64) * (32768 / 2 / max(_speech_level(pcm), 1.0)))


def resampled(pcm: np.ndarray, seed: int = 0) -> np.ndarray:
    """0.5 dB less, and noise-shaped TPDF dither of 1.2 steps, most of it near 7 kHz: a resampler's pauses."""
    columns = -(-len(pcm) // _SEGMENT)
    padded = np.zeros(columns * _SEGMENT)
    padded[: len(pcm)] = pcm * 10.0**-0.025
    signals = np.ascontiguousarray(padded.reshape(columns, _SEGMENT).T)
    rng = np.random.default_rng([seed, 0x72657361])
    dither = rng.random(signals.shape, np.float32) - rng.random(signals.shape, np.float32)
    # Zeros near 0, 2 kHz and half the sample rate: the error's rms of half a step becomes 1.2.
    angle = 2 * np.pi * 2000 / SAMPLE_RATE_HZ
    transfer = np.convolve(np.convolve([1.0, -0.95], [1.0, -1.8 * np.cos(angle), 0.81]), [1.0, 0.4])
    out = shape_quantize(signals, np.broadcast_to(transfer, (columns, len(transfer))), dither)
    return _int16(out.T.ravel()[: len(pcm)])


def room(pcm: np.ndarray, seed: int = 0) -> np.ndarray:
    """A room with an RT60 of 0.3 to 0.6 s, 1.5 m away or more: of the kind that training draws, but none of those."""
    rng = np.random.default_rng([seed, ROOM_SEED])
    while True:
        drawn = drawn_room(rng)
        if drawn.distance_m > 1.5 and 0.3 < drawn.rt60_s[2] < 0.6:
            break
    taps = response(drawn, rng, 12000)
    taps /= np.sqrt(np.sum(taps**2))
    return _int16(scipy.signal.oaconvolve(pcm.astype(np.float64), taps)[: len(pcm)])


DISTURBANCES: dict[str, Disturbance] = {
    "telephone": telephone,
    "gate": gate,
    "codec": codec,
    "quiet": quiet,
    "clipped": clipped,
    "resampled": resampled,
    "room": room,
}
"""By name."""


def _speech_level(pcm: np.ndarray) -> float:
    """The median of the levels of all seconds that are no more than 20 dB below the loudest."""
    rows = -(-len(pcm) // SAMPLE_RATE_HZ)
    seconds = np.zeros(rows * SAMPLE_RATE_HZ, np.float32)
    seconds[: len(pcm)] = pcm
    level = active_level(seconds.reshape(rows, SAMPLE_RATE_HZ))
    return float(np.median(level[level >= 0.1 * level.max(initial=0.0)])) if rows else 0.0


def _int16(pcm: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)
