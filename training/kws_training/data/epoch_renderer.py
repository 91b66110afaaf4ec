"""Renders epochs in worker processes ahead of the training that consumes them.

The number of workers, and where a run was interrupted, change nothing in an epoch.
"""

import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import tempfile
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.system.workers import WorkerContext, single_threaded_numpy

from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet
from kws_training.data.epoch_cache import EpochCache
from kws_training.data.epoch_plan import plan_epoch
from kws_training.data.features import CHUNK_CLIPS
from kws_training.data.render import join, render_chunk, render_epoch


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

        Raises:
          KwsError: the cache's folder cannot be created.
        """
        self._clips, self._seed = clips, seed
        self._config, self._frontend = config or AugmentConfig(), frontend
        self._workers = min(max(2, (os.cpu_count() or 1) // 2), 8) if workers is None else workers
        self._ahead, self._last = ahead, last_epoch
        self._pool: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory | None = None
        self._pending: dict[int, list[Future]] = {}
        self._cache = EpochCache(cache, clips, seed, self._config, frontend) if cache is not None else None

    def __enter__(self) -> "EpochRenderer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns `render_epoch` of this number; waits for the workers if they have not finished it.

        Raises:
          KwsError: a worker died, for example of too little memory, or the cache cannot be written.
        """
        for number in [number for number in self._pending if not epoch <= number <= epoch + self._ahead]:
            for future in self._pending.pop(number):
                future.cancel()
        cached = self._cache.load(epoch) if self._cache and epoch not in self._pending else None
        last = epoch + self._ahead if self._last is None else min(epoch + self._ahead, self._last)
        for number in range(epoch, max(epoch, last) + 1) if self._workers else ():
            known = cached is not None if number == epoch else self._cache is not None and number in self._cache
            if number not in self._pending and not known:
                self._submit(number)
        if cached is not None:
            return cached
        features, labels = self._render(epoch)
        if self._cache:
            self._cache.store(epoch, features, labels)
        return features, labels

    def _render(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        if self._workers == 0:
            return render_epoch(self._clips, self._seed, epoch, self._config, self._frontend)
        try:
            return join([future.result() for future in self._pending.pop(epoch)])
        except BrokenProcessPool:
            raise KwsError(
                "a data worker died, most often for lack of memory. Free some, or run with fewer --workers (0: none)."
            ) from None

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

    def _submit(self, epoch: int) -> None:
        pool = self._pool or self._start()
        rows = plan_epoch(self._clips, self._seed, epoch, self._config)
        with single_threaded_numpy():  # the pool starts its processes when it gets work
            self._pending[epoch] = [
                pool.submit(_work, rows[first : first + CHUNK_CLIPS], self._seed, epoch, index)
                for index, first in enumerate(range(0, len(rows), CHUNK_CLIPS))
            ]

    def _start(self) -> ProcessPoolExecutor:
        self._folder = tempfile.TemporaryDirectory(prefix="kws-clips-")
        shared = Path(self._folder.name) / "pcm.npy"
        try:
            np.save(shared, self._clips.pcm)
        except OSError as error:
            self.close()
            raise KwsError(
                f"{shared}: {self._clips.pcm.nbytes / 1e6:.0f} MB of clips cannot be written ({error.strerror}). "
                "Set TMPDIR to a folder with room."
            ) from error
        light = dataclasses.replace(self._clips, pcm=np.empty((0, 0), np.int16), names=())
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=WorkerContext(),
            initializer=_initialise,
            initargs=(light, str(shared), self._config, self._frontend),
        )
        return self._pool


_worker: tuple[ClipSet, AugmentConfig, FrontendConfig | None] | None = None


def _initialise(clips: ClipSet, shared: str, config: AugmentConfig, frontend: FrontendConfig | None) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it closes the pool
    threading.Thread(target=_end_with_parent, args=(Path(shared).parent,), daemon=True).start()
    _worker = dataclasses.replace(clips, pcm=np.load(shared, mmap_mode="r")), config, frontend


def _end_with_parent(folder: Path) -> None:
    """Waits for the end of the parent. One that was killed leaves its workers and their file behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    multiprocessing.connection.wait([parent.sentinel])
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _work(rows: np.ndarray, seed: int, epoch: int, chunk: int) -> tuple[np.ndarray, np.ndarray]:
    assert _worker is not None  # the pool begins with _initialise
    clips, config, frontend = _worker
    return render_chunk(clips, rows, seed, epoch, chunk, config, frontend)
