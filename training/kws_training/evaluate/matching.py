"""Which word a detection belongs to, or why it is a false accept."""

import dataclasses
import enum
from collections.abc import Sequence

from kws_reference.labels import Kind

from kws_training.data.recording_plan import Word

TOLERANCE_S = 1.0
"""A word may be detected up to this long after its end: the trained models look back on about a second."""


class Cause(enum.Enum):
    """What raised a false accept; the values are the names in reports."""

    REPEATED = "repeated"
    OTHER_KEYWORD = "other keyword"
    UNKNOWN_WORD = "unknown word"
    NOISE = "noise"


@dataclasses.dataclass(frozen=True)
class Match:
    """What a detection belongs to.

    Attributes:
      word: the keyword that it found, or the word that raised it wrongly; None: no word.
      cause: of a false accept; None: the keyword was found.
    """

    word: Word | None
    cause: Cause | None = None

    @property
    def found(self) -> bool:
        """Whether it is the first detection of a keyword."""
        return self.cause is None


def match(detections: Sequence[tuple[int, str]], words: Sequence[Word], tolerance: int) -> list[Match]:
    """Matches detections with the words that were spoken.

    A detection belongs to a keyword of its label when its sample lies between the word's first sample and its end plus
    the tolerance; the first keyword that is not yet detected takes it. Every other detection is a false accept. Its
    cause is `Cause.REPEATED` if a keyword of its label, already detected, takes in the moment; else it is the word that
    began last among those that take it in (`Cause.OTHER_KEYWORD` or `Cause.UNKNOWN_WORD`); else `Cause.NOISE`.

    Args:
      detections: (sample, label), in order of time.
      words: in order of time.
      tolerance: samples.

    Returns:
      One match for each detection.
    """
    result: list[Match] = []
    taken: set[int] = set()
    first = 0
    for sample, label in detections:
        while first < len(words) and words[first].end + tolerance < sample:
            first += 1
        near = []
        for position in range(first, len(words)):
            if words[position].start > sample:
                break
            if sample <= words[position].end + tolerance:
                near.append(position)
        # Only keywords can be found: a detection of silence or of an unknown word is a false accept.
        is_keyword = Kind.of(label) is Kind.KEYWORD
        same = [position for position in near if is_keyword and words[position].label == label]
        fresh = [position for position in same if position not in taken]
        if fresh:
            taken.add(fresh[0])
            result.append(Match(words[fresh[0]]))
        elif same:
            result.append(Match(words[same[-1]], Cause.REPEATED))
        else:
            others = [words[position] for position in near if words[position].kind is not Kind.SILENCE]
            result.append(Match(others[-1], _cause(others[-1])) if others else Match(None, Cause.NOISE))
    return result


def _cause(word: Word) -> Cause:
    return Cause.OTHER_KEYWORD if word.kind is Kind.KEYWORD else Cause.UNKNOWN_WORD
