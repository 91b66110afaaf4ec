"""Many recordings through the firmware on emulated boards, several boards at once, by bulk files."""

import concurrent.futures
import dataclasses
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from kws_host import bulk, emulator
from kws_host.bulk import BulkResults
from kws_host.emulator import EmulatorConfig
from kws_host.emulator.qemu import reason_in

RECORDINGS_PER_RUN = 60
SECONDS_PER_RUN = 60.0
"""Of audio; a longer recording runs alone."""
RUN_TIMEOUT_S = 300.0
"""Of `SECONDS_PER_RUN`, which take well under a minute; a longer recording has more in proportion."""


@dataclasses.dataclass(frozen=True)
class EmulatedBoard:
    """A board for bulk runs.

    Attributes:
      name: of the board, or of an environment.
      elf: the firmware.
    """

    name: str
    elf: Path

    def config(self) -> EmulatorConfig:
        """The emulator of a bulk run."""
        arguments = ("bulk", "in.bin", "out.bin")
        return EmulatorConfig(board=self.name, elf=self.elf, icount=False, arguments=arguments)


class Emulators:
    """The emulators that run now, so that they can be stopped at once from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen] = []
        self._stopped = False

    def add(self, process: subprocess.Popen) -> None:
        """Takes a process that has just been started; kills it when `stop` has been called."""
        with self._lock:
            self._processes = [other for other in self._processes if other.poll() is None] + [process]
            if self._stopped:
                process.kill()

    def stop(self) -> None:
        """Kills every emulator, also those that are added later."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()  # does nothing to one that has ended


def run_once(
    board: EmulatedBoard, bundle: Bundle, audio: Sequence[np.ndarray], emulators: Emulators
) -> list[BulkResults]:
    """Runs some recordings on one board, started for them.

    Args:
      board: what to run.
      bundle: whose model the firmware must hold.
      audio: int16 ``[samples]`` of each recording.
      emulators: gets the board's.

    Raises:
      KwsError: it cannot be started, fails, takes too long, or runs another model.
    """
    with tempfile.TemporaryDirectory(prefix="kws-bulk-") as name:
        folder = Path(name)
        (folder / "in.bin").write_bytes(bulk.encode_input(audio))
        result = emulator.run(
            board.config(), _timeout_s(bundle, audio), on_start=emulators.add, cwd=folder, capture_output=True
        )
        if result.returncode:
            said = reason_in((result.stdout + b"\n" + result.stderr).decode("utf-8", "replace"))
            raise KwsError(f"the firmware ended with status {result.returncode}: {said or 'no reason given'}")
        if not (folder / "out.bin").is_file():
            raise KwsError(f"{board.elf} wrote no results: it does not know bulk runs. Build this kit's firmware.")
        return bulk.decode_output((folder / "out.bin").read_bytes(), bundle, len(audio))


def run(
    board: EmulatedBoard,
    bundle: Bundle,
    audio: Sequence[np.ndarray],
    *,
    jobs: int,
    on_progress: Callable[[int], None],
) -> list[BulkResults]:
    """Runs all recordings; the first failure ends all emulators.

    Args:
      board: what to run.
      bundle: whose model the firmware must hold.
      audio: int16 ``[samples]`` of each recording.
      jobs: emulators at once.
      on_progress: called with how many recordings are done.

    Raises:
      KwsError: see `run_once`.
    """
    parts = _parts(audio, bundle.frontend.sample_rate_hz)
    emulators, done = Emulators(), 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            futures = [pool.submit(run_once, board, bundle, part, emulators) for part in parts]
            for future in concurrent.futures.as_completed(futures):
                done += len(future.result())
                on_progress(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            emulators.stop()  # leaving the pool waits for its threads, and they for their emulators
            raise
    return [results for future in futures for results in future.result()]


def _parts(audio: Sequence[np.ndarray], rate_hz: int) -> list[Sequence[np.ndarray]]:
    """Recordings of each run, in order."""
    starts, seconds = [0], 0.0
    for index, pcm in enumerate(audio):
        seconds += len(pcm) / rate_hz
        if index > starts[-1] and (index - starts[-1] == RECORDINGS_PER_RUN or seconds > SECONDS_PER_RUN):
            starts.append(index)
            seconds = len(pcm) / rate_hz
    return [audio[start:stop] for start, stop in zip(starts, [*starts[1:], len(audio)], strict=True) if start < stop]


def _timeout_s(bundle: Bundle, audio: Sequence[np.ndarray]) -> float:
    seconds = sum(map(len, audio)) / bundle.frontend.sample_rate_hz
    return RUN_TIMEOUT_S * max(1.0, seconds / SECONDS_PER_RUN)
