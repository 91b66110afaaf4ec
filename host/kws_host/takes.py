"""Takes of words: what is wrong with one, its second around the word, and the file where it belongs."""

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
from kws_reference.audio.word_window import is_silent, word_start
from kws_reference.errors import KwsError

from kws_host.heard_audio import write_wav

LARGEST = 32767
CLIPPED_SAMPLES = 4
"""At full scale: fewer may be a word that just fits."""
QUIETEST_DB = -36.0
"""Of full scale: a word whose loudest sample is below is too quiet."""
TAKE_S = 2.5
"""That a speaker has for a word."""
WORD_S = 1.0
_SPEAKER = re.compile(r"\w(?:[\w-]*\w)?")


def level_db(pcm: np.ndarray) -> float:
    """Loudest sample of int16 ``[samples]``, in dB of full scale; -inf of silence."""
    return decibels(int(np.abs(pcm.astype(np.int32)).max(initial=0)))


def decibels(peak: int) -> float:
    """A magnitude of int16 samples, in dB of full scale; -inf of 0."""
    return 20 * math.log10(peak / 32768) if peak else -math.inf


@dataclasses.dataclass(frozen=True)
class Take:
    """A recorded word.

    Attributes:
      pcm: int16, a second with the word in its middle.
      peak_db: its loudest sample.
      fault: why it is of no use, for people; "" of a good one.
    """

    pcm: np.ndarray
    peak_db: float
    fault: str

    @classmethod
    def of(cls, pcm: np.ndarray, rate_hz: int, lost_samples: int, quietest_db: float = QUIETEST_DB) -> "Take":
        """Finds the word. Args: pcm: int16, all of the take. lost_samples: of it, on the way."""
        length = round(WORD_S * rate_hz)
        start = word_start(pcm, length, rate_hz)
        word = pcm[start : start + length]
        word = np.pad(word, (0, length - len(word)))
        peak = level_db(word)
        clipped = int((np.abs(word.astype(np.int32)) >= LARGEST).sum())
        fault = ""
        if lost_samples:
            fault = f"without {lost_samples:,} samples, which were lost"
        elif clipped >= CLIPPED_SAMPLES:
            fault = f"clipped: {clipped:,} samples are as large as can be. Farther away, or less --gain"
        elif is_silent(word, rate_hz) or peak < quietest_db:
            fault = f"too quiet: {peak:.0f} dB at its loudest. Nearer, or more --gain"
        return cls(word, peak, fault)


def check_speaker(name: str) -> str:
    """Returns a speaker's name.

    Raises:
      KwsError: it cannot stand before ``_nohash_`` in a file's name.
    """
    if not _SPEAKER.fullmatch(name) or "_nohash_" in name:
        raise KwsError(f"--speaker must be letters, digits, - and _, such as anna. Received: {name!r}.")
    return name


@dataclasses.dataclass(frozen=True)
class TakeFolder:
    """Where takes of a speaker go: ``root/<word>/<speaker>_nohash_<n>.wav``, as in Speech Commands.

    Two programs may write to one folder at the same time.
    """

    root: Path
    speaker: str

    def numbers(self, word: str) -> list[int]:
        """Those of the speaker's takes of a word that are there, sorted."""
        pattern = re.compile(re.escape(self.speaker) + r"_nohash_(\d+)\.wav")
        folder = self.root / word
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name)))

    def add(self, word: str, pcm: np.ndarray, rate_hz: int) -> Path:
        """Writes a take, int16 ``[samples]``, behind those that are there. Returns its file. Raises: KwsError."""
        number = max(self.numbers(word), default=-1)
        while True:
            number += 1
            path = self.root / word / f"{self.speaker}_nohash_{number}.wav"
            try:
                write_wav(path, pcm, rate_hz)
            except FileExistsError:  # by another program just now
                continue
            return path
