"""The labels of a model by name: nothing may depend on where silence and unknown words stand, or on that they do."""

import dataclasses
import functools
import re
import unicodedata
from collections.abc import Sequence

from kws_reference.errors import KwsError

LONGEST_NAME_BYTES = 200
"""Of a label: it names a folder, and travels in one message to the host."""

SILENCE, UNKNOWN = "_silence_", "_unknown_"


@dataclasses.dataclass(frozen=True)
class LabelSet:
    """Labels in the order of a model's scores.

    Attributes:
      names: all of them.
    """

    names: tuple[str, ...]

    @property
    def keyword_rows(self) -> tuple[int, ...]:
        """Rows of the labels that are neither silence nor unknown words."""
        return tuple(row for row, name in enumerate(self.names) if name not in (SILENCE, UNKNOWN))

    @property
    def keywords(self) -> tuple[str, ...]:
        """Their names, in the model's order."""
        return tuple(self.names[row] for row in self.keyword_rows)

    def row(self, name: str) -> int | None:
        """The row of a label, None if the model has it not."""
        return self.names.index(name) if name in self.names else None

    @property
    def row_of_kind(self) -> tuple[int | None, ...]:
        """The row of each class of the training side: silence, unknown words (None: not known), then `keywords`."""
        return (self.row(SILENCE), self.row(UNKNOWN), *self.keyword_rows)

    @property
    def kind_of_row(self) -> tuple[int, ...]:
        """Of each row the class of the training side: 0 silence, 1 unknown words, from 2 on `keywords`."""
        classes = (SILENCE, UNKNOWN, *self.keywords)
        return tuple(classes.index(name) for name in self.names)


@functools.lru_cache(1 << 16)
def normalised(name: str) -> str:
    """A name in composed Unicode (NFC), without blanks at its ends: macOS writes accents apart."""
    return unicodedata.normalize("NFC", name).strip()


@functools.lru_cache(1 << 16)
def folded(name: str) -> str:
    """What names of folders and labels are compared by: ``Hello_World`` and ``hello world`` are the same.

    Names that begin with ``_`` keep their ``_``: the folder ``silence`` is a word, ``_silence_`` is none.
    """
    name = normalised(unicodedata.normalize("NFC", name).casefold())
    return name if name.startswith("_") else " ".join(part for part in re.split(r"[\s_-]+", name) if part) or name


def check_name(name: str, what: str = "a label") -> None:
    """Refuses what cannot be shown in one line, or is no text at all.

    Args:
      name: one or more words, in any script.
      what: for the message.

    Raises:
      KwsError: it is empty, too long, or holds control characters or halves of characters.
    """
    if not name.strip():
        raise KwsError(f"{what} must have a name. Received: {name!r}.")
    for char in name:
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
            raise KwsError(f"{what} must be one line of text, without control characters. Received: {name!r}.")
    if len(name.encode()) > LONGEST_NAME_BYTES:
        raise KwsError(f"{what} must have at most {LONGEST_NAME_BYTES} bytes in UTF-8. Received: {name[:60]!r}...")


def words_of(text: str, option: str) -> tuple[str, ...]:
    """Words or phrases from a command line, each of which can name a folder.

    Args:
      text: with commas between; spaces around and inside of a phrase count once.
      option: for the message.

    Raises:
      KwsError: none is named, one twice (`folded`), one that cannot be a folder's name, or
        one that begins with the "_" of ``_silence_`` and ``_unknown_``.
    """
    what = f"{option}: a word"
    words = [unicodedata.normalize("NFC", word.strip(" ")) for word in text.split(",")]
    words = [word for word in words if word]
    if not words:
        raise KwsError(f"{option} names no word. Give words with commas between. Received: {text!r}.")
    known: dict[str, str] = {}
    for number, word in enumerate(words):
        check_name(word, what)
        words[number] = word = " ".join(word.split())
        if word.startswith("_"):
            raise KwsError(
                f"{option}: words that begin with _ are reserved; silence and unknown come by themselves. "
                f"Received: {word}."
            )
        if word.startswith((".", "-")) or set(word) & set("/\\"):
            raise KwsError(
                f"{option}: a word names a folder: no slash or backslash in it, no dot or hyphen in front. "
                f"Received: {word!r}."
            )
        same = folded(unicodedata.normalize("NFKC", word))
        if same in known:
            other = "" if known[same] == word else f" ({known[same]} is the same)"
            raise KwsError(f"{option} names {word} twice{other}. Give every word once.")
        known[same] = word
    return tuple(words)


def label_set(names: Sequence[str]) -> LabelSet:
    """The labels of a bundle or a run. Args: names: in the order of its scores."""
    return LabelSet(tuple(names))
