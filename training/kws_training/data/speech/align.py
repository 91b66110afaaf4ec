"""Forced alignment: when each word of a known text is said, by the recogniser of PyPI's ``pocketsphinx``."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from kws_reference.errors import KwsError

from kws_training.data.speech.pronouncing import INSTALL, Ways, pronounced

RATE_HZ = 16000
_FRAME_S = 0.01
_OFFSET_S = 0.008  # half a frame's window less half a step: where one frame's middle passes into the next one's
_LONGEST_PIECE_S = 45.0
_WINDOW_S = 30.0  # of a longer recording; it is cut in the longest pause of the middle
_CUT_BETWEEN_S = (8.0, 25.0)
_MOST_WORDS_PER_S = 5.5
_MARKS = ("<s>", "</s>", "<sil>")


@dataclasses.dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word where the recogniser found it.

    Attributes:
      start_s: where it begins.
      end_s: where it ends.
      word: as in the text.
      score: mean log likelihood of a frame against that of the frame's most likely sound, natural logarithm, 0 or less.
        Clear speech has about -1.3.
      phones: how many the recogniser needs for this word.
    """

    start_s: float
    end_s: float
    word: str
    score: float
    phones: int


class Aligner:
    """Finds the times of words; it loads its model once and learns words that it has not met.

    Args:
      vocabulary: how words are said (`pronounced`); words that it has not are looked up when they are met.

    Raises:
      KwsError: ``pocketsphinx`` is not installed.
    """

    def __init__(self, vocabulary: Mapping[str, Ways] | None = None) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            raise KwsError(f"pocketsphinx, which aligns words, is not there ({error}). {INSTALL}") from None
        self._decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
        self._ways = dict(vocabulary or {})
        self._phones: dict[str, int] = {}

    def align(self, pcm: np.ndarray, words: Sequence[str]) -> tuple[PlacedWord, ...]:
        """Places words in a recording.

        Recordings of more than 45 s are cut in pauses, which their beginning finds: so long ones take as much time per
        second as short ones. Where a piece does not fit its text the rest of the recording has no times.

        Args:
          pcm: int16 ``[samples]`` at 16 kHz.
          words: all that are said, in lower case.

        Returns:
          The words in order; as many as fit, less than all (from the first on) where the text is another one.

        Raises:
          KwsError: a word cannot be pronounced.
        """
        self._learn(words)
        placed: list[PlacedWord] = []
        start = 0
        while len(placed) < len(words):
            rest = words[len(placed) :]
            length, count = self._piece(pcm[start:], rest)
            found = self._place(pcm[start : start + length], rest[:count])
            if len(found) < count or not count:
                break
            shift_s = start / RATE_HZ
            placed += [
                dataclasses.replace(word, start_s=word.start_s + shift_s, end_s=word.end_s + shift_s) for word in found
            ]
            start += length
        return tuple(placed)

    def _learn(self, words: Iterable[str]) -> None:
        new = [word for word in dict.fromkeys(words) if word not in self._phones]
        ways = self._ways | pronounced(word for word in new if word not in self._ways)
        if mute := [word for word in new if not ways[word]]:
            raise KwsError(
                f"cannot tell how {', '.join(map(repr, mute[:3]))} is pronounced. Spell it in English words."
            )
        for word in new:
            self._phones[word] = min(map(len, ways[word]))
            if self._decoder.lookup_word(word) is None:
                for number, way in enumerate(ways[word], 1):
                    self._decoder.add_word(word if number == 1 else f"{word}({number})", " ".join(way), False)

    def _piece(self, pcm: np.ndarray, words: Sequence[str]) -> tuple[int, int]:
        """How many samples of a recording belong to how many words: all, or up to a pause of a long one."""
        if len(pcm) <= _LONGEST_PIECE_S * RATE_HZ:
            return len(pcm), len(words)
        found = self._segments(
            pcm[: round(_WINDOW_S * RATE_HZ)], words[: round(_WINDOW_S * _MOST_WORDS_PER_S)], whole=False
        )
        best, best_s, count = (0, 0), -1.0, 0
        for mark, start_s, end_s, _ in found:
            if mark not in _MARKS:
                count += 1
            elif count and _CUT_BETWEEN_S[0] <= (start_s + end_s) / 2 <= _CUT_BETWEEN_S[1] and end_s - start_s > best_s:
                best, best_s = (round((start_s + end_s) / 2 * RATE_HZ), count), end_s - start_s
        return best

    def _place(self, pcm: np.ndarray, words: Sequence[str]) -> list[PlacedWord]:
        found = [item for item in self._segments(pcm, words, whole=True) if item[0] not in _MARKS]
        if len(found) != len(words):
            return []
        return [
            PlacedWord(start_s, end_s, word, score, self._phones[word])
            for (_, start_s, end_s, score), word in zip(found, words, strict=True)
        ]

    def _segments(self, pcm: np.ndarray, words: Sequence[str], whole: bool) -> list[tuple[str, float, float, float]]:
        """Words and pauses with start, end and score, of a whole recording or of one that goes on; none if none fit."""
        if not len(pcm) or not words:
            return []
        decoder = self._decoder
        decoder.set_align_text(" ".join(words))
        decoder.start_utt()
        decoder.process_raw(pcm.astype("<i2").tobytes(), full_utt=True)
        if whole:
            decoder.end_utt()
        found = []
        if decoder.hyp() is not None:
            for item in decoder.seg():
                frames = item.end_frame - item.start_frame + 1
                start_s, end_s = (frame * _FRAME_S + _OFFSET_S for frame in (item.start_frame, item.end_frame + 1))
                score = math.log(item.ascore) / frames if item.ascore > 0 else -math.inf
                found.append((item.word, start_s if item.start_frame else 0.0, min(end_s, len(pcm) / RATE_HZ), score))
        if not whole:
            decoder.end_utt()
        return found
