"""Clips of one length with their labels: which ones to load, and what was loaded.

The shares of silence and unknown words are those of the data set's authors (P. Warden, "Speech Commands: A Dataset for
Limited-Vocabulary Speech Recognition", arXiv:1804.03209; TensorFlow's speech_commands example).
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.recordings import label_of
from kws_reference.errors import KwsError
from kws_reference.labels import TEN_KEYWORDS, UNKNOWN, LabelSet, folded

from kws_training.data.speakers import VOCODER
from kws_training.data.splits import SPLITS, Rule, Split

SYNTHETIC_SPEAKERS = ("espeak-", "flite-", "festival-", "piper-", VOCODER)
CLIP_SAMPLES = 16000
SAMPLE_RATE_HZ = 16000


@dataclasses.dataclass(frozen=True)
class FolderSpec:
    """A folder with one subfolder for each label, such as the canonical test set.

    Attributes:
      path: the folder. Subfolders that are neither a word of the task nor ``_silence_`` count as unknown words.
      names: text file with one relative path a line (`read_names`); only these clips are taken. None: all.
      part: only this split, by the folder's own lists where it has any, else by the official rule. None: all.
      unknown_only: only the words that are no keyword.
      to_train: clips that the folder's own lists keep for validation or testing are left out.
      but_speakers: people whose clips are left out, and what a vocoder made of them (`speaker_of`).
    """

    path: Path
    names: Path | None = None
    part: Split | None = None
    unknown_only: bool = False
    to_train: bool = False
    but_speakers: frozenset[str] = frozenset()


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
        for training is drawn anew for every epoch (`kws_training.data.render`).
      unknown_percent: the same for unknown words; of a training split all are loaded, each epoch draws its share.
      seed: draws those silent clips and unknown words.
      sample_rate_hz: of the clips; recordings of another rate are converted (`read_wav`).
      clip_samples: length of a clip; None: a second.
    """

    speech_commands: Path | None = None
    split: Split = "training"
    folders: tuple[FolderSpec, ...] = ()
    words: tuple[str, ...] = TEN_KEYWORDS
    split_by: Rule = "auto"
    silence_percent: float = 10.0
    unknown_percent: float = 10.0
    seed: int = 0
    sample_rate_hz: int = SAMPLE_RATE_HZ
    clip_samples: int | None = None

    def __post_init__(self) -> None:
        """Checks words and split.

        Raises:
          KwsError: two words are the same, there is none, or there is no such split.
        """
        if len({folded(word) for word in self.words}) != len(self.words) or not self.words:
            raise KwsError(f"words must be different and at least one. Received: {', '.join(self.words)}")
        if self.split not in SPLITS:
            raise KwsError(f"split must be one of {', '.join(SPLITS)}. Received: {self.split!r}")

    @property
    def samples(self) -> int:
        """Length of a clip."""
        return self.clip_samples or self.sample_rate_hz

    @property
    def labels(self) -> LabelSet:
        """Label names in the order of the class indices."""
        return LabelSet.of_words(self.words)


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Clips in memory.

    Attributes:
      pcm: int16 ``[clips, samples]``, see `kws_training.data.read_clips.fit_clip`.
      labels: int64 ``[clips]``, indices into ``label_names``.
      words: the word that was spoken in each clip (`spoken_word`), for balancing unknown words.
      names: path of each clip below its folder, for reports.
      noise: the background recordings, int16, each at least one clip long; made up (`made_noise`) where
        ``speech_commands`` has none.
      label_names: names of the classes.
      everyday_noise: further recordings of noise (``--noise``), int16 of any length.
    """

    pcm: np.ndarray
    labels: np.ndarray
    words: tuple[str, ...]
    names: tuple[str, ...]
    noise: tuple[np.ndarray, ...]
    label_names: LabelSet
    everyday_noise: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def kinds(self) -> np.ndarray:
        """The `Kind` of each clip's label, int64 ``[clips]``."""
        return np.array(self.label_names.kinds, np.int64)[self.labels]

    @property
    def spoken_labels(self) -> tuple[str, ...]:
        """The name of each clip's label."""
        return tuple(self.label_names[label] for label in self.labels)

    def sha256(self) -> str:
        """Digest of what is learnt from: samples, labels and noise, in their order."""
        digest = hashlib.sha256(np.ascontiguousarray(self.labels).data)
        for samples in (self.pcm, *self.noise, *self.everyday_noise):
            digest.update(np.ascontiguousarray(samples).data)
        return digest.hexdigest()

    @property
    def synthetic(self) -> np.ndarray:
        """Which clips a program spoke (by the speaker in the file's name): bool ``[clips]``."""
        spoken = [name.rsplit("/", 1)[-1].startswith(SYNTHETIC_SPEAKERS) for name in self.names]
        return np.array(spoken, bool).reshape(len(self))


def folder_label(folder: str, words: Sequence[str]) -> str:
    """Returns the label of a folder's name in a task: a keyword, silence, or for every other name unknown words."""
    return label_of(folder, LabelSet.of_words(words)) or UNKNOWN
