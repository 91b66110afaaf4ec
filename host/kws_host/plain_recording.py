"""A recording that is on the disk as it comes: what was heard until a board, a cable or this program fails, stays."""

import contextlib
import os
import wave
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.system.files import PARTIAL, remedy

from kws_host.heard_audio import taking

_HEADER_S = 5
"""Seconds of audio after which the unfinished file's header counts them, too, for whoever finds it."""


class PlainRecording:
    """A mono WAV file that grows as ``FILE.partial``, and is ``FILE`` when it is closed.

    Attributes:
      path: of the file.
      samples: so far.
      peak: largest magnitude so far.
    """

    def __init__(self, path: Path, rate_hz: int):
        """Args: path: must not be there. rate_hz: of the samples. Raises: KwsError: it cannot be written."""
        self.path = path
        self.samples = self.peak = 0
        self._rate_hz, self._counted = rate_hz, 0
        self._partial = path.with_name(path.name + PARTIAL)
        if path.exists():
            raise KwsError(f"{path} is there already, and stays as it is. Give another name.")
        try:
            self._file = self._partial.open("xb")
        except FileExistsError:
            raise KwsError(
                f"{self._partial} is there: another program records it, or one was killed. Play it, then delete it."
            ) from None
        except OSError as error:
            raise self._fault(error) from None
        self._wav = wave.open(self._file, "wb")
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(rate_hz)

    def write(self, pcm: np.ndarray) -> None:
        """Appends int16 ``[samples]``. Raises: KwsError: the disk is full."""
        self.samples += len(pcm)
        self.peak = max(self.peak, int(np.abs(pcm.astype(np.int32)).max(initial=0)))
        data = np.asarray(pcm, "<i2").tobytes()
        try:
            if self.samples - self._counted < _HEADER_S * self._rate_hz:
                self._wav.writeframesraw(data)
                return
            self._wav.writeframes(data)  # with the header
            self._file.flush()
            self._counted = self.samples
        except OSError as error:
            raise self._fault(error) from None

    def close(self) -> None:
        """Gives the file its name; without samples there is none. Raises: KwsError: it cannot be written."""
        try:
            self._wav.close()
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()
            raise self._fault(error) from None
        self._file.close()
        try:
            if not self.samples:
                self._partial.unlink()
                return
            with taking(self.path):
                os.replace(self._partial, self.path)
        except FileExistsError:
            raise KwsError(f"{self.path} is there by now, and stays as it is: {self._partial} is new.") from None
        except OSError as error:
            raise self._fault(error) from None

    def _fault(self, error: OSError) -> KwsError:
        kept = f" What was heard before is in {self._partial}." if self.samples else ""
        return KwsError(f"cannot write {self.path}: {error.strerror}. {remedy(error, 'choose another file')}{kept}")


def piece_path(path: Path, number: int) -> Path:
    """Where a recording goes on after an unplug. Args: path: of its beginning. number: of the piece, from 1 on."""
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
