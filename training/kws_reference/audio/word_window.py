"""Where in a longer recording the word is, and which recordings hold nothing: by energy, in integers."""

import numpy as np

BLOCK_S = 0.01
MEDIAN_BLOCKS = 9  # a click of up to 40 ms has no part in the median of 90 ms
LOUDEST_BLOCKS = 12  # counted like the next loudest one: a slammed door does not outweigh a soft word
FLOOR_PERCENT = 10
PLATEAU_PERCENT = 98
QUIET = 16
"""Largest swing to each side, of 32768, of what counts as silence (-66 dB of full scale)."""
_HEARD_BLOCKS = 5
_WORD_SHARE = 10  # of the loudest level: what is above a tenth of it, above the floor, belongs to the word


def word_start(pcm: np.ndarray, length: int, sample_rate_hz: int) -> int:
    """Finds the stretch of a recording that holds its word.

    The level of each 10 ms is the root mean square of the band of speech (the mean over 0.25 ms less the mean over
    5 ms: no constant, little hum), without what is shorter than 40 ms (median of 90 ms). The loudest 120 ms count like
    the next loudest block, and the floor (the 10th percentile) is taken off. The stretches of the wanted length with
    at least 98 % of the greatest sum around it are as good as the best: the middle one is taken, which puts the word
    into the middle.

    Args:
      pcm: int16 ``[samples]``.
      length: wanted samples, at least 1.
      sample_rate_hz: of both.

    Returns:
      The first sample, 0 to ``samples - length``: a multiple of 10 ms, or the last one possible. 0 for a recording
      that is not longer, or in which nothing stands out.
    """
    last = len(pcm) - length
    if last <= 0:
        return 0
    block = _block(sample_rate_hz)
    level = _level(pcm, sample_rate_hz)
    ordered = np.sort(level)
    level = np.minimum(level, ordered[max(0, len(ordered) - 1 - LOUDEST_BLOCKS)])
    level = np.maximum(level - ordered[len(ordered) * FLOOR_PERCENT // 100], 0)
    sums = np.concatenate([[0], np.cumsum(level)])
    blocks = min(-(-length // block), len(level))
    heard = sums[blocks:] - sums[:-blocks]
    best = int(heard.argmax())
    if not heard[best]:
        return 0
    good = 100 * heard >= PLATEAU_PERCENT * heard[best]
    first = best - int(np.argmin(good[best::-1])) + 1 if not good[: best + 1].all() else 0
    behind = best + int(np.argmin(good[best:])) - 1 if not good[best:].all() else len(good) - 1
    return min((first + behind) // 2 * block, last)


def word_span(pcm: np.ndarray, sample_rate_hz: int) -> tuple[int, int]:
    """Finds where the words of a recording begin and end: with the first and the last 10 ms that stand out.

    A block stands out when its level (see `word_start`), less the floor, is at least a tenth of the loudest one's.

    Args:
      pcm: int16 ``[samples]``.
      sample_rate_hz: its rate.

    Returns:
      The first sample, and the one behind the last: multiples of 10 ms, or the recording's end. The whole recording
      where nothing stands out.
    """
    if not len(pcm):
        return 0, 0
    block, level = _block(sample_rate_hz), _level(pcm, sample_rate_hz)
    level = level - np.sort(level)[len(level) * FLOOR_PERCENT // 100]
    loud = np.flatnonzero(_WORD_SHARE * level >= level.max()) if level.max() > 0 else np.arange(len(level))
    return int(loud[0]) * block, min(len(pcm), (int(loud[-1]) + 1) * block)


def is_silent(pcm: np.ndarray, sample_rate_hz: int) -> bool:
    """Whether a recording holds nothing: fewer than 50 ms in which it swings by more than `QUIET` to each side.

    A constant (DC) and single clicks do not count as sound.

    Args:
      pcm: int16 ``[samples]``.
      sample_rate_hz: its rate.
    """
    block = min(_block(sample_rate_hz), max(1, len(pcm)))
    blocks = pcm[: len(pcm) // block * block].reshape(-1, block)
    if not len(blocks):
        return True
    swing = blocks.max(axis=1).astype(np.int32) - blocks.min(axis=1)
    return int((swing > 2 * QUIET).sum()) < min(_HEARD_BLOCKS, len(blocks))


def _block(sample_rate_hz: int) -> int:
    return max(1, round(BLOCK_S * sample_rate_hz))


def _level(pcm: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Level of each whole or begun block, int64 ``[blocks]``."""
    import scipy.ndimage  # here: most users of kws_reference do not need it

    short, long = max(1, round(sample_rate_hz / 4000)), max(2, round(sample_rate_hz / 200))
    sums = np.concatenate([[0], np.cumsum(np.pad(pcm.astype(np.int64), (long // 2, long - long // 2), mode="edge"))])
    at = np.arange(len(pcm)) + long // 2
    band = (sums[at - short // 2 + short] - sums[at - short // 2]) * long
    band -= (sums[at - long // 2 + long] - sums[at - long // 2]) * short
    band //= short * long
    block = _block(sample_rate_hz)
    energy = np.add.reduceat(band * band, np.arange(0, len(pcm), block))
    size = np.minimum(block, len(pcm) - np.arange(0, len(pcm), block))
    level = np.sqrt(energy // size).astype(np.int64)
    return scipy.ndimage.median_filter(level, size=MEDIAN_BLOCKS, mode="nearest")
