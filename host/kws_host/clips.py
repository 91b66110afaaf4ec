"""Recordings to run, and the label that is expected of each: files, and folders of the labels' names."""

import dataclasses
import logging
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import (
    NO_AUDIO,
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
from kws_reference.system.file_names import shown

from kws_host.label_table import LabelTable

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes:
      path: the WAV file.
      name: short name for tables and reports, as `kws_reference.system.file_names.shown` writes it.
      expected: its label, or "" when nobody said.
      round: of a check that runs all recordings several times, from 1; 0: there is one.
    """

    path: Path
    name: str
    expected: str
    round: int = 0

    @property
    def title(self) -> str:
        """The name, and the round where there are several."""
        return f"{self.name} ({self.round})" if self.round else self.name

    def read(self, bundle: Bundle) -> np.ndarray:
        """Returns int16 ``[samples]``, filled up with zeros to one second as the canonical test set is.

        Raises:
          KwsError: the file cannot be read as WAV.
        """
        rate = bundle.frontend.sample_rate_hz
        pcm = read_wav(self.path, rate)
        return np.pad(pcm, (0, max(0, rate - len(pcm))))


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
      labels_csv: lines ``FILE,LABEL``, see `LabelTable`; FILE as found (relative to the folder given) or its last part.
      limit: at most so many, drawn with ``seed``, still in order.
      seed: of the draw.

    Raises:
      KwsError: a path does not exist or is no file, nothing was found, a label of the CSV is not the model's, or one of
        its files is none of the recordings.
    """
    table = LabelTable.read(labels_csv, bundle.labels) if labels_csv else LabelTable()
    clips: list[Clip] = []
    for path in paths:
        if path.is_dir():
            clips += _clips_of_folder(path, bundle.labels, table)
        elif path.is_file() or path.is_fifo():
            label = _label(path.name, path.resolve().parent.name, bundle.labels, of_top=True)
            clips.append(Clip(path, shown(path.name), table.label_of(path.as_posix(), path.name, label)))
        elif path.exists():
            raise KwsError(f"{path} is neither a file nor a folder. Give WAV files or folders that hold them.")
        else:
            raise KwsError(f"no such file or folder: {path}. Give WAV files or folders that hold them.")
    table.require_all_used()
    return draw(clips, limit, seed)


def find_speech(root: Path) -> list[Clip]:
    """Lists the recordings of a folder, whatever its subfolders are called, of which nothing is expected.

    Raises:
      KwsError: it is no folder, or holds no recordings.
    """
    listing = find_recordings(root)
    if not listing.recordings:
        raise KwsError(f"no WAV files in {root}. Give a folder of recordings.")
    for line in left_out_lines(
        listing.root, {why: names for why, names in listing.left_out.items() if why != NO_AUDIO}
    ):
        log.info(line)
    return [Clip(item.path, shown(item.name), "") for item in listing.recordings]


def _clips_of_folder(root: Path, labels: Sequence[str], table: LabelTable) -> list[Clip]:
    listing = find_recordings(root)
    labelled = set(listing.clips)
    found = [item for item in listing.recordings if item in labelled or not item.folder]
    if not found:
        others = [f"{reason} ({named(names)})" for reason, names in listing.not_clips().items()]
        held = f" It holds: {'; '.join(others)}." if others else ""
        raise KwsError(f"no WAV files in {root}. Give WAV files or folders that hold them.{held}")
    _tell(listing, labels)
    folder = root.resolve().name
    # A folder that is a label's own may sort its recordings by person.
    known = {folded(label) for label in labels}
    of_top = folded(folder) in known and not known & {folded(item.folder) for item in listing.clips}
    clips = []
    for item in found:
        label = _label(item.name, folder, labels, of_top)
        clips.append(Clip(item.path, shown(item.name), table.label_of(item.name, item.path.name, label)))
    return clips


def _label(name: str, folder: str, labels: Sequence[str], of_top: bool) -> str:
    """The label of a file below a folder that was given, by its first folder, or by the folder given itself."""
    own = label_of(folder, labels)
    if own == UNKNOWN and folded(folder) != UNKNOWN:  # any folder may lie around, unlike in one that was given
        own = ""
    return own if of_top or "/" not in name else label_of(name.split("/", 1)[0], labels)


def _tell(listing: Listing, labels: Sequence[str]) -> None:
    """Logs what is left out of a folder, and recordings whose label may be meant otherwise."""
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


def draw(clips: list[Clip], limit: int | None, seed: int) -> list[Clip]:
    """At most so many clips, in their order.

    Raises:
      KwsError: the limit is below 1.
    """
    if limit is None:
        return clips
    if limit < 1:
        raise KwsError(f"--limit must be at least 1. Received: {limit}.")
    if limit >= len(clips):
        return clips
    chosen = sorted(random.Random(seed).sample(range(len(clips)), limit))
    return [clips[index] for index in chosen]
