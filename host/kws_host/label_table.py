"""Labels of recordings from a CSV file, in the place of the names of their folders."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.system.file_names import original


class LabelTable:
    """Labels by name of recording, and which of them were asked for."""

    def __init__(self, source: Path | None = None, labels: Mapping[str, str] | None = None):
        """Args: source: the file, for messages. labels: by path below the folder given, or its last part."""
        self._source = source
        self._labels = dict(labels or {})
        self._unused = dict(self._labels)

    @classmethod
    def read(cls, path: Path, known: Sequence[str]) -> "LabelTable":
        """Reads lines ``FILE,LABEL``; FILE is written as its bytes are, or as tables show it.

        Args:
          path: the file.
          known: labels of the model.

        Raises:
          KwsError: the file cannot be read, a row has other columns, or a label is not the model's.
        """
        labels = {original(file): label for file, label in _rows(path)}
        for label in labels.values():
            if label not in known:
                raise KwsError(f"{path}: the model has no label {label!r}. It has: {', '.join(known)}.")
        return cls(path, labels)

    def label_of(self, path: str, name: str, otherwise: str) -> str:
        """The label of a recording. Args: path: as found. name: its last part. otherwise: if the table has neither."""
        for key in (name, path):
            self._unused.pop(key, None)
        return self._labels.get(path, self._labels.get(name, otherwise))

    def require_all_used(self) -> None:
        """Raises KwsError when a row names none of the recordings that were asked for."""
        if self._unused:
            raise KwsError(
                f"{self._source}: no recording is called {next(iter(self._unused))!r} ({len(self._unused)} of "
                f"{len(self._labels)} rows match none). Name files by their path in the folder, or by their last part."
            )


def _rows(path: Path) -> list[tuple[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    except (OSError, csv.Error) as error:
        raise KwsError(f"cannot read labels from {path}: {error}. Expected lines FILE,LABEL.") from None
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise KwsError(f"{path}: row {number} has {len(row)} columns. Expected FILE,LABEL.")
    return [(file.strip(), label.strip()) for file, label in rows if (file, label) != ("file", "label")]
