"""The labels of a model by name: nothing may depend on where silence and unknown words stand, or on that they do."""

import enum
import functools
import re
import unicodedata
from collections.abc import Sequence

from kws_reference.errors import KwsError

MAX_NAME_BYTES = 200
"""UTF-8 bytes of a label, which names a folder, and of a state: layers are named ``<state>.depthwise2``."""

SILENCE, UNKNOWN = "_silence_", "_unknown_"

TEN_KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
"""Of the 12-label task of Speech Commands."""


class Kind(enum.IntEnum):
    """What a label stands for. The numbers enter the seeds of recordings."""

    SILENCE = 0
    UNKNOWN = 1
    KEYWORD = 2

    @classmethod
    def of(cls, name: str) -> "Kind":
        """The kind of a label by its name."""
        return _KINDS.get(name, cls.KEYWORD)


_KINDS = {SILENCE: Kind.SILENCE, UNKNOWN: Kind.UNKNOWN}


class LabelSet(tuple[str, ...]):
    """Names of labels in the order of a model's scores: row k is the name of score k.

    Silence and unknown words may stand anywhere, or nowhere.
    """

    @classmethod
    def of_words(cls, words: Sequence[str]) -> "LabelSet":
        """The labels of a training task: silence, unknown words, then these keywords."""
        return cls((SILENCE, UNKNOWN, *words))

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kind of each row."""
        return tuple(map(Kind.of, self))

    @property
    def keyword_rows(self) -> tuple[int, ...]:
        """Rows of the labels that are neither silence nor unknown words."""
        return tuple(row for row, kind in enumerate(self.kinds) if kind is Kind.KEYWORD)

    @property
    def keywords(self) -> tuple[str, ...]:
        """Their names, in the model's order."""
        return tuple(self[row] for row in self.keyword_rows)

    def row(self, name: str) -> int | None:
        """The row of a label, None if the model has it not."""
        return self.index(name) if name in self else None

    def rows_of(self, names: Sequence[str]) -> tuple[int | None, ...]:
        """The row of each of these labels, None for those that the model has not."""
        return tuple(map(self.row, names))


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
    if len(name.encode()) > MAX_NAME_BYTES:
        raise KwsError(f"{what} must have at most {MAX_NAME_BYTES} bytes in UTF-8. Received: {name[:60]!r}...")


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
