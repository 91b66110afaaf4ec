"""Finds and loads clips: the official Speech Commands layout, and folders with one subfolder for each label.

The split rule and the shares of silence and unknown words are those of the data set's authors (P. Warden, "Speech
Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209; TensorFlow's speech_commands example).
"""

import dataclasses
import hashlib
import math
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from kws_reference.audio import convert_rate, read_wav
from kws_reference.command_line import Progress
from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE, UNKNOWN

from kws_training.data.made_noise import made_noise

Split = Literal["training", "validation", "testing"]

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SYNTHETIC_SPEAKERS = ("espeak-", "flite-")
BACKGROUND_FOLDER = "_background_noise_"
CLIP_SAMPLES = 16000
SAMPLE_RATE_HZ = 16000
SPLITS = ("training", "validation", "testing")
_LISTS = {"validation": "validation_list.txt", "testing": "testing_list.txt"}
_HASH_RANGE = 2**27 - 1
_FEWEST_VALIDATION = 5  # recordings of each keyword; with fewer, "auto" takes a fifth of the speakers instead
_FEWEST_SPEAKERS = 5


@dataclasses.dataclass(frozen=True)
class FolderSpec:
    """A folder with one subfolder for each label, such as the canonical test set.

    Attributes:
      path: the folder. Subfolders that are neither a word of the task nor ``_silence_`` count as unknown words.
      names: text file with one relative path a line; only these clips are taken. None: all ``*.wav``.
      part: only the speakers of this split, by the official rule (`hash_split`). None: all.
      unknown_only: only the words that are no keyword.
    """

    path: Path
    names: Path | None = None
    part: Split | None = None
    unknown_only: bool = False


@dataclasses.dataclass(frozen=True)
class ClipSpec:
    """Which clips to load.

    Attributes:
      speech_commands: folder in the official layout (``<word>/<speaker>_nohash_<n>.wav``), or None.
      split: which part of ``speech_commands``.
      folders: further folders, taken whole (or by their list of names).
      words: the keywords; the labels are ``_silence_``, ``_unknown_`` and these, in order.
      split_by: ``"hash"`` is the official rule, by speaker; ``"lists"`` reads ``validation_list.txt`` and
        ``testing_list.txt``, which say the same for the official archive; ``"few"`` is for small folders: a fifth of
        the speakers of each word validates, the others train, none is left for testing; ``"auto"`` is ``"few"`` where
        there are no such lists and the hash gives some keyword fewer than 5 validation clips, and else ``"hash"``.
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
    split_by: Literal["auto", "hash", "lists", "few"] = "auto"
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
      pcm: int16 ``[clips, samples]``; shorter recordings have zeros behind, longer ones are cut.
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

    @property
    def synthetic(self) -> np.ndarray:
        """Which clips a program spoke (by the speaker in the file's name, see voices.py): bool ``[clips]``."""
        spoken = [name.rsplit("/", 1)[-1].startswith(SYNTHETIC_SPEAKERS) for name in self.names]
        return np.array(spoken, bool).reshape(len(self))


def hash_percent(name: str) -> float:
    """Returns the number in [0, 100] by which the data set's authors split: equal for all clips of a speaker.

    Args:
      name: a file's name or path, such as ``yes/0a7c2a8d_nohash_0.wav``.
    """
    return _percent(_speaker(name))


def hash_split(name: str, validation_percent: float = 10.0, testing_percent: float = 10.0) -> Split:
    """Returns the split to which a clip belongs by the official rule."""
    percent = hash_percent(name)
    if percent < validation_percent:
        return "validation"
    return "testing" if percent < validation_percent + testing_percent else "training"


def index_speech_commands(root: str | Path, split: Split, split_by: str = "hash") -> list[str]:
    """Lists the clips of one split.

    Args:
      root: folder in the official layout.
      split: ``"training"``, ``"validation"`` or ``"testing"``.
      split_by: ``"hash"``, ``"lists"`` or ``"few"``, see `ClipSpec`.

    Returns:
      Sorted paths below ``root``, ``<word>/<file>.wav``.

    Raises:
      KwsError: the folder or a list is missing, or no clip is there.
    """
    root = Path(root)
    if split not in SPLITS:
        raise KwsError(f"split must be one of {', '.join(SPLITS)}. Received: {split!r}")
    if not root.is_dir():
        raise KwsError(f"{root}: no such folder. Download Speech Commands with kws-train fetch.")
    names = sorted(f"{path.parent.name}/{path.name}" for path in root.glob("*/*.wav"))
    names = [name for name in names if not name.startswith("_")]
    if not names:
        raise KwsError(f"{root}: holds no <word>/<speaker>_nohash_<n>.wav. Give the folder of the unpacked archive.")
    if split_by == "hash":
        return [name for name in names if hash_split(name) == split]
    if split_by == "few":
        validating = _few_for_validation(names)
        return [name for name in names if split != "testing" and (name in validating) == (split == "validation")]
    if split_by != "lists":
        raise KwsError(f'split_by must be "hash", "lists" or "few". Received: {split_by!r}')
    listed = {part: _read_names(root / file) for part, file in _LISTS.items()}
    if split == "training":
        others = set(listed["validation"]) | set(listed["testing"])
        return [name for name in names if name not in others]
    wanted = set(listed[split])
    return [name for name in names if name in wanted]


def split_rule(root: str | Path, words: Sequence[str]) -> Literal["hash", "few"]:
    """Returns what ``split_by="auto"`` means for a folder, see `ClipSpec`."""
    root = Path(root)
    if not (root / _LISTS["validation"]).is_file():
        for word in words:
            names = [path.name for path in (root / word).glob("*.wav")]
            if names and sum(hash_split(name) == "validation" for name in names) < _FEWEST_VALIDATION:
                return "few"
    return "hash"


def _few_for_validation(names: Sequence[str]) -> set[str]:
    """Of each word the first fifth of its speakers by hash, at least one; recordings, if there are hardly speakers."""
    speakers = {name: _speaker(name) for name in names}
    if len(set(speakers.values())) < _FEWEST_SPEAKERS:
        speakers = {name: name for name in names}
    validating = set()
    for word in {_word(name) for name in names}:
        here = sorted({speakers[name] for name in names if _word(name) == word}, key=_percent)
        validating |= set(here[: max(1, len(here) // 5) if len(here) > 1 else 0])
    return {name for name in names if speakers[name] in validating}


def index_folder(spec: FolderSpec) -> list[str]:
    """Lists the clips of a folder with one subfolder for each label.

    Returns:
      Sorted paths below the folder.

    Raises:
      KwsError: the folder is missing or empty, or a listed clip is not there.
    """
    if not spec.path.is_dir():
        raise KwsError(f"{spec.path}: no such folder. Check the path.")
    if spec.names is not None:
        names = sorted(_read_names(spec.names))
        missing = [name for name in names if not (spec.path / name).is_file()]
        if missing:
            raise KwsError(f"{spec.names}: {len(missing)} of its clips are not in {spec.path}, first: {missing[0]}")
    else:
        names = sorted(f"{path.parent.name}/{path.name}" for path in spec.path.glob("*/*.wav"))
        names = [name for name in names if not name.startswith(BACKGROUND_FOLDER)]
    if not names:
        raise KwsError(f"{spec.path}: holds no <label>/<clip>.wav.")
    return [name for name in names if spec.part is None or hash_split(name) == spec.part]


def load_clips(spec: ClipSpec) -> ClipSet:
    """Loads all clips of a specification.

    Args:
      spec: which clips.

    Returns:
      The clips in a fixed order: ``speech_commands``, then ``folders``, sorted by path in each.

    Raises:
      KwsError: nothing to load, or a file cannot be read.
    """
    if len(set(spec.words)) != len(spec.words) or not spec.words:
        raise KwsError(f"words must be different and at least one. Received: {', '.join(spec.words)}")
    rate_hz, samples = spec.sample_rate_hz, spec.clip_samples or spec.sample_rate_hz
    rng = np.random.default_rng([spec.seed, SPLITS.index(spec.split) if spec.split in SPLITS else 0])
    noise: tuple[np.ndarray, ...] = ()
    files: list[tuple[Path, str]] = []
    silent_clips = 0
    if spec.speech_commands is not None:
        rule = split_rule(spec.speech_commands, spec.words) if spec.split_by == "auto" else spec.split_by
        names = index_speech_commands(spec.speech_commands, spec.split, rule)
        noise = load_noise(spec.speech_commands, rate_hz, samples)
        if not noise:
            made = made_noise([spec.seed, SPLITS.index(spec.split)])
            noise = tuple(convert_rate(recording, SAMPLE_RATE_HZ, rate_hz) for recording in made)
        if spec.split != "training":
            keywords = [name for name in names if _word(name) in spec.words]
            unknown = [name for name in names if _word(name) not in spec.words]
            count = min(len(unknown), math.ceil(len(keywords) * spec.unknown_percent / 100))
            names = sorted(keywords + [unknown[index] for index in rng.permutation(len(unknown))[:count]])
            silent_clips = math.ceil(len(keywords) * spec.silence_percent / 100)
        files += [(Path(spec.speech_commands), name) for name in names]
    for folder in spec.folders:
        names = index_folder(folder)
        files += [(folder.path, name) for name in names if not folder.unknown_only or _word(name) not in spec.words]
    if not files:
        raise KwsError(
            f"no clips: the {spec.split} split of {spec.speech_commands} is empty and no other folder is given."
        )
    absent = [word for word in spec.words if word not in {_word(name) for _, name in files}]
    if absent and spec.speech_commands is not None and spec.split == "training":
        raise KwsError(
            f"no training recordings of {', '.join(absent)}. Correct the labels or add folders of these names."
        )

    pcm = np.zeros((len(files) + silent_clips, samples), np.int16)

    def load(row: int) -> None:
        root, name = files[row]
        pcm[row] = fit_clip(read_wav(root / name, rate_hz), samples)

    with ThreadPoolExecutor(max_workers=2) as pool:
        progress = Progress("reading clips", len(files))
        for done, _ in enumerate(pool.map(load, range(len(files))), 1):
            progress.update(done)
    pcm[len(files) :] = silence(rng, noise, silent_clips, samples)
    folders = [_word(name) for _, name in files] + [SILENCE] * silent_clips
    return ClipSet(
        pcm=pcm,
        labels=np.array([label_index(folder, spec.words) for folder in folders], np.int64),
        words=(*(spoken_word(name) for _, name in files), *[SILENCE] * silent_clips),
        names=(*(name for _, name in files), *(f"{SILENCE}/drawn_{index}" for index in range(silent_clips))),
        noise=noise,
        label_names=spec.labels,
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
      int16 arrays, sorted by file name; none if the folder has no ``_background_noise_``. Recordings shorter than a
      clip are repeated.
    """
    recordings = []
    for path in sorted((Path(root) / BACKGROUND_FOLDER).glob("*.wav")):
        samples = read_wav(path, sample_rate_hz)
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


def fit_clip(samples: np.ndarray, length: int = CLIP_SAMPLES) -> np.ndarray:
    """Returns exactly a clip, as the official reader does: zeros are added behind, or the rest is cut off."""
    if len(samples) >= length:
        return samples[:length]
    return np.pad(samples, (0, length - len(samples)))


def label_index(word: str, words: Sequence[str]) -> int:
    """Returns the class index of a folder's name: 0 silence, 1 unknown, then the keywords."""
    if word == SILENCE:
        return 0
    return 2 + list(words).index(word) if word in words else 1


def spoken_word(name: str) -> str:
    """Returns the word spoken in a clip: its folder, or for the test set's ``_unknown_`` the word before the speaker.

    Args:
      name: path such as ``yes/0a7c2a8d_nohash_0.wav`` or ``_unknown_/bed_0a7c2a8d_nohash_0.wav.wav``.
    """
    prefixed = re.match(rf"{UNKNOWN}/([a-z]+)_[0-9a-f]+_nohash_", name)
    return prefixed[1] if prefixed else _word(name)


def _speaker(name: str) -> str:
    return re.sub(r"_nohash_.*$", "", name.rsplit("/", 1)[-1])


def _percent(speaker: str) -> float:
    digest = int(hashlib.sha1(speaker.encode("utf-8", "surrogateescape")).hexdigest(), 16)
    return digest % (_HASH_RANGE + 1) * (100.0 / _HASH_RANGE)


def _word(name: str) -> str:
    return name.split("/", 1)[0]


def _read_names(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise KwsError(f"{path}: cannot be read ({reason}). Give a list with one path a line.") from error
