"""Transcripts of a folder of recordings: LibriSpeech's ``*.trans.txt`` and tables (``.tsv``) of file and text."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kws_reference.audio.recordings import SUFFIXES, named
from kws_reference.errors import KwsError
from kws_reference.labels import normalised

from kws_training.data.speech.word_times import WORD_TIMES

log = logging.getLogger(__name__)

LIBRISPEECH, TABLE = ".trans.txt", ".tsv"
CUTS = "cuts.tsv"
"""Table of the clips that kws-train cut made."""

_COLUMNS = (
    ("file", "path", "recording", "audio", "filename", "wav"),
    ("text", "sentence", "transcript", "transcription", "words"),
    ("speaker", "client_id", "speaker_id"),
)
_FORMAT = "Write lines of file, tab, text, and if wanted tab, speaker; no other tabs."


class Transcript(NamedTuple):
    """What is said in a recording, and by whom if the transcript says so ("" if not)."""

    text: str
    speaker: str = ""


def is_transcript(name: str) -> bool:
    """Whether a file that is no recording is a transcript, by its name."""
    name = name.rsplit("/", 1)[-1].casefold()
    return name.endswith(LIBRISPEECH) or name.endswith(TABLE) and name not in (WORD_TIMES, CUTS)


def read_transcripts(root: Path, files: Sequence[str], recordings: Sequence[str]) -> dict[str, Transcript]:
    """Reads all transcripts of a folder; the log says which of their lines name no recording.

    Args:
      root: the folder.
      files: transcripts, paths below it.
      recordings: names of the recordings.

    Returns:
      The transcript of each recording that has one.

    Raises:
      KwsError: a file cannot be read or has another format, names no recording at all, or two say different things.
    """
    known: dict[str, str] = {}
    for name in recordings:
        for form in _forms(name):
            known.setdefault(form, name)
    said: dict[str, Transcript] = {}
    for file in files:
        folder = file.rpartition("/")[0]
        missing: list[str] = []
        found = False
        for wanted, transcript in _lines(root / file):
            path = f"{folder}/{wanted}" if folder else wanted
            name = next((known[form] for form in _forms(path) if form in known), "")
            if not name:
                missing.append(wanted)
                continue
            found = True
            if said.setdefault(name, transcript).text != transcript.text:
                raise KwsError(
                    f"{root / file}: {name} has another text, in this file or in another one. Keep one of the two."
                )
        if missing and not found:
            raise KwsError(
                f"{root / file}: none of its {len(missing):,} lines names a WAV file, first: {missing[0]!r}. Paths "
                f"count from the folder of the file. {_FORMAT if file.casefold().endswith(TABLE) else ''}".rstrip()
            )
        if missing:
            log.info(f"{root / file}: {len(missing):,} of its lines name no WAV file ({named(missing)})")
    return said


def _forms(name: str) -> tuple[str, ...]:
    """What a recording may be called: its path, with or without a suffix, in any case."""
    parts: list[str] = []
    for part in normalised(name).split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    path = "/".join(parts)
    stem = path[: -len(Path(path).suffix)] if Path(path).suffix.casefold() in SUFFIXES else path
    return path, path.casefold(), stem, stem.casefold()


def _lines(path: Path) -> Iterator[tuple[str, Transcript]]:
    text = _read(path)
    if path.name.casefold().endswith(LIBRISPEECH):
        for line in text.splitlines():
            name, _, words = line.strip().partition(" ")
            if name:
                yield name, Transcript(words.strip())
        return
    rows = [(number, line.split("\t")) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    columns: tuple[int | None, ...] = (0, 1, None)
    if rows and (header := _header(rows[0][1])):
        columns, rows = header, rows[1:]
    else:
        columns = (0, 1, 2)
        for number, cells in rows:
            if not 2 <= len(cells) <= 3:
                raise KwsError(f"{path}, line {number}: has {len(cells)} columns. {_FORMAT} Received: {cells[0]!r}...")
    for _, cells in rows:
        file, words, speaker = (
            cells[column].strip() if column is not None and column < len(cells) else "" for column in columns
        )
        yield file.replace("\\", "/"), Transcript(words, normalised(speaker))


def _header(cells: Sequence[str]) -> tuple[int | None, ...] | None:
    """Which columns hold file, text and speaker, by a first line that names them; None if it does not."""
    names = [cell.strip().casefold() for cell in cells]
    columns = tuple(next((names.index(name) for name in known if name in names), None) for known in _COLUMNS)
    return columns if columns[0] is not None and columns[1] is not None else None


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}). Correct its permissions or take it away.") from None
    except UnicodeDecodeError:
        raise KwsError(f"{path}: is no text in UTF-8. Save it as UTF-8 or take it away.") from None
