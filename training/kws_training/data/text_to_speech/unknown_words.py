"""Words that are none of the keywords, for voices to say: common words, and words close to the keywords."""

import itertools
import re
from collections.abc import Mapping, Sequence

import numpy as np

from kws_training.data.text_to_speech.common_words import COMMON_WORDS
from kws_training.data.text_to_speech.confusable_phrases import confusable_phrases
from kws_training.data.text_to_speech.dictionary_words import dictionary_words
from kws_training.data.text_to_speech.pronunciation import (
    differs_by_vowels_alone,
    distance,
    distinct_words,
    is_regular,
    pronunciations,
    shares_its_beginning,
    sounds_like,
    sounds_of,
)
from kws_training.data.text_to_speech.syllables import syllable_count

_ONSETS = "b bl br ch cl cr d dr f fl fr g gl gr h j k l m n p pl pr r s sh sl sn sp st str t th tr v w y".split()
_VOWELS = "a e i o u ai ea ee oa oo ou ow oy ar er or".split()
_CODAS = "b ck d f ft g l ld lt m mp n nd ng nk nt p pt r rd rk rm rn rt s sh sp st t th x".split()
_LARGEST_DISTANCE = 2.0  # of a word that counts as close


def unknown_words(
    labels: Sequence[str],
    count: int,
    seed: int,
    close_share: float = 0.65,
    spellings: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """Draws words that are none of the labels.

    Args:
      labels: the keywords.
      count: how many words.
      seed: draws them.
      close_share: share of the words that are close to a label: `confusable_phrases` and `near_words`, by halves; the
        rest are common words. The words of a phrase are always among them.
      spellings: other spellings of labels: what sounds like them is left out, too.

    Returns:
      At most ``count`` different words and phrases, none that sounds like a label or its plural.

    Raises:
      KwsError: espeak-ng is missing.
    """
    rng = np.random.default_rng([seed, count])
    wanted = round(count * close_share)
    said = [*labels, *(text for texts in (spellings or {}).values() for text in texts)]
    parts = distinct_words([word for label in labels if " " in label for word in label.lower().split()], said)[:count]
    confusable = [text for text in _confusable(labels, said, wanted // 2, rng) if text not in parts]
    close = parts + confusable[: max(0, wanted // 2 - len(parts))]
    close += [word for word in near_words(labels, max(0, wanted - len(close)), seed, said) if word not in close]
    others = [word for word in distinct_words(COMMON_WORDS, said) if word not in close]
    return sorted(close + [others[index] for index in rng.permutation(len(others))[: count - len(close)]])


def _confusable(labels: Sequence[str], said: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    """Phrases and parts, of all labels in turn."""
    of_each = [confusable_phrases(label.lower(), count, rng) for label in labels]
    found = [text for texts in itertools.zip_longest(*of_each) for text in texts if text]
    return distinct_words(found, said)[:count]


def near_words(labels: Sequence[str], count: int, seed: int, said: Sequence[str] = ()) -> list[str]:
    """Finds words that differ from a label in a sound or two: of a dictionary, common ones, and invented ones.

    Args:
      labels: the keywords; each gets about the same number.
      count: how many words.
      seed: draws among those that are equally close.
      said: labels and other spellings of them, whose sound is left out; default: the labels.

    Returns:
      At most ``count`` different words, none that sounds like a label, its plural or another of them. None has a
      label's consonants with other vowels, but for words that people say beside a label of one syllable.

    Raises:
      KwsError: espeak-ng is missing.
    """
    rng = np.random.default_rng(seed)
    labels, said = [label.lower() for label in labels], [text.lower() for text in (*labels, *said)]
    known = {label: dictionary_words(label, said) for label in labels}
    spellings = {label: sorted({*_respelled(label), *COMMON_WORDS, *known[label]} - set(said)) for label in labels}
    everything = sorted({*said, *(word for words in spellings.values() for word in words)})
    sounds = pronunciations(everything)
    forbidden = sounds_of(said, sounds)
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
            another = syllable_count(label) == 1 and (word in known[label] or word in COMMON_WORDS)
            if not another and differs_by_vowels_alone(sounds[word], sounds[label]):
                continue  # many people say the label so; ``lift`` is not ``left``, though
            if nearest <= _LARGEST_DISTANCE and distinct and is_regular(sounds[word], sounds[label]):
                invented = word not in known[label]  # of those that are equally near, words that people say go first
                rated.append((nearest, invented, rng.random(), word))
        for word in _by_place([word for *_, word in sorted(rated)], label):
            if wanted > 0 and sounds[word] not in heard and word not in chosen:
                chosen.append(word)
                heard.add(sounds[word])
                wanted -= 1
    return sorted(chosen)


def _by_place(words: Sequence[str], label: str) -> list[str]:
    """Takes turns between phrases that have another first word than the label, another second one, and other words."""
    places: dict[tuple[int, ...], list[str]] = {}
    for word in words:
        pairs = itertools.zip_longest(word.split(), label.split())
        places.setdefault(tuple(index for index, (one, other) in enumerate(pairs) if one != other), []).append(word)
    return [word for turn in itertools.zip_longest(*places.values()) for word in turn if word]


def _respelled(label: str) -> set[str]:
    """Words with another beginning, another end or another vowel; phrases in which one word is changed so."""
    words = label.split()
    return {
        " ".join([*words[:place], other, *words[place + 1 :]])
        for place, word in enumerate(words)
        for other in _respelled_word(word)
    }


def _respelled_word(word: str) -> set[str]:
    parts = re.fullmatch(r"([^aeiouy]*)(.*?)([^aeiou]*)(e?)", word)
    assert parts is not None  # any word has these four, some of them empty
    onset, middle, coda, silent = parts.groups()
    found = {other + middle + coda + silent for other in (*_ONSETS, "")}
    found |= {onset + middle + other for other in _CODAS}
    first = re.match(r"([^aeiouy]*)([aeiouy]+)(.*)", word)
    if first:
        found |= {first[1] + other + first[3] for other in _VOWELS}
    return {other for other in found if len(other) > 1 and re.search("[aeiouy]", other) and other != word}
