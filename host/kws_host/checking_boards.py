"""Several devices checked at the same time, the recordings repeated and shuffled."""

import contextlib
import dataclasses
import queue
import random
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import Info, Stats

from kws_host import clips, detector_settings, heard
from kws_host.checking import CheckJob, ClipResult, check, summarise
from kws_host.detector_settings import HeldSettings
from kws_host.device import Device
from kws_host.target import Target, open_device, require_model


def read_job(
    bundle_path: Path,
    audio: Sequence[Path],
    *,
    labels_csv: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    keep_going: bool = False,
) -> tuple[CheckJob, list[str]]:
    """Reads what is to be checked: all recordings first, since a broken file must not cost minutes.

    Args:
      bundle_path: the model.
      audio, labels_csv, limit, seed: see `clips.find`.
      keep_going: see `CheckJob`.

    Returns:
      The job, and what the user has to know about the recordings.

    Raises:
      KwsError: the bundle or a recording is faulty.
    """
    from kws_reference.pipeline import Pipeline  # half a second that other commands and --help can do without

    bundle = Bundle.load(bundle_path)
    chosen = clips.find(audio, bundle, labels_csv=labels_csv, limit=limit, seed=seed)
    pcm = tuple(clip.read(bundle) for clip in chosen)
    notes = heard.notes(bundle, pcm)
    return CheckJob(Pipeline(bundle), tuple(chosen), pcm, keep_going), notes


def rounds(job: CheckJob, repeat: int, shuffle: int | None) -> CheckJob:
    """The recordings several times, each round in an order of its own.

    Args:
      job: with the recordings once.
      repeat: rounds, at least 1.
      shuffle: seed of the orders; None: as they are.

    Raises:
      KwsError: there is no round.
    """
    if repeat < 1:
        raise KwsError(f"--repeat must be at least 1. Received: {repeat}.")
    generator = random.Random(shuffle)
    chosen, audio = [], []
    for number in range(1, repeat + 1):
        order = list(range(len(job.clips)))
        if shuffle is not None:
            generator.shuffle(order)
        for index in order:
            clip = job.clips[index]
            chosen.append(dataclasses.replace(clip, round=number) if repeat > 1 else clip)
            audio.append(job.audio[index])
    return dataclasses.replace(job, clips=tuple(chosen), audio=tuple(audio))


@dataclasses.dataclass(frozen=True)
class Board:
    """A device that is checked.

    Attributes:
      name: for tables; the board's, and its port's where two boards are called alike.
      info: what it says of itself.
      held: settings of its detector; None: it cannot tell.
      results: of its clips, in their order; filled as they come.
    """

    name: str
    info: Info
    held: HeldSettings | None
    results: list[ClipResult] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, device: Device, others: Sequence[Device]) -> "Board":
        """Asks a device. Args: others: all that are checked."""
        alone = sum(other.info.board == device.info.board for other in others) == 1
        name = device.info.board if alone else f"{device.info.board} {device.link.port}"
        return cls(name, device.info, detector_settings.held_by(device))


class _Stopped(Exception):
    """Another board, or the user, ended the check."""


class Listener(Protocol):
    """Who is told what happens."""

    def begin(self, boards: Sequence[Board]) -> None:
        """The boards are open."""

    def add(self, board: Board, result: ClipResult) -> None:
        """A clip was checked."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
      job: what was checked.
      boards: with their results.
      stats: counters of each board afterwards.
    """

    job: CheckJob
    boards: tuple[Board, ...]
    stats: tuple[Stats, ...]

    @property
    def differs(self) -> bool:
        """Whether an integer of any board does."""
        return any(result.differs for board in self.boards for result in board.results)

    def json(self) -> dict:
        """For machines. Of one board flat; of several with a list of them in the place of its fields."""
        count = len(self.job.clips)
        bundle = {"name": self.job.bundle.name, "model_sha256": self.job.bundle.model_sha256}
        found = [
            {
                "device": dataclasses.asdict(board.info),
                "bundle": bundle,
                "detector": board.held.json() if board.held else None,
                "stats": dataclasses.asdict(stats),
                "clips": [result.json() for result in board.results],
                "summary": summarise(board.results, count),
            }
            for board, stats in zip(self.boards, self.stats, strict=True)
        ]
        if len(found) == 1:
            return found[0]
        everything = [result for board in self.boards for result in board.results]
        return {"bundle": bundle, "boards": found, "summary": summarise(everything, count * len(found))}


def run_check(targets: Sequence[Target], job: CheckJob, listener: Listener, *, fail_fast: bool = False) -> Outcome:
    """Opens devices and checks them at the same time.

    Args:
      targets: where they are.
      job, fail_fast: see `check_boards`.
      listener: is told of each clip as it comes.

    Raises:
      KwsError: a device cannot be opened, runs another model, or its link broke.
    """
    with contextlib.ExitStack() as stack:
        devices = [stack.enter_context(open_device(target)) for target in targets]
        for device in devices:
            require_model(device, job.bundle)
        boards = tuple(Board.of(device, devices) for device in devices)
        listener.begin(boards)
        for index, result in check_boards(devices, job, fail_fast=fail_fast):
            boards[index].results.append(result)
            listener.add(boards[index], result)
        return Outcome(job, boards, tuple(device.stats() for device in devices))


def check_boards(devices: Sequence[Device], job: CheckJob, *, fail_fast: bool) -> Iterator[tuple[int, ClipResult]]:
    """Checks devices at the same time.

    Args:
      devices: each runs the job's model.
      job: what to check; a device ends at its first mismatch unless it says otherwise.
      fail_fast: whether the first mismatch of any device ends all.

    Yields:
      A device's index and what was found out about a clip, as it comes.

    Raises:
      KwsError: a device runs another model, or its link broke; then all end.
    """
    found: queue.Queue[tuple[int, ClipResult | BaseException | None]] = queue.Queue()
    stop = threading.Event()

    def end_if_stopped(_: int) -> None:
        if stop.is_set():
            raise _Stopped

    def work(index: int) -> None:
        try:
            # A pipeline of its own: it takes on the settings of the device's detector, and threads cannot share it.
            own = dataclasses.replace(job, pipeline=type(job.pipeline)(job.bundle))
            for result in check(devices[index], own, end_if_stopped):
                found.put((index, result))
                if stop.is_set():
                    break
            found.put((index, None))
        except _Stopped:  # in the middle of a recording, of which nothing is told
            found.put((index, None))
        except BaseException as error:  # told to whoever waits
            found.put((index, error))

    threads = [threading.Thread(target=work, args=[index], daemon=True) for index in range(len(devices))]
    for thread in threads:
        thread.start()
    working = len(threads)
    try:
        while working:
            index, item = found.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                working -= 1
                continue
            if fail_fast and item.comparison.mismatches:
                stop.set()
            yield index, item
    finally:
        stop.set()
        for thread in threads:
            thread.join()
