"""Rooms to train in: a bank of drawn ones, and clips as they sound there."""

import functools

import numpy as np

from kws_training.data.signal.responses import ResponseBank, drawn_rows, through
from kws_training.data.signal.shoebox import BANDS_HZ, Room, response

ROOMS = 256
TAPS = 8000  # half a second: of an RT60 of 0.8 s the first 37 dB
LONGEST_S, SHORTEST_S = 0.8, 0.1  # RT60 at 1 kHz
_NEAR_M, _FAR_M = 0.15, 5.0
_WALL_M = 0.3  # nobody is nearer to a wall


@functools.lru_cache(maxsize=2)
def room_bank(seed: int = 0, rooms: int = ROOMS) -> ResponseBank:
    """Draws rooms and computes their impulse responses: about a second for 256.

    The direct sound is tap 0, so that every word stays where it is, and each response has the energy of 1, so that
    noise-like sound stays as loud as it is: a clip's gain is drawn elsewhere.

    Args:
      seed: of all of them.
      rooms: how many.
    """
    rng = np.random.default_rng([seed, 0x726F6F6D])
    taps = np.stack([response(drawn_room(rng), rng, TAPS) for _ in range(rooms)])
    return ResponseBank(taps / np.sqrt(np.sum(taps**2, axis=1, keepdims=True)))


def drawn_room(rng: np.random.Generator) -> Room:
    """Draws a living room, a bathroom, an office: edges 2 to 9 m, RT60 0.1 to 0.8 s, a speaker 0.15 to 5 m away."""
    size = np.array([rng.uniform(2.5, 9.0), rng.uniform(2.0, 7.0), rng.uniform(2.2, 3.5)])
    rt60_s = np.exp(rng.uniform(np.log(SHORTEST_S), np.log(LONGEST_S)))
    octaves = np.log2(np.array(BANDS_HZ) / 1000.0)
    slope = rng.uniform(-0.3, 0.1)  # high sound dies away faster, as a rule
    bands_s = np.clip(rt60_s * 2.0 ** (slope * octaves + rng.normal(0.0, 0.15, len(octaves))), 0.05, 1.5)
    microphone = rng.uniform(_WALL_M, size - _WALL_M)
    distance_m = np.exp(rng.uniform(np.log(_NEAR_M), np.log(_FAR_M)))
    while True:
        direction = rng.normal(0.0, 1.0, 3) * (1.0, 1.0, 0.3)
        speaker = microphone + direction * distance_m / np.linalg.norm(direction)
        if np.all(speaker >= _WALL_M) and np.all(speaker <= size - _WALL_M):
            break
        distance_m = max(_NEAR_M, 0.9 * distance_m)
    return Room(tuple(size.tolist()), tuple(speaker.tolist()), tuple(microphone.tolist()), tuple(bands_s.tolist()))


def reverberate(rng: np.random.Generator, pcm: np.ndarray, bank: ResponseBank, share: float) -> np.ndarray:
    """Puts a share of the clips into rooms of a bank, in place; the direct sound stays where it is.

    Args:
      rng: source of randomness.
      pcm: float32 ``[clips, samples]``.
      bank: see `room_bank`.
      share: of the clips, 0 to 1; the others are untouched.

    Returns:
      ``pcm``.
    """
    return through(pcm, [(bank, drawn_rows(rng, bank, len(pcm), share))])
