"""What the sound says of aligned words: where pauses were taken for a part of them, and which cannot be right.

A recogniser lets a soft last sound (the f of off) reach into the pause behind it; the level tells where it ends.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from kws_training.data.speech.align import RATE_HZ, PlacedWord

SHORT, LONG, SILENT, UNLIKE, TEXT, UNPLACED = "short", "long", "silent", "unlike", "text", "unplaced"
REASONS = {
    SHORT: "shorter than its sounds take",
    LONG: "longer than its sounds take: something else is said in it",
    SILENT: "hardly louder than the recording's pauses",
    UNLIKE: "its sounds fit far worse than those of the words around it",
    TEXT: "the recording fits its transcript badly",
    UNPLACED: "the transcript does not fit from there on",
}
"""Doubts as `kws_training.data.speech.word_times` has them, for people."""

_LEAST_S_PER_PHONE = 0.035  # 0.03 is the least that the recogniser's models can be
_MOST_S_PER_PHONE = 0.3
_MOST_S = 0.6  # a word of two drawn-out sounds
_LEAST_DB = 6.0
_PAUSE_DB = 5.0
_QUIET_END_S, _KEPT_S = 0.06, 0.03
_FARTHEST_SCORE = 3.0
_WORST_MEDIAN = -3.2
_BLOCK = RATE_HZ // 100


def without_pauses(pcm: np.ndarray, words: Sequence[PlacedWord]) -> tuple[PlacedWord, ...]:
    """Takes from the ends of words what is as quiet as the recording's pauses.

    Args:
      pcm: int16 ``[samples]`` at 16 kHz.
      words: as they were placed, all of the recording.

    Returns:
      The same words. Of a quiet end of more than 60 ms the 30 ms beside the sound stay; a word that is quiet from end
      to end stays as it is.
    """
    level = _levels_db(pcm)
    loud = level > np.percentile(level, 5) + _PAUSE_DB
    trimmed = []
    for word in words:
        first, behind = round(word.start_s * 100), round(word.end_s * 100)
        inside = np.flatnonzero(loud[first:behind])
        start_s, end_s = word.start_s, word.end_s
        if len(inside):
            if inside[0] / 100 > _QUIET_END_S:
                start_s = float(first + inside[0]) / 100 - _KEPT_S
            if (behind - first - 1 - inside[-1]) / 100 > _QUIET_END_S:
                end_s = float(first + inside[-1] + 1) / 100 + _KEPT_S
        trimmed.append(dataclasses.replace(word, start_s=start_s, end_s=end_s))
    return tuple(trimmed)


def doubts(pcm: np.ndarray, words: Sequence[PlacedWord]) -> list[str]:
    """Checks every word of a recording.

    Args:
      pcm: int16 ``[samples]`` at 16 kHz.
      words: as they were placed, all of the recording.

    Returns:
      For each word the first of `REASONS` that holds, or "".
    """
    if not words:
        return []
    level = _levels_db(pcm)
    floor = float(np.percentile(level, 5))
    median = float(np.median([word.score for word in words]))
    if median < _WORST_MEDIAN:
        return [TEXT] * len(words)
    found = []
    for word in words:
        length_s = word.end_s - word.start_s
        first = int(word.start_s * 100)
        loudest = np.sort(level[first : max(first + 1, int(word.end_s * 100))])[-3:]
        if length_s < _LEAST_S_PER_PHONE * word.phones:
            found.append(SHORT)
        elif length_s > max(_MOST_S, _MOST_S_PER_PHONE * word.phones):
            found.append(LONG)
        elif not len(loudest) or loudest[0] < floor + _LEAST_DB:
            found.append(SILENT)
        else:
            found.append(UNLIKE if word.score < median - _FARTHEST_SCORE else "")
    return found


def _levels_db(pcm: np.ndarray) -> np.ndarray:
    """Level of each 10 ms without its constant part, float ``[at least one block]``; 0 dB is one bit."""
    blocks = max(1, len(pcm) // _BLOCK)
    samples = np.resize(pcm, blocks * _BLOCK).reshape(blocks, _BLOCK).astype(np.float64)
    return 10 * np.log10(1 + samples.var(axis=1))
