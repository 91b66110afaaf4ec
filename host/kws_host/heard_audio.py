"""PCM that a device says it has heard, put together piece by piece; and WAV files of it."""

import io
import wave
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import AudioHeard
from kws_reference.system.files import remedy, replace


class HeardAudio:
    """What came since a device's microphone was started. Samples that were lost on the way are zeros.

    Attributes:
      lost_samples: on the way, so far.
    """

    def __init__(self, keep_samples: int | None = None):
        """Args: keep_samples: how many of the last ones are kept at least; None: all."""
        self.lost_samples = 0
        self._keep = keep_samples
        self._first = 0  # sample of the first piece kept
        self._pieces: list[np.ndarray] = []
        self._end = 0

    def add(self, event: AudioHeard) -> np.ndarray:
        """Takes a piece. Returns it, int16 ``[samples]``."""
        pcm = np.frombuffer(event.pcm, "<i2").astype(np.int16)
        gap = (event.first_sample - self._end) % (1 << 32)
        if gap:
            self.lost_samples += gap
            self._append(np.zeros(gap, np.int16))
        self._append(pcm)
        return pcm

    def _append(self, pcm: np.ndarray) -> None:
        self._pieces.append(pcm)
        self._end += len(pcm)
        while self._keep is not None and self._end - self._first - len(self._pieces[0]) > self._keep:
            self._first += len(self._pieces.pop(0))

    @property
    def samples(self) -> int:
        """That came, lost ones included."""
        return self._end

    def pcm(self, start: int = 0, end: int | None = None) -> np.ndarray:
        """Int16: samples from one to before another one; as many of them as are still kept."""
        kept = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        last = self._end if end is None else end
        return kept[max(0, start - self._first) : max(0, last - self._first)]


def wav_bytes(pcm: np.ndarray, rate_hz: int) -> bytes:
    """A mono WAV file of int16 ``[samples]``."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.asarray(pcm, "<i2").tobytes())
    return data.getvalue()


def write_wav(path: Path, pcm: np.ndarray, rate_hz: int) -> None:
    """Writes int16 ``[samples]`` as a mono WAV file, whole or not at all; makes its folder.

    Raises:
      KwsError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, wav_bytes(pcm, rate_hz))
    except OSError as error:
        raise KwsError(f"cannot write {path}: {error.strerror}. {remedy(error, 'choose another folder')}") from None
