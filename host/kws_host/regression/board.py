"""The board of one test process: opened once, reset for each test, brought back when it faulted."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import Config, Info, NamesKind, SettingsOrigin, Stats

from kws_host import detector_settings
from kws_host.detector_settings import HeldSettings
from kws_host.device import Device, Run
from kws_host.link import LinkError
from kws_host.target import Target, open_device, require_model


class Board:
    """A board that tests play recordings to.

    Attributes:
      device: all that the protocol offers (`kws_host.device.Device`).
      labels: of the model, in the order of the scores.
      detector: settings that the last recording was heard with; None: the firmware is from before it could be asked,
        and there is no bundle to tell.
    """

    def __init__(self, target: Target, bundle: Bundle | None = None):
        """Opens it.

        Args:
          target: where it is.
          bundle: the model that it must run; None: any model.

        Raises:
          KwsError: it cannot be opened, nobody answers, or it runs another model.
        """
        self._target, self._bundle = target, bundle
        self._open = contextlib.ExitStack()
        self._connect()
        self._held = detector_settings.held_by(self.device)  # which every test begins with
        self.detector = self._present(self._held)

    def _connect(self) -> None:
        self._open.close()
        self.device: Device = self._open.enter_context(open_device(self._target))
        if self._bundle:
            require_model(self.device, self._bundle)
        self.labels = self.device.names(NamesKind.LABELS)
        self._faults = self.device.fault().count

    def close(self) -> None:
        """Closes the port; an emulated board ends."""
        self._open.close()

    @property
    def info(self) -> Info:
        """What runs on the device."""
        return self.device.info

    @property
    def stats(self) -> Stats:
        """Counters of the device and of its memory, as they are now."""
        return self.device.stats()

    def make_ready(self) -> None:
        """Forgets all audio and settings of the test before, of the detector too; a board that is gone is opened again.

        Raises:
          KwsError: it does not come back.
        """
        try:
            self._reset()
        except LinkError:
            self._connect()
            self._reset()

    def _reset(self) -> None:
        self.device.configure(Config.NONE)
        if self._held is not None and detector_settings.held_by(self.device) != self._held:
            if self._held.origin == SettingsOrigin.GENERATED:
                detector_settings.forget(self.device)  # also what a test let it keep
            else:
                detector_settings.use(self.device, self._held.config, keep=self._held.origin == SettingsOrigin.KEPT)
        self.device.reset()

    def _present(self, held: HeldSettings | None) -> DetectorConfig | None:
        return held.config if held else self._bundle.detector if self._bundle else None

    def new_fault(self) -> str:
        """The fault that the board had since it was asked last, in words; "" where there was none.

        Raises:
          KwsError: it does not answer.
        """
        fault = self.device.fault()
        had, self._faults = fault.count != self._faults, fault.count
        return f"{fault}" if had and fault.count else ""

    def play(self, pcm: np.ndarray) -> Run:
        """Resets the board, streams PCM to it as fast as it takes it, and returns what it sent.

        Args:
          pcm: int16 ``[samples]`` at `sample_rate_hz`.

        Raises:
          KwsError: the link broke, the board faulted or refused.
        """
        self.detector = self._present(detector_settings.held_by(self.device))
        return self.device.run(pcm)

    @property
    def sample_rate_hz(self) -> int:
        """Of the PCM that it hears."""
        return self.info.sample_rate_hz

    def read(self, recording: str | Path | np.ndarray) -> np.ndarray:
        """PCM of a WAV file, converted to the board's rate, or of an array of it.

        Raises:
          KwsError: the file cannot be read, or the array is not int16 with one dimension.
        """
        if not isinstance(recording, np.ndarray):
            return read_wav(recording, self.sample_rate_hz)
        if recording.dtype != np.int16 or recording.ndim != 1:
            raise KwsError(
                f"a recording must be a WAV file or int16 [samples]. Received: {recording.dtype} "
                f"{list(recording.shape)}. Convert it: (32767 * samples).astype(numpy.int16)."
            )
        return recording

    @property
    def run_steps(self) -> int:
        """Steps in a row in which a label must reach its threshold; 1 where nobody knows."""
        return self.detector.run_steps if self.detector else 1

    def threshold(self, label: int) -> str:
        """The smoothed posterior, 0 to 1, that raises a label, for people; "?" where nobody knows."""
        if self.detector is None or label >= len(self.detector.threshold_q15):
            return "?"
        quiet, busy = (_share(row[label]) for row in (self.detector.threshold_q15, self.detector.when_busy_q15))
        return quiet if quiet == busy else f"{quiet}, busy {busy}"


def _share(q15: int) -> str:
    return "never" if q15 == NEVER_Q15 else f"{q15 / NEVER_Q15:.3f}"


@contextlib.contextmanager
def opened(target: Target, bundle: Bundle | None) -> Iterator[Board]:
    """A board, closed afterwards. Args and errors: as of `Board`."""
    board = Board(target, bundle)
    try:
        yield board
    finally:
        board.close()
