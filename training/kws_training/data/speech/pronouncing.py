"""How English words are said, in the 39 phones of the CMU dictionary: by that dictionary, by espeak-ng, or by rule."""

import functools
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.data.text_to_speech.voices import ESPEAK, output_of

Phones = tuple[str, ...]
Ways = tuple[Phones, ...]
"""The ways in which a word is said, the usual one first."""

INSTALL = "Install it: pip install 'kws-kit[training]'."
_ACCENT = "en-us"
_PHONES_OF_IPA = {
    **{"tʃ": "CH", "dʒ": "JH", "ʃ": "SH", "ʒ": "ZH", "θ": "TH", "ð": "DH", "ŋ": "NG", "ɡ": "G", "ɹ": "R", "ɾ": "T"},
    **{"j": "Y", "h": "HH", "x": "K", "ʔ": "T", "ɬ": "L", "ç": "HH", "r": "R", "g": "G"},
    **{char: char.upper() for char in "bdfklmnpstvwz"},
    **{"aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "aɪɚ": "AY ER", "aɪə": "AY AH"},
    **{"ɑːɹ": "AA R", "ɔːɹ": "AO R", "oːɹ": "AO R", "ɛɹ": "EH R", "ɪɹ": "IH R", "ʊɹ": "UH R", "iə": "IY AH"},
    **{"ɑː": "AA", "ɑ": "AA", "ɒ": "AA", "ɔː": "AO", "ɔ": "AO", "oː": "AO", "o": "OW", "æ": "AE", "a": "AE"},
    **{"aː": "AA", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɛ": "EH", "e": "EH", "ɜː": "ER", "ɚ": "ER", "ɜ": "ER"},
    **{"ɪ": "IH", "ᵻ": "IH", "iː": "IY", "i": "IY", "ʊ": "UH", "uː": "UW", "u": "UW", "əl": "AH L", "n̩": "AH N"},
}
_PHONES_OF_LETTERS = {
    **{"tch": "CH", "igh": "AY", "sch": "S K", "eau": "OW", "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO"},
    **{"ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "ck": "K", "ng": "NG", "qu": "K W", "wh": "W", "kn": "N"},
    **{"wr": "R", "ee": "IY", "ea": "IY", "ie": "IY", "ei": "EY", "ai": "EY", "ay": "EY", "oa": "OW", "oo": "UW"},
    **{"ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "au": "AO", "aw": "AO", "ew": "UW", "ue": "UW", "ar": "AA R"},
    **{"er": "ER", "ir": "ER", "ur": "ER", "or": "AO R", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F"},
    **{"g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P"},
    **{"q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z"},
}


def sphinx_model(part: str) -> str:
    """Path of a part of the English model that PyPI's ``pocketsphinx`` brings.

    Raises:
      KwsError: the package is not installed.
    """
    try:
        import pocketsphinx
    except ImportError as error:
        raise KwsError(
            f"pocketsphinx, whose dictionary tells how words are said, is not there ({error}). {INSTALL}"
        ) from None
    return pocketsphinx.get_model_path(part)


@functools.lru_cache(1)
def dictionary() -> Mapping[str, Ways]:
    """The CMU dictionary as ``pocketsphinx`` has it: about 126,000 words in lower case.

    Raises:
      KwsError: the package is not installed.
    """
    ways: dict[str, list[Phones]] = {}
    for line in Path(sphinx_model("en-us/cmudict-en-us.dict")).read_text().splitlines():
        word, *phones = line.split()
        ways.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(tuple(phones))
    return {word: tuple(found) for word, found in ways.items()}


def pronounced(words: Iterable[str]) -> dict[str, Ways]:
    """How each of these words is said.

    Words outside of the dictionary are pronounced by espeak-ng where it is installed, else by rules of spelling, which
    is enough to find when they were said. A phrase is said as its words, one behind the other.

    Args:
      words: in lower case.

    Returns:
      The ways of each word; none of what has no letter or digit that can be said.

    Raises:
      KwsError: ``pocketsphinx`` is not installed.
    """
    known = dictionary()
    words = list(dict.fromkeys(words))
    parts = {word: _parts(word) for word in words}
    strange = list(dict.fromkeys(part for word in words for part in parts[word] if part not in known))
    guessed = _by_espeak(strange) if strange and shutil.which(ESPEAK) else {}
    ways: dict[str, Ways] = {}
    for word in words:
        said: Ways = ((),)
        for part in parts[word]:
            here = known.get(part) or guessed.get(part) or _by_rule(part)
            said = tuple((*before, *way) for before in said for way in here)
        ways[word] = tuple(way for way in dict.fromkeys(said) if way)
    return ways


def _parts(word: str) -> list[str]:
    return [word] if word in dictionary() else re.findall(r"[^\W_]+(?:'[^\W_]+)*", word)


def _by_espeak(words: list[str]) -> dict[str, Ways]:
    """What espeak-ng says of each word; of words that it cannot say nothing."""
    text = "".join(f"{word}.\n\n" for word in words)
    lines = [
        line.strip()
        for line in output_of([ESPEAK, "-q", "-v", _ACCENT, "--ipa=1", "--sep=_", "--stdin"], text).splitlines()
    ]
    lines = [line for line in lines if line]
    if len(lines) != len(words):
        return {} if len(words) == 1 else {key: way for word in words for key, way in _by_espeak([word]).items()}
    return {word: (way,) for word, line in zip(words, lines, strict=True) if (way := _of_ipa(line))}


def _of_ipa(line: str) -> Phones:
    """Phones of what espeak-ng prints; () if it holds a sound that English has not."""
    phones: list[str] = []
    for sound in re.split(r"[_ ]+", re.sub("[ˈˌ]", "", line)):
        found = _PHONES_OF_IPA.get(sound) or _PHONES_OF_IPA.get(sound.replace("ː", ""))
        if found is None and re.search(r"\w", sound):
            return ()
        phones += (found or "").split()
    return tuple(phones)


def _by_rule(word: str) -> Ways:
    phones: list[str] = []
    rest = word.replace("'", "")
    if len(rest) > 3 and rest.endswith("e"):
        rest = rest[:-1]
    while rest:
        size = next((size for size in (4, 3, 2, 1) if rest[:size] in _PHONES_OF_LETTERS and len(rest) >= size), 0)
        found = _PHONES_OF_LETTERS[rest[:size]].split() if size else []
        phones += found if found != phones[-1:] else []  # a doubled consonant is one
        rest = rest[size or 1 :]
    return (tuple(phones),) if phones else ()
