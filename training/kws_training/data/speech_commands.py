"""Finds and loads clips: the official Speech Commands layout, and folders with one subfolder for each label.

What a recording is says `kws_reference.audio.recordings`, which of them train `kws_training.data.splits`. The shares of
silence and unknown words are those of the data set's authors (P. Warden, "Speech Commands: A Dataset for
Limited-Vocabulary Speech Recognition", arXiv:1804.03209; TensorFlow's speech_commands example).
"""

import dataclasses
import filecmp
import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import convert_rate, read_wav
from kws_reference.audio.recordings import (
    BACKGROUND_FOLDER,
    LISTS,
    NOT_WAV,
    SILENCE,
    UNKNOWN,
    Listing,
    Recording,
    deeper_labels,
    find_recordings,
    folded,
    label_of,
    left_out_lines,
    named,
    normalised,
)
from kws_reference.audio.word_window import is_silent, word_start
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.data.made_noise import made_noise
from kws_training.data.splits import (
    SPLITS,
    Division,
    Rule,
    Split,
    divide,
    find_names,
    has_lists,
    known_speakers,
    listed_clips,
    read_names,
    spoken_word,
)

log = logging.getLogger(__name__)

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SYNTHETIC_SPEAKERS = ("espeak-", "flite-")
CLIP_SAMPLES = 16000
SAMPLE_RATE_HZ = 16000
_LIKE_RESERVED = {"silence": SILENCE, "noise": BACKGROUND_FOLDER, "background noise": BACKGROUND_FOLDER}


@dataclasses.dataclass(frozen=True)
class FolderSpec:
    """A folder with one subfolder for each label, such as the canonical test set.

    Attributes:
      path: the folder. Subfolders that are neither a word of the task nor ``_silence_`` count as unknown words.
      names: text file with one relative path a line (`read_names`); only these clips are taken. None: all.
      part: only this split, by the folder's own lists where it has any, else by the official rule. None: all.
      unknown_only: only the words that are no keyword.
      to_train: clips that the folder's own lists keep for validation or testing are left out.
    """

    path: Path
    names: Path | None = None
    part: Split | None = None
    unknown_only: bool = False
    to_train: bool = False


@dataclasses.dataclass(frozen=True)
class ClipSpec:
    """Which clips to load.

    Attributes:
      speech_commands: folder in the official layout (``<word>/<speaker>_nohash_<n>.wav``), or None.
      split: which part of ``speech_commands``.
      folders: further folders, taken whole (or by their list of names).
      words: the keywords; the labels are ``_silence_``, ``_unknown_`` and these, in order.
      split_by: how ``speech_commands`` is split, see `divide`.
      silence_percent: silent clips to add to a validation or testing split, in per cent of its keyword clips. Silence
        for training is drawn anew for every epoch (pipeline.py).
      unknown_percent: the same for unknown words; of a training split all are loaded, each epoch draws its share.
      seed: draws those silent clips and unknown words.
      sample_rate_hz: of the clips; recordings of another rate are converted (`read_wav`).
      clip_samples: length of a clip; None: a second.
    """

    speech_commands: Path | None = None
    split: Split = "training"
    folders: tuple[FolderSpec, ...] = ()
    words: tuple[str, ...] = WORDS
    split_by: Rule = "auto"
    silence_percent: float = 10.0
    unknown_percent: float = 10.0
    seed: int = 0
    sample_rate_hz: int = SAMPLE_RATE_HZ
    clip_samples: int | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the class indices."""
        return (SILENCE, UNKNOWN, *self.words)


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Clips in memory.

    Attributes:
      pcm: int16 ``[clips, samples]``, see `fit_clip`.
      labels: int64 ``[clips]``, indices into ``label_names``.
      words: the word that was spoken in each clip (`spoken_word`), for balancing unknown words.
      names: path of each clip below its folder, for reports.
      noise: the background recordings, int16, each at least one clip long; made up (`made_noise`) where
        ``speech_commands`` has none.
      label_names: names of the classes.
    """

    pcm: np.ndarray
    labels: np.ndarray
    words: tuple[str, ...]
    names: tuple[str, ...]
    noise: tuple[np.ndarray, ...]
    label_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def sha256(self) -> str:
        """Digest of what is learnt from: samples, labels and noise, in their order."""
        digest = hashlib.sha256(np.ascontiguousarray(self.labels).data)
        for samples in (self.pcm, *self.noise):
            digest.update(np.ascontiguousarray(samples).data)
        return digest.hexdigest()

    @property
    def synthetic(self) -> np.ndarray:
        """Which clips a program spoke (by the speaker in the file's name, see voices.py): bool ``[clips]``."""
        spoken = [name.rsplit("/", 1)[-1].startswith(SYNTHETIC_SPEAKERS) for name in self.names]
        return np.array(spoken, bool).reshape(len(self))


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


def _what_else(listing: Listing) -> str:
    """What a folder without clips holds in their place."""
    others = listing.not_clips()
    return (
        f" It holds: {'; '.join(f'{reason} ({named(names)})' for reason, names in others.items())}." if others else ""
    )


def _of_folder(spec: FolderSpec, listing: Listing, tell: Callable[[str], None]) -> list[Recording]:
    """The clips of a further folder; refuses one without clips and a list with others than it has."""
    listed = read_names(spec.names, spec.path) if spec.names else None
    clips = list(listing.clips)
    if not clips:
        raise KwsError(f"{spec.path}: holds no <label>/<clip>.wav.{_what_else(listing)}")
    if listed is not None:
        wanted, missing = find_names(listed, [item.name for item in clips])
        if missing:
            first = min(missing)
            raise KwsError(f"{spec.names}: {len(missing)} of its clips are not in {spec.path}, first: {first}")
        if not wanted:
            raise KwsError(f"{spec.names}: lists no clip. Write one path a line, or leave the list out.")
        clips = [item for item in clips if item.name in wanted]
    if spec.part is not None:
        division = divide(listing, (), "lists" if has_lists(listing.root) else "hash")
        for note in division.notes:
            tell(f"{spec.path}: {note}")
        clips = [item for item in clips if division.part[item.name] == spec.part]
    if spec.to_train:
        notes: list[str] = []
        kept = set().union(*listed_clips(listing, notes).values())
        for note in notes:
            tell(f"{spec.path}: {note}")
        held = [item.name for item in clips if item.name in kept]
        if held:
            tell(f"{spec.path}: {len(held):,} clips do not train, its lists keep them ({named(held)})")
        clips = [item for item in clips if item.name not in kept]
    return clips


def load_clips(spec: ClipSpec, tell: Callable[[str], None] = log.info) -> ClipSet:
    """Loads all clips of a specification.

    Args:
      spec: which clips.
      tell: is given, line by line, how they are split, what was left out, cut or is silent; stderr shows it.

    Returns:
      The clips in a fixed order: ``speech_commands``, then ``folders``, sorted by path in each.

    Raises:
      KwsError: nothing to load, or a file cannot be read.
    """
    if len({folded(word) for word in spec.words}) != len(spec.words) or not spec.words:
        raise KwsError(f"words must be different and at least one. Received: {', '.join(spec.words)}")
    if spec.split not in SPLITS:
        raise KwsError(f"split must be one of {', '.join(SPLITS)}. Received: {spec.split!r}")
    rng = np.random.default_rng([spec.seed, SPLITS.index(spec.split)])
    files, noise, silent_clips, held = _of_main_folder(spec, rng, tell) if spec.speech_commands else ([], (), 0, [])
    for folder in spec.folders:
        listing = find_recordings(folder.path)
        _tell_of_folder(listing, spec.words, tell, noise_is_heard=False)
        more = _of_folder(folder, listing, tell)
        more = [item for item in more if not folder.unknown_only or label_index(item.folder, spec.words) == 1]
        files += _without_held(more, held, folder.path, tell)
    if not files:
        raise KwsError(
            f"no clips: the {spec.split} split of {spec.speech_commands} is empty, and so is every other folder."
        )
    labels = [label_index(item.folder, spec.words) for item in files]
    absent = [word for index, word in enumerate(spec.words, 2) if index not in labels]
    if absent and spec.speech_commands is not None and spec.split == "training":
        folders = sorted({item.folder for item, label in zip(files, labels, strict=True) if label == 1})
        raise KwsError(
            f"no training recordings of {', '.join(absent)}. Correct the labels or add folders of these names."
            + (f" Folders of other names: {named(folders, 10)}." if folders else "")
        )
    heard = [
        spec.words[label - 2] if label >= 2 else spoken_word(item.name)
        for item, label in zip(files, labels, strict=True)
    ]
    samples = spec.clip_samples or spec.sample_rate_hz
    pcm = np.zeros((len(files) + silent_clips, samples), np.int16)
    _read(files, labels, pcm, spec.sample_rate_hz, tell)
    pcm[len(files) :] = silence(rng, noise, silent_clips, samples)
    return ClipSet(
        pcm=pcm,
        labels=np.array(labels + [0] * silent_clips, np.int64),
        words=(*heard, *[SILENCE] * silent_clips),
        names=(*(item.name for item in files), *(f"{SILENCE}/drawn_{index}" for index in range(silent_clips))),
        noise=noise,
        label_names=spec.labels,
    )


def _of_main_folder(
    spec: ClipSpec, rng: np.random.Generator, tell: Callable[[str], None]
) -> tuple[list[Recording], tuple[np.ndarray, ...], int, list[Recording]]:
    """What ``speech_commands`` gives: recordings, noise, how many silent clips to draw, clips that must not train."""
    listing = _listing(spec.speech_commands)
    division = divide(listing, spec.words, spec.split_by)
    _tell_of_folder(listing, spec.words, tell)
    _tell_of_split(listing, division, spec.words, tell)
    noise = _load_noise(listing, spec.sample_rate_hz, spec.clip_samples or spec.sample_rate_hz)
    if not noise:
        made = made_noise([spec.seed, SPLITS.index(spec.split)])
        noise = tuple(convert_rate(recording, SAMPLE_RATE_HZ, spec.sample_rate_hz) for recording in made)
    files = [item for item in listing.clips if division.part[item.name] == spec.split]
    if spec.split == "training":
        return files, noise, 0, [item for item in listing.clips if division.part[item.name] != "training"]
    labels = {item.name: label_index(item.folder, spec.words) for item in files}
    keywords = sum(label >= 2 for label in labels.values())
    unknown = [name for name, label in labels.items() if label == 1]
    count = min(len(unknown), math.ceil(keywords * spec.unknown_percent / 100))
    taken = {unknown[index] for index in rng.permutation(len(unknown))[:count]}
    if not keywords:
        raise KwsError(
            f"no clips: the {spec.split} split of {spec.speech_commands} is empty, it has no recording of a label. "
            f"List some in {LISTS[spec.split]}, or record more."
        )
    lacking = [word for index, word in enumerate(spec.words, 2) if index not in labels.values()]
    if lacking:
        tell(f"the {spec.split} split of {spec.speech_commands} has no recording of {', '.join(lacking)}")
    files = [item for item in files if labels[item.name] != 1 or item.name in taken]
    return files, noise, math.ceil(keywords * spec.silence_percent / 100), []


def _read(
    files: Sequence[Recording], labels: Sequence[int], pcm: np.ndarray, rate_hz: int, tell: Callable[[str], None]
) -> None:
    """Fills the first rows of ``pcm``; names every file that cannot be read."""
    lengths, starts = np.zeros(len(files), np.int64), np.zeros(len(files), np.int64)
    silent = np.zeros(len(files), bool)
    broken: dict[int, KwsError] = {}

    def load(row: int) -> None:
        try:
            samples = read_wav(files[row].path, rate_hz)
        except KwsError as error:
            broken[row] = error
            return
        lengths[row] = len(samples)
        pcm[row], starts[row] = fit_clip(samples, pcm.shape[1], rate_hz, is_word=labels[row] > 0)
        silent[row] = labels[row] > 0 and is_silent(pcm[row], rate_hz)

    with ThreadPoolExecutor(max_workers=2) as pool:
        progress = Progress("reading clips", len(files))
        for done, _ in enumerate(pool.map(load, range(len(files))), 1):
            progress.update(done)
    if broken:
        first, *others = sorted(broken)
        more = f" {len(others):,} more cannot be read: {named([files[row].name for row in others])}." if others else ""
        raise KwsError(f"{broken[first]}{more}")
    _tell_of_lengths(files, lengths / rate_hz, starts / rate_hz, silent, pcm.shape[1] / rate_hz, tell)


def _without_held(
    more: list[Recording], held: Sequence[Recording], root: Path, tell: Callable[[str], None]
) -> list[Recording]:
    """Leaves out of further training clips those that validate or test: the same file, or a copy of the same name."""
    known = {normalised(item.name): item for item in held}
    copies = [
        item.name
        for item in more
        if normalised(item.name) in known and filecmp.cmp(item.path, known[normalised(item.name)].path, shallow=False)
    ]
    if copies:
        tell(f"{root}: {len(copies):,} clips do not train, but validate or test ({named(copies)})")
    more = [item for item in more if item.name not in set(copies)]
    both = sorted(known_speakers(item.name for item in more) & known_speakers(item.name for item in held))
    if both:
        tell(f"{root}: {len(both):,} of its speakers also validate or test, which flatters it ({named(both)})")
    return more


def _tell_of_folder(
    listing: Listing, words: Sequence[str], tell: Callable[[str], None], noise_is_heard: bool = True
) -> None:
    left_out = listing.not_clips()
    if listing.noise and not noise_is_heard:
        left_out["background noise"] = tuple(item.name for item in listing.noise)
    for line in left_out_lines(listing.root, left_out):
        tell(line)
    labels = (SILENCE, UNKNOWN, *words)
    renamed = {item.folder: label_of(item.folder, labels) for item in listing.clips}
    renamed = {folder: label for folder, label in renamed.items() if label not in (folder, UNKNOWN)}
    if renamed:
        pairs = [f"{label}: {folder}/" for folder, label in sorted(renamed.items())]
        tell(f"{listing.root}: folders taken as labels: {named(pairs, 10)}")
    for folder in sorted({item.folder for item in listing.clips if label_index(item.folder, words) == 1}):
        if meant := _LIKE_RESERVED.get(folded(folder)):
            tell(f"{listing.root}: {folder}/ counts as an unknown word; call it {meant} if it holds no words")
    said = [item.name for item in listing.clips if folded(item.folder) == UNKNOWN]
    said = [name for name in said if label_index(spoken_word(name), words) >= 2]
    if said:
        tell(f"{listing.root}: unknown words that are labels by their names: {len(said):,} ({named(said)}). Move them.")
    if deeper := deeper_labels(listing.clips, labels):
        tell(
            f"{listing.root}: unknown words by their first folder, though a deeper one is called like a label: "
            f"{len(deeper):,} ({named([item.name for item in deeper])}). If they are the label, put its folder first."
        )


def _tell_of_split(listing: Listing, division: Division, words: Sequence[str], tell: Callable[[str], None]) -> None:
    tell(f"{listing.root}: {len(division.part):,} clips, split: {division.rule}:")
    for line in division.table(words):
        tell(line)
    for note in division.notes:
        tell(f"{listing.root}: {note}")
    unknown = sorted({spoken_word(item.name) for item in listing.clips if label_index(item.folder, words) == 1})
    if unknown:
        tell(f"  unknown words: {named(unknown, 10)}")


def _tell_of_lengths(
    files: Sequence[Recording],
    length_s: np.ndarray,
    start_s: np.ndarray,
    silent: np.ndarray,
    clip_s: float,
    tell: Callable[[str], None],
) -> None:
    """Says how many recordings were cut and where, how many were filled up, how many of the clips hold silence."""
    long, short, rows = (np.flatnonzero(which) for which in (length_s > clip_s, length_s < clip_s, silent))
    clip = "a second" if clip_s == 1 else f"{clip_s:g} s"
    if len(long):
        all_s = length_s[long].sum()
        tell(
            f"{len(long):,} of {len(files):,} recordings are longer than {clip} and cut to where the word is loudest: "
            f"{all_s - len(long) * clip_s:,.1f} of {all_s:,.1f} s are not used "
            f"({named([f'{files[row].name} from {start_s[row]:.2f} s' for row in long])})"
        )
    if len(short):
        least = short[length_s[short].argmin()]
        tell(
            f"{len(short):,} of {len(files):,} recordings are shorter than {clip}: zeros behind them fill it "
            f"(shortest: {files[least].name}, {length_s[least]:.2f} s)"
        )
    if len(rows):
        tell(
            f"{len(rows):,} of {len(files):,} clips are silent though their folder is a word's, "
            f"{(length_s[rows] > clip_s).sum():,} of them cut from longer ones "
            f"({named([files[row].name for row in rows])}). Remove them, or put them into {SILENCE}."
        )


def load_noise(
    root: str | Path, sample_rate_hz: int = SAMPLE_RATE_HZ, clip_samples: int = CLIP_SAMPLES
) -> tuple[np.ndarray, ...]:
    """Loads the background recordings of a folder in the official layout.

    Args:
      root: the folder.
      sample_rate_hz: of the result.
      clip_samples: length of a clip.

    Returns:
      int16 arrays, sorted by name; none if the folder has no ``_background_noise_``. Recordings shorter than a clip are
      repeated.
    """
    listing = find_recordings(root)
    not_wav = [name for name in listing.left_out.get(NOT_WAV, ()) if folded(name.split("/")[0]) == BACKGROUND_FOLDER]
    for line in left_out_lines(root, {NOT_WAV: tuple(not_wav)} if not_wav else {}):
        log.info(line)
    return _load_noise(listing, sample_rate_hz, clip_samples)


def _load_noise(listing: Listing, sample_rate_hz: int, clip_samples: int) -> tuple[np.ndarray, ...]:
    recordings = []
    for item in listing.noise:
        samples = read_wav(item.path, sample_rate_hz)
        recordings.append(
            np.tile(samples, -(-clip_samples // len(samples))) if len(samples) < clip_samples else samples
        )
    return tuple(recordings)


def silence(
    rng: np.random.Generator, noise: Sequence[np.ndarray], clips: int, samples: int = CLIP_SAMPLES
) -> np.ndarray:
    """Draws background noise at a volume of U(0, 1), int16 ``[clips, samples]``; zeros if there is no noise."""
    out = np.zeros((clips, samples), np.int16)
    for row in out if noise else ():
        recording = noise[rng.integers(len(noise))]
        start = rng.integers(len(recording) - samples + 1)
        row[:] = np.rint(recording[start : start + samples] * rng.uniform(0.0, 1.0))
    return out


def fit_clip(
    samples: np.ndarray, length: int = CLIP_SAMPLES, sample_rate_hz: int = SAMPLE_RATE_HZ, is_word: bool = True
) -> tuple[np.ndarray, int]:
    """Makes a recording exactly a clip.

    One of this length stays as it is, and one that is shorter gets zeros behind, as with the official reader. That
    reader keeps the beginning of a longer one; here it is the part with the word (`word_start`).

    Args:
      samples: int16, at least one.
      length: wanted samples.
      sample_rate_hz: of the recording.
      is_word: False takes the beginning: of silence the loudest is not wanted.

    Returns:
      int16 ``[length]``, and the sample of the recording at which it begins.
    """
    if len(samples) > length:
        start = word_start(samples, length, sample_rate_hz) if is_word else 0
        return samples[start : start + length], start
    return np.pad(samples, (0, length - len(samples))), 0


def label_index(word: str, words: Sequence[str]) -> int:
    """Returns the class index of a folder's name: 0 silence, 1 unknown, then the keywords (`label_of`)."""
    labels = (SILENCE, UNKNOWN, *words)
    return labels.index(label_of(word, labels) or UNKNOWN)
