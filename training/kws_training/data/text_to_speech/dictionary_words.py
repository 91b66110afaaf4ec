"""Words of the English dictionary that sound nearly like a label: ``harvest`` and ``service`` for ``jarvis``."""

import logging
from collections import Counter
from collections.abc import Sequence

from kws_reference.errors import KwsError

from kws_training.data.speech.pronouncing import Phones, dictionary, pronounced
from kws_training.data.text_to_speech.pronunciation import distance

log = logging.getLogger(__name__)

_LARGEST_DISTANCE = 2.5
_MOST = 60


def dictionary_words(label: str, taken: Sequence[str] = ()) -> list[str]:
    """Finds the words that differ least in their phones.

    Args:
      label: word or phrase in lower case.
      taken: words that are not wanted.

    Returns:
      At most 60 words, the nearest first; none where ``pocketsphinx``, which has the dictionary, is not installed.
    """
    try:
        ways, words = pronounced([label])[label], dictionary()
    except KwsError as error:
        log.info(f"no near words out of a dictionary: {error}")
        return []
    rated = []
    for word, said in words.items():
        if word in taken or word == label or not word.isalpha() or len(word) < 2:
            continue
        nearest = min((_distance(way, other) for way in ways for other in said), default=99.0)
        if 0 < nearest <= _LARGEST_DISTANCE and nearest < min(map(len, ways)) / 2:
            rated.append((nearest, word))
    return [word for _, word in sorted(rated)[:_MOST]]


def _distance(one: Phones, other: Phones) -> float:
    """The distance, or a large number where lengths or sounds in common tell that it is one."""
    if abs(len(one) - len(other)) > 2:
        return 99.0
    in_common = sum((Counter(one) & Counter(other)).values())
    return distance(one, other) if max(len(one), len(other)) - in_common <= 3 else 99.0
