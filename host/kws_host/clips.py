"""Recordings to run: files, folders with labels, or a list in a CSV file."""

import csv
import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio import read_wav
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.file_names import original, shown

SKIPPED_FOLDERS = ("_background_noise_",)  # minutes of noise, no clips
SILENCE, UNKNOWN = "_silence_", "_unknown_"


@dataclasses.dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes:
      path: the WAV file.
      name: short name for tables and reports, as `kws_reference.file_names.shown` writes it.
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


def _label_of_folder(name: str, labels: Sequence[str]) -> str:
    """Word folders of words that the model does not know hold the unknown class."""
    if name in labels:
        return name
    return UNKNOWN if UNKNOWN in labels else ""


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
      paths: WAV files, and folders that hold WAV files or folders of them named after their label.
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
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".wav" and file.is_file())
            files = [file for file in files if not set(SKIPPED_FOLDERS) & set(file.relative_to(path).parts[:-1])]
            if not files:
                raise KwsError(f"no WAV files in {path}. Give WAV files or folders that hold them.")
            for file in files:
                name = file.relative_to(path).as_posix()
                # Files right in the folder belong to its own name where that is a label; deeper ones to their folder's.
                nested = file.parent != path
                folder = file.parent.name if nested else path.resolve().name
                label = _label_of_folder(folder, bundle.labels) if nested or folder in bundle.labels else ""
                clips.append(Clip(file, shown(name), expected(name, file.name, label)))
        elif path.is_file() or path.is_fifo():
            folder = path.resolve().parent.name
            label = folder if folder in bundle.labels else ""
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
