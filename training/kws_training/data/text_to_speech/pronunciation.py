"""How words sound, in phonemes: espeak-ng prints them, and flite where it is installed."""

import re
import shutil
from collections.abc import Iterable, Sequence

from kws_reference.errors import KwsError

from kws_training.data.text_to_speech.voices import ACCENTS, ESPEAK, FLITE, INSTALL, output_of

_VOICING = {frozenset(pair) for pair in ("pb", "td", "kɡ", "fv", "sz", "ʃʒ", "θð", "ɾt", "ɾd", ("tʃ", "dʒ"))}
_VOICING |= {frozenset(pair.split()) for pair in ("P B", "T D", "K G", "F V", "S Z", "SH ZH", "TH DH", "CH JH")}
_ACCENTS = tuple(sorted(set(ACCENTS)))
_VOWELS = frozenset("aeiouɐɑɒæɔəɘɚɛɜɝɞɤɨɪɯɵøœɶʉʊʌʏᵻᵿ")  # first letters, of espeak-ng and of flite; y is none of them
Ways = tuple[tuple[str, ...], ...]
"""How a word is said: phonemes by espeak-ng in each accent, then by flite if it is there."""
Sounds = set[tuple[str, ...]]


def pronunciations(words: Sequence[str]) -> dict[str, Ways]:
    """Returns the phonemes of each word: by espeak-ng in each of its accents, and by flite if it is there.

    Raises:
      KwsError: espeak-ng is missing, or prints something else than a line for each word.
    """
    if not shutil.which(ESPEAK):
        raise KwsError(f"{ESPEAK} is not on PATH; it tells which words sound alike. {INSTALL}")
    words = list(dict.fromkeys(words))
    text = "".join(f"{word}.\n\n" for word in words)
    ways = []
    for accent in _ACCENTS:
        lines = output_of([ESPEAK, "-q", "-v", accent, "--ipa=1", "--sep=_", "--stdin"], text).split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        if len(lines) == len(words):
            lines = [line.replace(" ", "_") if " " in word else line for word, line in zip(words, lines, strict=True)]
        ways.append([tuple(re.sub("[ˈˌː ]", "", line).split("_")) for line in lines])
    if shutil.which(FLITE):
        phones = output_of([FLITE, "-ps", "-voice", "kal", "-o", "none", "-t", text.replace("\n\n", " ")])
        ways.append([tuple(part.split()) for part in phones.split("pau") if part.strip()])
    if any(len(way) != len(words) for way in ways):
        raise KwsError(f"cannot tell how these words are pronounced: {', '.join(words[:5])}... Spell them otherwise.")
    return dict(zip(words, zip(*ways, strict=True), strict=True))


def distance(one: Sequence[str], other: Sequence[str]) -> float:
    """Returns the edit distance of two words in phonemes; a change of voicing alone, as from t to d, counts half."""
    row = [float(index) for index in range(len(other) + 1)]
    for first in one:
        before, row[0] = row[0], row[0] + 1.0
        for index, second in enumerate(other):
            cost = 0.0 if first == second else 0.5 if frozenset((first, second)) in _VOICING else 1.0
            before, row[index + 1] = row[index + 1], min(before + cost, row[index] + 1.0, row[index + 1] + 1.0)
    return row[-1]


def differs_by_vowels_alone(ways: Ways, label: Ways) -> bool:
    """Whether some program or accent says a word with a label's consonants: ``jurvis``, as many say ``jarvis``."""
    return any(_consonants(way) == _consonants(other) for way, other in zip(ways, label, strict=True))


def _consonants(way: Iterable[str]) -> list[str]:
    return [phoneme for phoneme in way if phoneme and phoneme[0] not in _VOWELS]


def distinct_words(words: Iterable[str], labels: Sequence[str]) -> list[str]:
    """Returns those of the words, in order, that do not sound like a label or its plural.

    Raises:
      KwsError: espeak-ng is missing.
    """
    words = list(dict.fromkeys(word.lower() for word in words))
    labels = [label.lower() for label in labels]
    sounds = pronunciations([*words, *labels])
    forbidden = sounds_of(labels, sounds)
    return [word for word in words if not sounds_like(sounds[word], forbidden)]


def sounds_like(ways: Ways, forbidden: tuple[Sounds, Sounds]) -> bool:
    """Whether espeak-ng in some accent, or flite, says a forbidden word."""
    return any(way in forbidden[index >= len(_ACCENTS)] for index, way in enumerate(ways))


def sounds_of(labels: Sequence[str], sounds: dict[str, Ways]) -> tuple[Sounds, Sounds]:
    """The labels and their plurals, as espeak-ng says them in any accent and as flite does."""
    forbidden: tuple[Sounds, Sounds] = (set(), set())
    for label in labels:
        for index, way in enumerate(sounds[label]):
            ends = ((), ("s",), ("z",), *((vowel, "z") for vowel in ("ɪ", "ᵻ", "ax", "ih")))
            forbidden[index >= len(_ACCENTS)].update((*way, *end) for end in ends)
    return forbidden


def shares_its_beginning(ways: Ways, label: Ways) -> bool:
    """Whether one is the other's beginning: a detector hears a label in its longer form, and in a swallowed end."""
    return any(way[: len(other)] == other[: len(way)] for way in ways for other in label)


def is_regular(ways: Ways, label: Ways) -> bool:
    """Whether all programs say about the same, as they do of a label; some spell a strange word by its letters."""
    return _spread(ways) <= max(1, _spread(label))


def _spread(ways: Ways) -> int:
    return max(map(len, ways)) - min(map(len, ways))
