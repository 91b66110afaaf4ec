"""Words that are none of the keywords, for voices to say: common words, and words close to the keywords."""

import re
from collections.abc import Sequence

import numpy as np

from kws_training.data.text_to_speech.common_words import COMMON_WORDS
from kws_training.data.text_to_speech.pronunciation import (
    distance,
    distinct_words,
    is_regular,
    pronunciations,
    shares_its_beginning,
    sounds_like,
    sounds_of,
)

_ONSETS = "b bl br ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr r s sh sl sn sp st str t th tr v w y".split()
_VOWELS = "a e i o u ai ea ee oa oo ou ow oy ar er or".split()
_CODAS = "b ck d f ft g l ld lt m mp n nd ng nk nt p pt r rd rk rm rn rt s sh sp st t th x".split()
_LARGEST_DISTANCE = 2.0  # of a word that counts as close


def unknown_words(labels: Sequence[str], count: int, seed: int, close_share: float = 0.5) -> list[str]:
    """Draws words that are none of the labels.

    Args:
      labels: the keywords.
      count: how many words.
      seed: draws them.
      close_share: share of the words that sound close to a label (`near_words`); the rest are common words.

    Returns:
      At most ``count`` different words, none that sounds like a label or its plural.

    Raises:
      KwsError: espeak-ng is missing.
    """
    rng = np.random.default_rng([seed, count])
    parts = parts_of_phrases(labels)[:count]
    close = parts + near_words(labels, max(0, round(count * close_share) - len(parts)), seed)
    close = list(dict.fromkeys(close))
    others = [word for word in distinct_words(COMMON_WORDS, labels) if word not in close]
    return sorted(close + [others[index] for index in rng.permutation(len(others))[: count - len(close)]])


def parts_of_phrases(labels: Sequence[str]) -> list[str]:
    """Returns the single words of the labels that have several, but for those that sound like a label.

    Raises:
      KwsError: espeak-ng is missing.
    """
    parts = [word for label in labels if " " in label for word in label.split()]
    return sorted(distinct_words(parts, labels)) if parts else []


def near_words(labels: Sequence[str], count: int, seed: int) -> list[str]:
    """Invents words that differ from a label in a sound or two, and finds such ones among the common words.

    Args:
      labels: the keywords; each gets about the same number.
      count: how many words.
      seed: draws among those that are equally close.

    Returns:
      At most ``count`` different words, none that sounds like a label, its plural or another of them.

    Raises:
      KwsError: espeak-ng is missing.
    """
    rng = np.random.default_rng(seed)
    labels = [label.lower() for label in labels]
    spellings = {label: sorted({*_respelled(label), *COMMON_WORDS} - set(labels)) for label in labels}
    everything = sorted({*labels, *(word for words in spellings.values() for word in words)})
    sounds = pronunciations(everything)
    forbidden = sounds_of(labels, sounds)
    chosen: list[str] = []
    heard: set[tuple] = set()
    for place, label in enumerate(labels):
        wanted = (place + 1) * count // len(labels) - len(chosen)
        rated = []
        for word in spellings[label]:
            nearest = min(distance(*pair) for pair in zip(sounds[word], sounds[label], strict=True))
            distinct = not sounds_like(sounds[word], forbidden) and not shares_its_beginning(
                sounds[word], sounds[label]
            )
            if nearest <= _LARGEST_DISTANCE and distinct and is_regular(sounds[word]):
                rated.append((nearest, rng.random(), word))
        for _, _, word in sorted(rated):
            if wanted > 0 and sounds[word] not in heard and word not in chosen:
                chosen.append(word)
                heard.add(sounds[word])
                wanted -= 1
    return sorted(chosen)


def _respelled(word: str) -> set[str]:
    """Words with another beginning, another end or another vowel."""
    parts = re.fullmatch(r"([^aeiouy]*)(.*?)([^aeiou]*)(e?)", word)
    assert parts is not None  # any word has these four, some of them empty
    onset, middle, coda, silent = parts.groups()
    found = {other + middle + coda + silent for other in (*_ONSETS, "")}
    found |= {onset + middle + other for other in _CODAS}
    first = re.match(r"([^aeiouy]*)([aeiouy]+)(.*)", word)
    if first:
        found |= {first[1] + other + first[3] for other in _VOWELS}
    return {other for other in found if len(other) > 1 and re.search("[aeiouy]", other) and other != word}
