"""Renders epochs in worker processes ahead of the training that consumes them.

The number of workers, and where a run was interrupted, change nothing in an epoch.
"""

import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.system.workers import WorkerContext, single_threaded_numpy

from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet
from kws_training.data.epoch_cache import EpochCache
from kws_training.data.epoch_source import Arrays, ClipEpochs, EpochSource, whole_epoch
from kws_training.data.scenes.scene_cache import SceneCache
from kws_training.data.scenes.scene_epochs import SceneEpochs


class EpochRenderer:
    """Renders epochs in worker processes; while one is being used, the next is being made.

    Use it as a context manager::

        with EpochRenderer(clips, seed=1, config=AugmentConfig()) as renderer:
            for epoch in range(first, last):
                features, labels = renderer.epoch(epoch)
    """

    def __init__(
        self,
        clips: ClipSet,
        seed: int,
        config: AugmentConfig | None = None,
        frontend: FrontendConfig | None = None,
        workers: int | None = None,
        ahead: int = 1,
        last_epoch: int | None = None,
        cache: str | os.PathLike | None = None,
        scenes: SceneEpochs | None = None,
    ):
        """Starts nothing yet; the workers start with the first epoch.

        Args:
          clips: the training clips; workers read them from a temporary file that they share.
          seed: seed of the run.
          config: augmentation.
          frontend: parameters of the front end.
          workers: number of processes; 0 renders in this process, without running ahead. None: 2, or one for every
            two cores if that is more, up to 8.
          ahead: number of epochs to prepare behind the one that is asked for.
          last_epoch: no epoch after this one is prepared. None: unknown.
          cache: folder that keeps the epochs for other trainings (`EpochCache`). None: none is kept.
          scenes: made of the same clips; None: there are none.

        Raises:
          KwsError: the cache's folder cannot be created.
        """
        config = config or AugmentConfig()
        self._pcm = clips.pcm
        self._sources: list[EpochSource] = [ClipEpochs(clips, seed, config, frontend)]
        self._caches: list[EpochCache | SceneCache | None] = [None]
        if cache is not None:
            self._caches = [EpochCache(cache, clips, seed, config, frontend)]
        if scenes is not None:
            self._sources.append(scenes)
            self._caches.append(SceneCache(cache, scenes) if cache is not None else None)
        self._workers = min(max(2, (os.cpu_count() or 1) // 2), 8) if workers is None else workers
        self._ahead, self._last = ahead, last_epoch
        self._pool: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory | None = None
        self._pending: dict[tuple[int, int], list[Future]] = {}  # by epoch and source

    def __enter__(self) -> "EpochRenderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def epoch(self, epoch: int) -> Arrays:
        """Returns features and labels of `render_epoch` of this number, and features and targets of its scenes, if any.

        Waits for the workers if they have not finished it.

        Raises:
          KwsError: a worker died, for example of too little memory, or the cache cannot be written.
        """
        for key in [key for key in self._pending if not epoch <= key[0] <= epoch + self._ahead]:
            for future in self._pending.pop(key):
                future.cancel()
        cached = {
            index: found
            for index, cache in enumerate(self._caches)
            if cache and (epoch, index) not in self._pending and (found := cache.load(epoch)) is not None
        }
        last = epoch + self._ahead if self._last is None else min(epoch + self._ahead, self._last)
        for number in range(epoch, max(epoch, last) + 1) if self._workers else ():
            for index, cache in enumerate(self._caches):
                known = index in cached if number == epoch else cache is not None and number in cache
                if (number, index) not in self._pending and not known:
                    self._submit(number, index)
        parts = [
            cached[index] if index in cached else self._rendered(epoch, index) for index in range(len(self._caches))
        ]
        return tuple(array for part in parts for array in part)

    def _rendered(self, epoch: int, index: int) -> Arrays:
        source, cache = self._sources[index], self._caches[index]
        try:
            if self._workers:
                parts = [future.result() for future in self._pending.pop((epoch, index))]
            else:
                parts = [source.render(job) for job in source.jobs(epoch)]
        except BrokenProcessPool:
            raise KwsError(
                "a data worker died, most often for lack of memory. Free some, or run with fewer --workers (0: none)."
            ) from None
        arrays = whole_epoch(parts)
        if cache:
            cache.store(epoch, *arrays)
        return arrays

    def close(self) -> None:
        """Stops the workers and removes their temporary file."""
        for futures in self._pending.values():
            for future in futures:
                future.cancel()
        self._pending.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _submit(self, epoch: int, index: int) -> None:
        pool = self._pool or self._start()
        with single_threaded_numpy():  # the pool starts its processes when it gets work
            jobs = self._sources[index].jobs(epoch)
            self._pending[epoch, index] = [pool.submit(_work, index, job) for job in jobs]

    def _start(self) -> ProcessPoolExecutor:
        self._folder = tempfile.TemporaryDirectory(prefix="kws-clips-")
        shared = Path(self._folder.name) / "pcm.npy"
        try:
            np.save(shared, self._pcm)
        except OSError as error:
            self.close()
            raise KwsError(
                f"{shared}: {self._pcm.nbytes / 1e6:.0f} MB of clips cannot be written ({error.strerror}). "
                "Set TMPDIR to a folder with room."
            ) from error
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=WorkerContext(),
            initializer=_initialise,
            initargs=([source.light() for source in self._sources], str(shared)),
        )
        return self._pool


_worker: list[EpochSource] = []


def _initialise(sources: list[EpochSource], shared: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it closes the pool
    folders = [Path(shared).parent, *(folder for source in sources for folder in source.temporary)]
    threading.Thread(target=_end_with_parent, args=(folders,), daemon=True).start()
    pcm = np.load(shared, mmap_mode="r")
    _worker[:] = [source.with_clips(pcm) for source in sources]


def _end_with_parent(folders: Sequence[Path]) -> None:
    """Waits for the end of the parent. One that was killed leaves its workers and its files behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    multiprocessing.connection.wait([parent.sentinel])
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _work(index: int, job: Any) -> Arrays:
    return _worker[index].render(job)
