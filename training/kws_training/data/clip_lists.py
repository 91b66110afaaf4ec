"""Lists of clips: text files with one path a line, such as those that say which clips validate and test."""

import re
from collections.abc import Iterable
from pathlib import Path

from kws_reference.audio.recordings import LISTS, Listing, named
from kws_reference.errors import KwsError
from kws_reference.labels import normalised


def has_lists(root: Path) -> bool:
    """Whether a folder says by itself how it is split."""
    return any((root / file).is_file() for file in LISTS.values())


def listed_clips(listing: Listing, notes: list[str]) -> dict[str, set[str]]:
    """Reads the lists of a folder.

    Args:
      listing: the folder.
      notes: gets a line for a list that names clips that are not there.

    Returns:
      For each split that has a list its clips.

    Raises:
      KwsError: a list cannot be read, or names clips but none of the folder.
    """
    listed = {}
    for part, file in LISTS.items():
        if not (listing.root / file).is_file():
            continue
        lines = read_names(listing.root / file, listing.root)
        listed[part], missing = find_names(lines, [item.name for item in listing.clips])
        if missing and not listed[part]:
            raise KwsError(
                f"{listing.root / file}: none of its {len(missing):,} lines is a recording here, first: {missing[0]}. "
                "Write one WORD/FILE.wav a line, as the folder has them, or take the list away."
            )
        if missing:
            notes.append(f"{file} names {len(missing):,} clips that are not here ({named(missing)})")
    return listed


def find_names(lines: Iterable[str], names: Iterable[str]) -> tuple[set[str], list[str]]:
    """Finds what a list means.

    Args:
      lines: of the list (`read_names`).
      names: of all clips.

    Returns:
      The names that a line is: exactly, or else but for the encoding of accents, or else but for case. And the lines
      that are none.
    """
    known: tuple[dict[str, list[str]], ...] = ({}, {}, {})
    for name in names:
        for forms, form in zip(known, _forms(name), strict=True):
            forms.setdefault(form, []).append(name)
    found, missing = set(), []
    for line in lines:
        matches = next((forms[form] for forms, form in zip(known, _forms(line), strict=True) if form in forms), [])
        found |= set(matches)
        if not matches:
            missing.append(line)
    return found, missing


def _forms(name: str) -> tuple[str, str, str]:
    return name, normalised(name), normalised(name).casefold()


def read_names(path: Path, root: Path | None = None) -> list[str]:
    """Reads a list of clips.

    Blank lines and lines that begin with ``#`` say nothing; ``\\`` counts as ``/``; ``./`` before a path, a byte order
    mark and Windows line ends are dropped; absolute paths become those below the folder.

    Args:
      path: text file with one path a line.
      root: the folder of the clips.

    Returns:
      Different names, in the order of the file.

    Raises:
      KwsError: it cannot be read as UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}). Give a list with one path a line.") from error
    except UnicodeDecodeError as error:
        raise KwsError(
            f"{path}: cannot be read (it is not a text file: save it as UTF-8). Give a list with one path a line."
        ) from error
    prefixes = [f"{folder.as_posix()}/" for folder in (root, root.resolve())] if root else []
    names: dict[str, None] = {}
    for line in re.split(r"[\r\n]+", text):
        name = line.strip().replace("\\", "/")
        if not name or name.startswith("#"):
            continue
        for prefix in prefixes if name.startswith("/") else ():
            name = name.removeprefix(prefix)
        parts = [part for part in name.split("/") if part != "."]
        names["/".join(part for index, part in enumerate(parts) if part or not index)] = None
    return list(names)
