"""PCM that a device says it has heard, put together piece by piece; and WAV files of it."""

import contextlib
import io
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import AudioHeard
from kws_reference.system.files import remedy, replace

LONGEST_GAP_SAMPLES = 1 << 22
"""Minutes: a link that is silent for seconds has ended. A longer gap is a stream that began again at its start."""
LONGEST_WAV_SAMPLES = ((1 << 32) - 64) // 2
"""Whose bytes, and a header, a WAV file can count."""


class HeardAudio:
    """What came since a device's microphone was started. Samples that were lost on the way are zeros.

    Attributes:
      lost_samples: on the way, so far.
      samples: that came, lost ones included.
      first: sample of the first piece that is still kept.
    """

    def __init__(self, keep_samples: int | None = None):
        """Args: keep_samples: how many of the last ones are kept at least; None: all."""
        self.lost_samples = self.samples = self.first = 0
        self._keep = keep_samples
        self._pieces: list[np.ndarray] = []
        self._losses: list[tuple[int, int, int]] = []  # first sample, the one behind, how many of them

    def add(self, event: AudioHeard) -> np.ndarray:
        """Takes a piece. Returns it, int16 ``[samples]``.

        Raises:
          KwsError: it is of a stream that began again.
        """
        pcm = np.frombuffer(event.pcm, "<i2").astype(np.int16)
        gap = (event.first_sample - self.samples) % (1 << 32)
        if gap > LONGEST_GAP_SAMPLES:
            raise KwsError(
                f"the board's audio began again at sample {event.first_sample:,}, {self.samples:,} were there. "
                "Begin anew; if a busy machine answers late, with a longer --timeout."
            )
        self._trim()  # before: what was kept until now is kept beside this piece, however long the gap
        if gap:
            self.lost_samples += gap
            self.note_loss(self.samples, self.samples + gap, gap)
            self._append(np.zeros(gap, np.int16))
        self._append(pcm)
        return pcm

    def _append(self, pcm: np.ndarray) -> None:
        self._pieces.append(pcm)
        self.samples += len(pcm)

    def _trim(self) -> None:
        while self._keep is not None and self._pieces and self.samples - self.first - len(self._pieces[0]) > self._keep:
            self.first += len(self._pieces.pop(0))
        self._losses = [loss for loss in self._losses if loss[1] > self.first]

    def note_loss(self, start: int, end: int, count: int) -> None:
        """Notes that samples are missing somewhere between two others, as a board tells that dropped them."""
        self._losses.append((start, end, count))

    def lost_between(self, start: int, end: int) -> int:
        """How many samples from one to before another one are lost at most, or no longer kept."""
        losses = [(0, self.first, self.first), *self._losses]
        return sum(max(0, min(count, min(end, last) - max(start, first))) for first, last, count in losses)

    def pcm(self, start: int = 0, end: int | None = None) -> np.ndarray:
        """Int16: samples from one to before another one, or the last one; zeros in the place of those not kept."""
        kept = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        last = self.samples if end is None else min(end, self.samples)
        missing = max(0, min(self.first, last) - start)
        return np.pad(kept[max(0, start - self.first) : max(0, last - self.first)], (missing, 0))


def wav_bytes(pcm: np.ndarray, rate_hz: int) -> bytes:
    """A mono WAV file of int16 ``[samples]``."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.asarray(pcm, "<i2").tobytes())
    return data.getvalue()


@contextlib.contextmanager
def taking(path: Path) -> Iterator[None]:
    """Takes a file's name in a folder, which nobody else can then take, for the block to give it its content.

    Raises:
      FileExistsError: there is such a file. OSError: it cannot be made.
    """
    path.open("xb").close()
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_wav(path: Path, pcm: np.ndarray, rate_hz: int) -> None:
    """Writes int16 ``[samples]`` as a new mono WAV file, whole or not at all; makes its folder.

    Raises:
      FileExistsError: there is such a file, which stays as it is.
      KwsError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        with taking(path):
            replace(path, wav_bytes(pcm, rate_hz))
    except FileExistsError:
        raise
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> KwsError:
    return KwsError(f"cannot write {path}: {error.strerror}. {remedy(error, 'choose another folder')}")
