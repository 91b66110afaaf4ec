"""Times of words in recordings: a table (``words.tsv``) of recording, start, end and word."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.system.files import replace

WORD_TIMES = "words.tsv"
"""Name of the table in a folder of speech and in what kws-train cut writes."""

_HEADER = ("recording", "start_s", "end_s", "word")


@dataclasses.dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word in a recording.

    Attributes:
      start_s: where it begins, seconds from the recording's beginning.
      end_s: where it ends, behind `start_s`.
      word: in lower case.
      doubt: why its times may be wrong, "" if checks found no fault. Of words that could not be placed each has the
        stretch in which they all are.
    """

    start_s: float
    end_s: float
    word: str
    doubt: str = ""

    @property
    def sure(self) -> bool:
        """Whether checks found no fault with its times."""
        return not self.doubt


def find_word_times(folder: Path, given: Path | None = None) -> dict[str, tuple[SpokenWord, ...]]:
    """Reads the word times of a speech folder.

    Args:
      folder: of the recordings.
      given: the table, if it lies elsewhere.

    Returns:
      As `read_word_times`; nothing if no table is given and the folder has none.

    Raises:
      KwsError: as `read_word_times`.
    """
    if given is None and not (folder / WORD_TIMES).is_file():
        return {}
    return read_word_times(given or folder / WORD_TIMES)


def read_word_times(path: str | Path) -> dict[str, tuple[SpokenWord, ...]]:
    """Reads a table of word times.

    Lines hold recording, start and end in seconds and word, with tabs between; a fifth column, if there, says why the
    times may be wrong. A first line with the columns' names may be there.

    Args:
      path: the file.

    Returns:
      The words of each recording, by its path below the speech folder, in order of time.

    Raises:
      KwsError: it cannot be read, or a line has another form.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}). Give a table that kws-train cut wrote.") from None
    except UnicodeDecodeError:
        raise KwsError(f"{path}: is no text in UTF-8. Give a table that kws-train cut wrote.") from None
    times: dict[str, list[SpokenWord]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("\t")
        if not line.strip() or number == 1 and tuple(cells[: len(_HEADER)]) == _HEADER:
            continue
        times.setdefault(cells[0].replace("\\", "/"), []).append(_spoken_word(cells, f"{path}, line {number}"))
    return {name: tuple(sorted(words, key=lambda word: (word.start_s, word.end_s))) for name, words in times.items()}


def _spoken_word(cells: Sequence[str], where: str) -> SpokenWord:
    if len(cells) < len(_HEADER) or not cells[3].strip():
        raise KwsError(f"{where}: must hold {', '.join(_HEADER)} with tabs between. Received: {' | '.join(cells)!r}.")
    try:
        start_s, end_s = float(cells[1]), float(cells[2])
    except ValueError:
        start_s = end_s = math.nan
    if not (0 <= start_s < end_s < math.inf):
        raise KwsError(
            f"{where}: times are seconds, 0 or later, start before end. Received: {cells[1]!r}, {cells[2]!r}."
        )
    return SpokenWord(start_s, end_s, cells[3].strip().casefold(), "".join(cells[4:5]).strip())


def write_word_times(path: str | Path, times: Mapping[str, Sequence[SpokenWord]]) -> None:
    """Writes a table that `read_word_times` reads, sorted by recording; times in milliseconds' precision.

    Raises:
      KwsError: it cannot be written.
    """
    path = Path(path)
    lines = ["\t".join(_HEADER)]
    for name in sorted(times):
        for word in sorted(times[name], key=lambda word: (word.start_s, word.end_s)):
            doubt = (word.doubt,) if word.doubt else ()
            lines.append("\t".join((name, f"{word.start_s:.3f}", f"{word.end_s:.3f}", word.word, *doubt)))
    try:
        replace(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise KwsError(f"cannot write {path}: {error.strerror}. Free space or choose another folder.") from None
