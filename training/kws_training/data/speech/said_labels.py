"""Which words of running speech say a label: the label itself, what sounds the same (know, no), phrases of several."""

from collections.abc import Iterable, Sequence

from kws_reference.labels import folded

from kws_training.data.speech.corpus import words_of_text
from kws_training.data.speech.pronouncing import dictionary, pronounced
from kws_training.data.speech.word_times import SpokenWord

LONGEST_PAUSE_S = 0.5
"""Between the words of a phrase; with a longer one they do not say it."""


def homophones(labels: Sequence[str], vocabulary: Iterable[str] = ()) -> dict[str, frozenset[str]]:
    """The words that sound like each label, by the CMU dictionary; by espeak-ng for words that it has not.

    Args:
      labels: words or phrases; those that begin with ``_`` are none.
      vocabulary: words of the speech, which the dictionary may lack.

    Returns:
      For each label words in lower case, the label itself among them.

    Raises:
      KwsError: ``pocketsphinx``, which brings the dictionary, is not installed.
    """
    labels = [label for label in labels if not label.startswith("_")]
    known = dictionary()
    said = pronounced([*map(_plain, labels), *(word for word in set(vocabulary) if word not in known)])
    words_of_sound: dict[tuple[str, ...], set[str]] = {}
    for words in (known, said):
        for word, ways in words.items():
            for way in ways:
                words_of_sound.setdefault(way, set()).add(word)
    return {
        label: frozenset({_plain(label)}.union(*(words_of_sound[way] for way in said[_plain(label)])))
        for label in labels
    }


class LabelSpotter:
    """Finds labels among spoken words.

    Args:
      labels: of a model; silence and unknown words say nothing.
      vocabulary: words of the speech.

    Raises:
      KwsError: as `homophones`.
    """

    def __init__(self, labels: Sequence[str], vocabulary: Iterable[str] = ()):
        labels = [label for label in labels if not label.startswith("_")]
        vocabulary = list(vocabulary)
        parts = {label: words_of_text(label) for label in labels}
        alike = homophones([*labels, *(part for label in labels for part in parts[label])], vocabulary)
        self._whole = {label: alike[label] for label in labels}
        self._parts = {label: [alike[part] for part in parts[label]] for label in labels if len(parts[label]) > 1}

    def find(self, words: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
        """The labels that are said, each from its first to its last word, in order of time.

        Args:
          words: of one recording, in order of time.

        Returns:
          Spans whose `word` is the label as it was given.
        """
        found = []
        for index, word in enumerate(words):
            for label, alike in self._whole.items():
                if word.word in alike:
                    found.append(SpokenWord(word.start_s, word.end_s, label, word.doubt))
            for label, parts in self._parts.items():
                phrase = words[index : index + len(parts)]
                if len(phrase) == len(parts) and _is_said(phrase, parts):
                    doubt = next((part.doubt for part in phrase if part.doubt), "")
                    found.append(SpokenWord(word.start_s, max(part.end_s for part in phrase), label, doubt))
        return tuple(sorted(found, key=lambda item: (item.start_s, item.end_s)))

    def said_in(self, words: Sequence[str]) -> frozenset[str]:
        """The labels in the words of a transcript, in lower case, whose times nobody knows."""
        untimed = [SpokenWord(index / 10, (index + 1) / 10, word) for index, word in enumerate(words)]
        return frozenset(item.word for item in self.find(untimed))


def _is_said(phrase: Sequence[SpokenWord], parts: Sequence[frozenset[str]]) -> bool:
    pauses = [later.start_s - earlier.end_s for earlier, later in zip(phrase, phrase[1:], strict=False)]
    return max(pauses) <= LONGEST_PAUSE_S and all(word.word in alike for word, alike in zip(phrase, parts, strict=True))


def _plain(label: str) -> str:
    return folded(label).replace("\u2019", "'")
