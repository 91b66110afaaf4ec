"""Which recordings of which folders make a set of clips; nothing of them is read yet.

What a recording is says `kws_reference.audio.recordings`, which of them train `kws_training.data.splits`.
"""

import dataclasses
import filecmp
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.recordings import LISTS, Listing, Recording, find_recordings, named
from kws_reference.errors import KwsError
from kws_reference.labels import UNKNOWN, Kind, normalised

from kws_training.data.clip_lists import find_names, has_lists, listed_clips, read_names
from kws_training.data.clips import ClipSpec, FolderSpec, folder_label
from kws_training.data.folder_log import log_folder, log_split
from kws_training.data.speakers import known_speakers, person_of
from kws_training.data.splits import SPLITS, Rule, Split, divide

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Selection:
    """What a set of clips is made from.

    Attributes:
      files: recordings, in the order of the set.
      noise: background recordings of the main folder.
      silent_clips: how many to draw from the noise.
      held: recordings of the main folder that must not train.
    """

    files: Sequence[Recording] = ()
    noise: Sequence[Recording] = ()
    silent_clips: int = 0
    held: Sequence[Recording] = ()


def select(spec: ClipSpec, rng: np.random.Generator) -> Selection:
    """Chooses the recordings of a specification; the log says how they are split and what is left out.

    Args:
      spec: which clips.
      rng: draws unknown words for validation and testing.

    Returns:
      The recordings of ``speech_commands``, then those of ``folders``, sorted by path in each.

    Raises:
      KwsError: there are none, a keyword has none to train with, or a folder or a list does not fit.
    """
    main = _of_main_folder(spec.speech_commands, spec, rng) if spec.speech_commands else Selection()
    files = list(main.files)
    for folder in spec.folders:
        files += _of_further_folder(folder, spec.words, main.held)
    if not files:
        raise KwsError(
            f"no clips: the {spec.split} split of {spec.speech_commands} is empty, and so is every other folder."
        )
    if spec.speech_commands is not None and spec.split == "training":
        _check_every_word_trains(files, spec.words)
    return dataclasses.replace(main, files=files)


def _check_every_word_trains(files: Sequence[Recording], words: Sequence[str]) -> None:
    labels = [folder_label(item.folder, words) for item in files]
    absent = [word for word in words if word not in labels]
    if absent:
        folders = sorted({item.folder for item, label in zip(files, labels, strict=True) if label == UNKNOWN})
        raise KwsError(
            f"no training recordings of {', '.join(absent)}. Correct the labels or add folders of these names."
            + (f" Folders of other names: {named(folders, 10)}." if folders else "")
        )


def _of_main_folder(root: Path, spec: ClipSpec, rng: np.random.Generator) -> Selection:
    """What ``speech_commands`` gives: its split, and of validation and testing only a share of the unknown words."""
    listing = _listing(root)
    division = divide(listing, spec.words, spec.split_by)
    log_folder(listing, spec.words)
    log_split(listing, division, spec.words)
    files = [item for item in listing.clips if division.part[item.name] == spec.split]
    if spec.split == "training":
        held = [item for item in listing.clips if division.part[item.name] != "training"]
        return Selection(files, listing.noise, held=held)
    labels = {item.name: folder_label(item.folder, spec.words) for item in files}
    keywords = sum(Kind.of(label) is Kind.KEYWORD for label in labels.values())
    unknown = [name for name, label in labels.items() if label == UNKNOWN]
    count = min(len(unknown), math.ceil(keywords * spec.unknown_percent / 100))
    taken = {unknown[index] for index in rng.permutation(len(unknown))[:count]}
    if not keywords:
        raise KwsError(
            f"no clips: the {spec.split} split of {root} is empty, it has no recording of a label. "
            f"List some in {LISTS[spec.split]}, or record more."
        )
    lacking = [word for word in spec.words if word not in labels.values()]
    if lacking:
        log.info(f"the {spec.split} split of {root} has no recording of {', '.join(lacking)}")
    files = [item for item in files if labels[item.name] != UNKNOWN or item.name in taken]
    return Selection(files, listing.noise, silent_clips=math.ceil(keywords * spec.silence_percent / 100))


def _of_further_folder(folder: FolderSpec, words: Sequence[str], held: Sequence[Recording]) -> list[Recording]:
    listing = find_recordings(folder.path)
    log_folder(listing, words, noise_is_heard=False)
    names = read_names(folder.names, folder.path) if folder.names is not None else None
    clips = list(listing.clips)
    if not clips:
        raise KwsError(f"{folder.path}: holds no <label>/<clip>.wav.{_what_else(listing)}")
    if names is not None:
        clips = _listed(clips, names, folder)
    if folder.part is not None:
        clips = _of_part(clips, folder.part, listing)
    if folder.to_train:
        clips = _not_kept(clips, listing)
    if folder.but_speakers:
        clips = _of_others(clips, folder)
    if folder.unknown_only:
        clips = [item for item in clips if folder_label(item.folder, words) == UNKNOWN]
    return _without_held(clips, held, folder.path)


def _listed(clips: list[Recording], names: Sequence[str], folder: FolderSpec) -> list[Recording]:
    """Those that the folder's list names; refuses a list that names others, or none."""
    wanted, missing = find_names(names, [item.name for item in clips])
    if missing:
        raise KwsError(f"{folder.names}: {len(missing)} of its clips are not in {folder.path}, first: {min(missing)}")
    if not wanted:
        raise KwsError(f"{folder.names}: lists no clip. Write one path a line, or leave the list out.")
    return [item for item in clips if item.name in wanted]


def _of_part(clips: list[Recording], part: Split, listing: Listing) -> list[Recording]:
    """Those of one split, by the folder's own lists where it has any, else by the official rule."""
    division = divide(listing, (), "lists" if has_lists(listing.root) else "hash")
    for note in division.notes:
        log.info(f"{listing.root}: {note}")
    return [item for item in clips if division.part[item.name] == part]


def _not_kept(clips: list[Recording], listing: Listing) -> list[Recording]:
    """Those that the folder's own lists do not keep for validation or testing."""
    notes: list[str] = []
    kept = set().union(*listed_clips(listing, notes).values())
    for note in notes:
        log.info(f"{listing.root}: {note}")
    held = [item.name for item in clips if item.name in kept]
    if held:
        log.info(f"{listing.root}: {len(held):,} clips do not train, its lists keep them ({named(held)})")
    return [item for item in clips if item.name not in kept]


def _of_others(clips: list[Recording], folder: FolderSpec) -> list[Recording]:
    """Those of other people than `FolderSpec.but_speakers`."""
    theirs = {item.name for item in clips if person_of(item.name) in folder.but_speakers}
    if theirs:
        log.info(
            f"{folder.path}: {len(theirs):,} clips do not train, those who say them validate in running speech "
            f"({named(sorted(theirs))})"
        )
    return [item for item in clips if item.name not in theirs]


def _without_held(more: list[Recording], held: Sequence[Recording], root: Path) -> list[Recording]:
    """Leaves out of further training clips those that validate or test: the same file, or a copy of the same name."""
    known = {normalised(item.name): item for item in held}
    copies = [
        item.name
        for item in more
        if normalised(item.name) in known and filecmp.cmp(item.path, known[normalised(item.name)].path, shallow=False)
    ]
    if copies:
        log.info(f"{root}: {len(copies):,} clips do not train, but validate or test ({named(copies)})")
    more = [item for item in more if item.name not in set(copies)]
    both = sorted(known_speakers(item.name for item in more) & known_speakers(item.name for item in held))
    if both:
        log.info(f"{root}: {len(both):,} of its speakers also validate or test, which flatters it ({named(both)})")
    return more


def _what_else(listing: Listing) -> str:
    """What a folder without clips holds in their place."""
    others = listing.not_clips()
    return (
        f" It holds: {'; '.join(f'{reason} ({named(names)})' for reason, names in others.items())}." if others else ""
    )


def index_speech_commands(
    root: str | Path, split: Split, split_by: Rule = "hash", words: Sequence[str] = ()
) -> list[str]:
    """Lists the clips of one split.

    Args:
      root: folder in the official layout.
      split: ``"training"``, ``"validation"`` or ``"testing"``.
      split_by: see `divide`.
      words: the keywords, by which ``"auto"`` chooses.

    Returns:
      Sorted paths below ``root``, such as ``<word>/<file>.wav``.

    Raises:
      KwsError: the folder is missing, no clip is there, or a list does not fit.
    """
    if split not in SPLITS:
        raise KwsError(f"split must be one of {', '.join(SPLITS)}. Received: {split!r}")
    return divide(_listing(root), words, split_by).names(split)


def _listing(root: str | Path) -> Listing:
    root = Path(root)
    if not root.is_dir():
        raise KwsError(f"{root}: no such folder. Download Speech Commands with kws-train fetch.")
    listing = find_recordings(root)
    if not listing.clips:
        raise KwsError(
            f"{root}: holds no <word>/<speaker>_nohash_<n>.wav. Give the folder of the unpacked archive, or one with a "
            f"folder of WAV files for each word.{_what_else(listing)}"
        )
    return listing
