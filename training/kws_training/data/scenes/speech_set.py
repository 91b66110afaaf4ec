"""Running speech to train with, memory-mapped: recordings one behind the other, and where keywords are said in them."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from kws_training.data.clips import SAMPLE_RATE_HZ


@dataclasses.dataclass(frozen=True)
class SpeechSet:
    """Recordings of running speech.

    Attributes:
      pcm: int16 ``[samples]``, all recordings one behind the other.
      starts: int64 ``[recordings + 1]``: where each begins in ``pcm``, and the end of the last.
      names: of the recordings: folder and path below it.
      said: for each recording int64 ``[words, 2]``: first sample, and first sample behind a word that is a keyword or
        sounds like one, counted from the recording's start.
      known: bool ``[recordings]``: whether what is said in it is known, by times or a transcript.
      path: file of ``pcm``, which workers map too.
      owner: what keeps the file there.
      speakers: who speaks in them, sorted.
    """

    pcm: np.ndarray
    starts: np.ndarray
    names: tuple[str, ...]
    said: tuple[np.ndarray, ...]
    known: np.ndarray
    path: Path | None = None
    owner: Any = None
    speakers: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def hours(self) -> float:
        """Length in all."""
        return float(self.starts[-1]) / SAMPLE_RATE_HZ / 3600

    def recording(self, index: int) -> np.ndarray:
        """int16 ``[samples]``."""
        return self.pcm[self.starts[index] : self.starts[index + 1]]

    def without_samples(self) -> "SpeechSet":
        """All but ``pcm``: what a worker is sent."""
        return dataclasses.replace(self, pcm=np.zeros(0, np.int16), owner=None)

    def mapped(self) -> "SpeechSet":
        """With the samples of ``path`` again."""
        assert self.path is not None
        return dataclasses.replace(self, pcm=np.memmap(self.path, np.int16, "r"))

    def sha256(self) -> str:
        """Digest of what is learnt from: samples, and where keywords are."""
        digest = hashlib.sha256(np.ascontiguousarray(self.starts).data)
        digest.update(np.ascontiguousarray(self.known).data)
        for words in self.said:
            digest.update(f"{len(words)}:".encode())
            digest.update(np.ascontiguousarray(words).data)
        digest.update(np.ascontiguousarray(self.pcm).data)
        return digest.hexdigest()
