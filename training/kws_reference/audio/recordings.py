"""What counts as a recording in a folder, and whose label it is: one rule for training and for devices.

- A recording is a file whose name ends in ``.wav`` or ``.wave``, in any case, at any depth.
- The first folder below the one given is its word: ``yes/1.wav`` and ``yes/anna/1.wav`` are both *yes*.
- A folder belongs to a label when both are the same but for case, Unicode normalisation, and blanks, ``-`` and ``_``
  between words (`folded`). ``_silence_`` and ``_unknown_`` hold silence and unknown words, ``_background_noise_`` long
  recordings of noise; other names that begin with ``_`` are reserved.
- Hidden files and folders and what macOS leaves behind (``._*``, ``__MACOSX``) are left out. So is whatever is no WAV
  file. `Listing.left_out` names all of it.
- Links are followed; what is reached twice is taken once.
"""

import dataclasses
import functools
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE, UNKNOWN, folded, normalised
from kws_reference.system.file_names import printable

BACKGROUND_FOLDER = "_background_noise_"
SUFFIXES = (".wav", ".wave")
LISTS = {"validation": "validation_list.txt", "testing": "testing_list.txt"}
"""Files of the official archive, in the folder's top, that say which clips validate and test."""

NOT_WAV = "audio that is no WAV file: convert it to 16-bit PCM WAV"
NO_AUDIO = "no audio"
HIDDEN = "hidden"
MACOS = "left behind by macOS"
RESERVED = f"in folders whose names begin with _ and are none of {SILENCE}, {UNKNOWN}, {BACKGROUND_FOLDER}"
NO_FOLDER = "not in the folder of a word"
EMPTY = "empty folders"
TWICE = "links to what is taken already"
DANGLING = "links to nothing"
SPECIAL = "no regular files"
MADE = "synthetic voices, made by --voices"
VOICES_RECORD = "voices.json"
"""File by which kws-train fit knows the voices that it made."""
_OTHER_AUDIO = (
    *(".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
    *(".w64", ".rf64", ".wma", ".amr", ".raw", ".pcm", ".sph", ".webm"),
)
_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Recording:
    """One file.

    Attributes:
      path: where it lies.
      name: path below the folder given, with ``/``.
    """

    path: Path
    name: str

    @functools.cached_property
    def folder(self) -> str:
        """The first folder of the name, its word; "" for a file right in the folder given."""
        first, slash, _ = self.name.partition("/")
        return normalised(first) if slash else ""

    @functools.cached_property
    def is_noise(self) -> bool:
        """Whether it lies in a folder of background noise, at any depth."""
        return any(folded(part) == BACKGROUND_FOLDER for part in self.name.split("/")[:-1])


@dataclasses.dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Attributes:
      root: the folder.
      recordings: sorted by name, noise and files right in the folder included.
      left_out: for each reason the names of what is no recording, sorted; folders end in ``/``.
    """

    root: Path
    recordings: tuple[Recording, ...]
    left_out: dict[str, tuple[str, ...]]

    @functools.cached_property
    def clips(self) -> tuple[Recording, ...]:
        """Recordings in the folder of a word, of silence or of unknown words."""
        return tuple(
            item for item in self.recordings if item.folder and not _reserved(item.folder) and not item.is_noise
        )

    @functools.cached_property
    def noise(self) -> tuple[Recording, ...]:
        """Recordings of background noise."""
        return tuple(item for item in self.recordings if item.is_noise)

    def not_clips(self) -> dict[str, tuple[str, ...]]:
        """`left_out`, and the recordings that are neither clips nor background noise."""
        others = {
            NO_FOLDER: tuple(item.name for item in self.recordings if not item.folder and not item.is_noise),
            RESERVED: tuple(item.name for item in self.recordings if _reserved(item.folder) and not item.is_noise),
        }
        return {reason: names for reason, names in (self.left_out | others).items() if names}


def find_recordings(root: str | Path) -> Listing:
    """Searches a folder through.

    Args:
      root: the folder; what its own path is called does not matter.

    Raises:
      KwsError: it is no folder, or one below it cannot be read.
    """
    root = Path(root)
    if not root.is_dir():
        raise KwsError(f"{root}: no such folder. Check the path.")
    return _Search(root).listing()


class _Search:
    """One search through a folder: what was found, what was left out and why, and what was seen already."""

    def __init__(self, root: Path):
        self._root = root
        self._found: list[Recording] = []
        self._left_out: defaultdict[str, list[str]] = defaultdict(list)
        self._links: list[tuple[str, Path]] = []  # followed when everything else is known
        self._seen: set[tuple[int, int]] = set()

    def listing(self) -> Listing:
        """Searches and returns what there is."""
        self._remember(os.stat(self._root))
        self._search("", self._root)
        while self._links:
            self._links.sort()
            self._follow(*self._links.pop(0))
        self._found.sort(key=lambda item: in_order(item.name))
        left_out = {reason: tuple(sorted(names, key=in_order)) for reason, names in sorted(self._left_out.items())}
        return Listing(self._root, tuple(self._found), left_out)

    def _remember(self, status: os.stat_result) -> bool:
        """Remembers a file or folder. Returns whether it is a new one."""
        identity = (status.st_dev, status.st_ino)
        if identity in self._seen:
            return False
        self._seen.add(identity)
        return True

    def _search(self, prefix: str, folder: Path) -> None:
        waiting = [(prefix, folder)]
        while waiting:
            prefix, folder = waiting.pop()
            entries = _entries(folder)
            if prefix and any(entry.name == VOICES_RECORD for entry in entries):  # of a run inside of the folder
                self._left_out[MADE].append(prefix)
                continue
            if not entries and prefix:
                self._left_out[EMPTY].append(prefix)
            for entry in entries:
                name, path = prefix + entry.name, folder / entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                if reason := _unwanted(entry.name):
                    self._left_out[reason].append(f"{name}/" if is_folder else name)
                elif entry.is_symlink():
                    self._links.append((name, path))
                elif not is_folder:
                    status = entry.stat(follow_symlinks=False)
                    self._remember(status)
                    self._take(name, path, status.st_mode)
                elif self._remember(entry.stat(follow_symlinks=False)):
                    waiting.append((f"{name}/", path))
                else:
                    self._left_out[TWICE].append(f"{name}/")

    def _follow(self, name: str, path: Path) -> None:
        """Takes what a link leads to."""
        try:
            status = os.stat(path)
        except OSError:  # or one that leads to itself
            self._left_out[DANGLING].append(name)
            return
        is_folder = stat.S_ISDIR(status.st_mode)
        if not self._remember(status):
            self._left_out[TWICE].append(f"{name}/" if is_folder else name)
        elif is_folder:
            self._search(f"{name}/", path)
        else:
            self._take(name, path, status.st_mode)

    def _take(self, name: str, path: Path, mode: int) -> None:
        """Takes a file if it is a recording."""
        suffix = path.suffix.casefold()
        if suffix in SUFFIXES and stat.S_ISREG(mode):
            self._found.append(Recording(path, name))
        elif suffix in SUFFIXES:
            self._left_out[SPECIAL].append(name)
        elif name not in (*LISTS.values(), VOICES_RECORD):
            self._left_out[NOT_WAV if suffix in _OTHER_AUDIO else NO_AUDIO].append(name)


def in_order(name: str) -> tuple[str, str]:
    """Key by which names are sorted, the same on every system: code points of the composed form."""
    return normalised(name), name


def label_of(folder: str, labels: Sequence[str]) -> str:
    """The label whose recordings a folder holds.

    Args:
      folder: name of a folder.
      labels: of the model or task, with or without ``_silence_`` and ``_unknown_``.

    Returns:
      One of the labels; of other words ``_unknown_``. "" when the labels have none that fits.
    """
    return _label_of(folder, tuple(labels))


@functools.lru_cache(1 << 14)
def _label_of(folder: str, labels: tuple[str, ...]) -> str:
    if folder in labels:  # before another one that differs by its case only
        return folder
    name = folded(folder)
    for label in labels:
        if folded(label) == name:
            return label
    return UNKNOWN if UNKNOWN in labels and name and not name.startswith("_") else ""


def deeper_labels(recordings: Iterable[Recording], labels: Sequence[str]) -> list[Recording]:
    """Recordings of other words below which a folder is called like a label, such as ``anna/yes/1.wav``."""
    wanted = {folded(label) for label in labels}
    other = [item for item in recordings if item.folder and folded(item.folder) not in wanted]
    return [
        item
        for item in other
        if not item.folder.startswith("_") and wanted & {folded(part) for part in item.name.split("/")[1:-1]}
    ]


def named(names: Sequence[str], shown: int = _SHOWN) -> str:
    """The first of some names, and how many there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return printable(", ".join(names[:shown]) + more)


def left_out_lines(root: str | Path, left_out: dict[str, tuple[str, ...]]) -> list[str]:
    """For people: what was not taken from a folder, a line for each reason; none if everything was."""
    return [f"left out of {root}, {reason}: {len(names):,} ({named(names)})" for reason, names in left_out.items()]


def _reserved(folder: str) -> bool:
    return folder.startswith("_") and folded(folder) not in (SILENCE, UNKNOWN)


def _unwanted(name: str) -> str:
    if name.startswith("._") or name == "__MACOSX":
        return MACOS
    return HIDDEN if name.startswith(".") else ""


def _entries(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: in_order(entry.name))
    except OSError as error:
        raise KwsError(
            f"{folder}: cannot be read ({error.strerror}). Correct its permissions or take it away."
        ) from None
