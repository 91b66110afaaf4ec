"""Recordings to run: files, folders with labels, or a list in a CSV file."""

import csv
import dataclasses
import logging
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import (
    NO_FOLDER,
    Listing,
    deeper_labels,
    find_recordings,
    label_of,
    left_out_lines,
    named,
)
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.labels import UNKNOWN, folded
from kws_reference.system.file_names import original, shown

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes:
      path: the WAV file.
      name: short name for tables and reports, as `kws_reference.system.file_names.shown` writes it.
      expected: its label, or "" when nobody said.
    """

    path: Path
    name: str
    expected: str

    def read(self, bundle: Bundle) -> np.ndarray:
        """Returns int16 ``[samples]``, filled up with zeros to one second as the canonical test set is.

        Raises:
          KwsError: the file cannot be read as WAV.
        """
        rate = bundle.frontend.sample_rate_hz
        pcm = read_wav(self.path, rate)
        return np.pad(pcm, (0, max(0, rate - len(pcm))))


def _label(name: str, folder: str, labels: Sequence[str], of_top: bool) -> str:
    """The label of a file below a folder that was given, by its first folder, or by the folder given itself."""
    own = label_of(folder, labels)
    if own == UNKNOWN and folded(folder) != UNKNOWN:  # any folder may lie around, unlike in one that was given
        own = ""
    return own if of_top or "/" not in name else label_of(name.split("/", 1)[0], labels)


def _tell(listing: Listing, labels: Sequence[str]) -> None:
    left_out = {reason: names for reason, names in listing.not_clips().items() if reason != NO_FOLDER}
    for line in left_out_lines(listing.root, left_out):
        log.info(line)
    deeper = deeper_labels(listing.clips, labels)
    if deeper:
        log.info(
            f"{listing.root}: {len(deeper):,} recordings are expected as the first folder says "
            f"({named([item.name for item in deeper])}), not as a deeper one that is called like a label. Give the "
            "folder above the labels."
        )


def _read_labels(path: Path) -> dict[str, str]:
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    except (OSError, csv.Error) as error:
        raise KwsError(f"cannot read labels from {path}: {error}. Expected lines FILE,LABEL.") from None
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise KwsError(f"{path}: row {number} has {len(row)} columns. Expected FILE,LABEL.")
    return {file.strip(): label.strip() for file, label in rows if (file, label) != ("file", "label")}


def find(
    paths: Sequence[Path],
    bundle: Bundle,
    *,
    labels_csv: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> list[Clip]:
    """Lists recordings in a fixed order.

    Args:
      paths: WAV files, and folders that hold WAV files or folders of them named after their label
        (`kws_reference.audio.recordings`); stderr tells what is left out.
      bundle: gives the labels.
      labels_csv: lines ``FILE,LABEL``; FILE as found (relative to the folder given) or its last part, as bytes of the
        name or as tables show it.
      limit: at most so many, drawn with ``seed``, still in order.
      seed: of the draw.

    Raises:
      KwsError: a path does not exist or is no file, nothing was found, a label of the CSV is not the model's, or one of
        its files is none of the recordings.
    """
    known = {original(file): label for file, label in _read_labels(labels_csv).items()} if labels_csv else {}
    for label in known.values():
        if label not in bundle.labels:
            raise KwsError(f"{labels_csv}: the model has no label {label!r}. It has: {', '.join(bundle.labels)}.")
    clips: list[Clip] = []
    unused = dict(known)

    def expected(path: str, name: str, folder_label: str) -> str:
        for key in (name, path):
            unused.pop(key, None)
        return known.get(path, known.get(name, folder_label))

    for path in paths:
        if path.is_dir():
            listing = find_recordings(path)
            labelled = set(listing.clips)
            found = [item for item in listing.recordings if item in labelled or not item.folder]
            if not found:
                others = [f"{reason} ({named(names)})" for reason, names in listing.not_clips().items()]
                held = f" It holds: {'; '.join(others)}." if others else ""
                raise KwsError(f"no WAV files in {path}. Give WAV files or folders that hold them.{held}")
            _tell(listing, bundle.labels)
            folder = path.resolve().name
            # A folder that is a label's own may sort its recordings by person.
            known_folders = {folded(label) for label in bundle.labels}
            of_top = (
                not known_folders & {folded(item.folder) for item in listing.clips} and folded(folder) in known_folders
            )
            for item in found:
                label = _label(item.name, folder, bundle.labels, of_top)
                clips.append(Clip(item.path, shown(item.name), expected(item.name, item.path.name, label)))
        elif path.is_file() or path.is_fifo():
            label = _label(path.name, path.resolve().parent.name, bundle.labels, of_top=True)
            clips.append(Clip(path, shown(path.name), expected(path.as_posix(), path.name, label)))
        elif path.exists():
            raise KwsError(f"{path} is neither a file nor a folder. Give WAV files or folders that hold them.")
        else:
            raise KwsError(f"no such file or folder: {path}. Give WAV files or folders that hold them.")
    if unused:
        raise KwsError(
            f"{labels_csv}: no recording is called {next(iter(unused))!r} ({len(unused)} of {len(known)} rows match "
            "none). Name files by their path in the folder, or by their last part."
        )
    if limit is not None:
        if limit < 1:
            raise KwsError(f"--limit must be at least 1. Received: {limit}.")
        if limit < len(clips):
            chosen = sorted(random.Random(seed).sample(range(len(clips)), limit))
            clips = [clips[index] for index in chosen]
    return clips
