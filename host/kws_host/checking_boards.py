"""Several devices checked at the same time, the recordings repeated and shuffled."""

import dataclasses
import queue
import random
import threading
from collections.abc import Iterator, Sequence

from kws_reference.errors import KwsError

from kws_host.checking import CheckJob, ClipResult, check
from kws_host.device import Device


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
    clips, audio = [], []
    for number in range(1, repeat + 1):
        order = list(range(len(job.clips)))
        if shuffle is not None:
            generator.shuffle(order)
        for index in order:
            clip = job.clips[index]
            clips.append(dataclasses.replace(clip, name=f"{clip.name} ({number})") if repeat > 1 else clip)
            audio.append(job.audio[index])
    return dataclasses.replace(job, clips=tuple(clips), audio=tuple(audio))


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

    def work(index: int) -> None:
        try:
            # A pipeline of its own: it takes on the settings of the device's detector, and threads cannot share it.
            for result in check(devices[index], dataclasses.replace(job, pipeline=type(job.pipeline)(job.bundle))):
                found.put((index, result))
                if stop.is_set():
                    break
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
