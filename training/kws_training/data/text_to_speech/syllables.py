"""Syllables of English spellings, well enough to say a half of a word."""

import functools
import re

_VOWELS = "aeiouy"
_SILENT_E = re.compile(r"(?<=[aeiouy])([^aeiouy]+)e$")
_TOGETHER = ("ch", "ck", "gh", "ph", "sh", "th", "wh", "ng")


def syllables(word: str) -> list[str]:
    """Parts a word behind its vowels: of several consonants between two vowels the first stays with the first vowel.

    Args:
      word: one word in lower case.

    Returns:
      The parts, which make up the word; an ``e`` at its end that follows a consonant is no vowel.
    """
    spoken = _SILENT_E.sub(lambda match: match[1] + "'", word)  # the sign keeps its place and is no vowel
    groups = list(re.finditer(f"[{_VOWELS}]+", spoken.replace("qu", "q'")))
    cuts = []
    for first, second in zip(groups, groups[1:], strict=False):
        between = spoken[first.end() : second.start()]
        stays = 0 if len(between) == 1 else 2 if between[:2] in _TOGETHER and len(between) > 2 else 1
        if between in _TOGETHER:
            stays = 0
        cuts.append(first.end() + stays)
    return [word[start:end] for start, end in zip([0, *cuts], [*cuts, len(word)], strict=True)]


@functools.cache
def syllable_count(text: str) -> int:
    """Syllables of a word or phrase."""
    return sum(len(syllables(word)) for word in text.lower().split())


def halves(word: str) -> list[str]:
    """Beginnings and ends of a word of several syllables: ``jar`` and ``vis`` of ``jarvis``."""
    parts = syllables(word)
    cuts = range(1, len(parts))
    found = [half for cut in cuts for half in ("".join(parts[:cut]), "".join(parts[cut:]))]
    return [half for half in dict.fromkeys(found) if len(half) > 1 and re.search(f"[{_VOWELS}]", half)]
