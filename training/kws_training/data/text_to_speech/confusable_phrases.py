"""What people say that is nearly a label: its parts, alone and repeated, and phrases with another word in them."""

from collections.abc import Iterator

import numpy as np

from kws_training.data.text_to_speech.common_words import COMMON_WORDS
from kws_training.data.text_to_speech.syllables import halves, syllable_count

_NAMES = "anna peter maria david laura thomas sarah kevin alice martin emma daniel".split()
_OPPOSITES = (
    ("on", "off"), ("up", "down"), ("left", "right"), ("yes", "no"), ("stop", "go"), ("in", "out"), ("open", "close"),
    ("start", "stop"), ("louder", "quieter"), ("warmer", "colder"), ("next", "last"), ("play", "stop"),
)  # fmt: skip
_CALLS = ("hey", "okay", "hello", "hi")


def confusable_phrases(label: str, count: int, rng: np.random.Generator) -> list[str]:
    """Returns what a label could be taken for, the likeliest first.

    Of a phrase: its words and shorter phrases, each word twice, the words the other way round, phrases with a word's
    opposite (``turn off``), another name behind the same call (``hey anna``), another call before the same name, halves
    of its words. Of a word: its halves, alone and twice (``jar``, ``vis``, ``jar jar``). Then common words in the
    place of a phrase's word, and pairs of common words of the label's cadence.

    Args:
      label: word or phrase in lower case.
      count: how many.
      rng: draws names and common words.
    """
    words = label.split()
    likely = _of_phrase(words, rng) if len(words) > 1 else _of_word(label)
    drawn = (_drawn(label, rng, len(words) > 1 and index % 2 > 0) for index in range(count))
    found = dict.fromkeys(text for text in (*likely, *drawn) if f" {label} " not in f" {text} ")
    return list(found)[:count]


def _of_word(word: str) -> Iterator[str]:
    parts = halves(word)
    yield from parts
    yield from (f"{part} {part}" for part in parts if syllable_count(part) == 1)


def _of_phrase(words: list[str], rng: np.random.Generator) -> Iterator[str]:
    yield from words
    yield from (f"{word} {word}" for word in words)
    for size in range(2, len(words)):
        yield from (" ".join(words[:size]), " ".join(words[-size:]))
    yield " ".join(reversed(words))
    for place, word in enumerate(words):
        yield from (_with(words, place, other) for other in _opposites(word))
    if words[0] in _CALLS:
        yield from (_with(words, len(words) - 1, str(name)) for name in rng.permutation(_NAMES)[:4])
        yield from (_with(words, 0, call) for call in _CALLS)
    yield from (half for word in words for half in halves(word))


def _with(words: list[str], place: int, other: str) -> str:
    return " ".join([*words[:place], other, *words[place + 1 :]])


def _drawn(label: str, rng: np.random.Generator, of_its_words: bool) -> str:
    """The label with a common word in the place of one of its own, or common words of as many syllables."""
    if of_its_words:
        words = label.split()
        return _with(words, int(rng.integers(len(words))), str(rng.choice(COMMON_WORDS)))
    wanted = syllable_count(label)
    first = [word for word in COMMON_WORDS if syllable_count(word) <= max(1, wanted - 1)]
    word = str(rng.choice(first))
    rest = [other for other in COMMON_WORDS if syllable_count(other) == wanted - syllable_count(word)]
    return f"{word} {rng.choice(rest)}" if rest else word


def _opposites(word: str) -> list[str]:
    return [other for pair in _OPPOSITES for other in pair if word in pair and other != word]
