"""Renders epochs of augmented features, in worker processes ahead of the training that consumes them.

An epoch is a pure function of the clips, the configuration, the seed and the epoch's number: the number of workers, and
where a run was interrupted, change nothing.
"""

import dataclasses
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float
from kws_reference.system.workers import WorkerContext, single_threaded_numpy

from kws_training.data import augment
from kws_training.data.epoch_cache import EpochCache
from kws_training.data.speech_commands import SILENCE, ClipSet, silence

CHUNK_CLIPS = 128  # clips that share one generator; part of what a seed means, so not a setting


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """What an epoch of training consists of.

    Attributes:
      shift_samples: time shift, +- (1,600 = 100 ms).
      resample: change of speed, +-.
      gain_low_db: least gain.
      gain_high_db: greatest gain.
      noise_probability: share of the clips that get background noise.
      noise_volume: loudest background noise; it is scaled by U(0, noise_volume).
      time_masks: SpecAugment's stretches of frames for each clip.
      time_frames: longest of these stretches.
      feature_masks: SpecAugment's bands of coefficients for each clip.
      feature_count: widest of these bands.
      silence_percent: drawn silent clips, in per cent of the keyword clips.
      unknown_percent: unknown words drawn for the epoch, in per cent of the keyword clips.
      unknown_balance: 0 draws every unknown clip equally often, 1 every unknown word, whatever number of clips it has.
      keyword_balance: 0 takes every keyword clip once, 1 as many of each keyword (repeating the rare ones); the total
        stays the same.
      synthetic_keywords: share of the synthetic keyword clips that an epoch takes, drawn anew for each.
      synthetic_unknown: share of an epoch's unknown words that are synthetic, where there are recorded ones too.
    """

    shift_samples: int = 1600
    resample: float = 0.15
    gain_low_db: float = -6.0
    gain_high_db: float = 3.0
    noise_probability: float = 0.8
    noise_volume: float = 0.1
    time_masks: int = 2
    time_frames: int = 25
    feature_masks: int = 2
    feature_count: int = 7
    silence_percent: float = 10.0
    unknown_percent: float = 10.0
    unknown_balance: float = 0.0
    keyword_balance: float = 0.0
    synthetic_keywords: float = 1.0
    synthetic_unknown: float = 0.3

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
          KwsError: a value is out of range; the message names it.
        """
        for name, low, high in (
            ("shift_samples", 0, 16000),
            ("resample", 0, 0.9),
            ("noise_probability", 0, 1),
            ("noise_volume", 0, 1),
            ("unknown_balance", 0, 1),
            ("keyword_balance", 0, 1),
            ("synthetic_keywords", 0, 1),
            ("synthetic_unknown", 0, 1),
            ("time_masks", 0, 100),
            ("time_frames", 0, 1000),
            ("feature_masks", 0, 100),
            ("feature_count", 0, 1000),
            ("silence_percent", 0, 1000),
            ("unknown_percent", 0, 1000),
        ):
            if not low <= getattr(self, name) <= high:
                raise KwsError(f"augmentation {name}: use {low} to {high}. Received: {getattr(self, name)}")
        if not self.gain_low_db <= self.gain_high_db:
            raise KwsError(f"augmentation gain: {self.gain_low_db} dB is above {self.gain_high_db} dB.")


def plain_features(
    clips: ClipSet, frontend: FrontendConfig | None = None, dtype: type[np.floating] = np.float16
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the features of clips as they are, for validation and testing.

    Args:
      clips: the clips.
      frontend: parameters of the front end. Default: the kit's.
      dtype: of the result; float16 keeps three digits, which training does not notice.

    Returns:
      MFCCs, not normalised, ``[clips, frames, coefficients]``, and int64 labels ``[clips]``.
    """
    parts = [
        mfcc_float(clips.pcm[first : first + CHUNK_CLIPS], frontend, np.float32).astype(dtype)
        for first in range(0, len(clips), CHUNK_CLIPS)
    ]
    return np.concatenate(parts), clips.labels


def plan_epoch(clips: ClipSet, seed: int, epoch: int, config: AugmentConfig) -> np.ndarray:
    """Chooses an epoch's clips: all keywords, a share of the unknown words, silence; in random order.

    Args:
      clips: the training clips.
      seed: seed of the run.
      epoch: number of the epoch, from 0.
      config: shares and balances.

    Returns:
      int64 rows of ``clips``; -1 is a silent clip that is drawn from the noise.
    """
    rng = np.random.default_rng([seed, epoch, 0])
    synthetic = clips.synthetic
    keywords = np.flatnonzero(clips.labels >= 2)
    if config.synthetic_keywords < 1.0 and synthetic[keywords].any():
        spoken = keywords[synthetic[keywords]]
        taken = _draw(rng, spoken, round(len(spoken) * config.synthetic_keywords))
        keywords = np.sort(np.concatenate([keywords[~synthetic[keywords]], taken]))
    total = len(keywords)
    if config.keyword_balance:
        classes = [keywords[clips.labels[keywords] == label] for label in np.unique(clips.labels[keywords])]
        share = np.array([len(rows) for rows in classes]) ** (1.0 - config.keyword_balance)
        counts = np.rint(total * share / share.sum()).astype(int)
        keywords = np.concatenate([_draw(rng, rows, count) for rows, count in zip(classes, counts, strict=True)])
    unknown = np.flatnonzero(clips.labels == 1)
    wanted = int(np.ceil(total * config.unknown_percent / 100)) if total else len(unknown)
    drawn = [
        _draw_words(rng, clips, rows, count, config.unknown_balance)
        for rows, count in _by_kind(unknown, synthetic[unknown], wanted, config.synthetic_unknown)
    ]
    recorded_silence = np.flatnonzero(clips.labels == 0)
    silent = np.full(int(np.ceil(total * config.silence_percent / 100)), -1, np.int64)
    return rng.permutation(np.concatenate([keywords, *drawn, recorded_silence, silent]).astype(np.int64))


def render_chunk(
    clips: ClipSet,
    rows: np.ndarray,
    seed: int,
    epoch: int,
    chunk: int,
    config: AugmentConfig,
    frontend: FrontendConfig | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Augments one chunk of an epoch and computes its features.

    Args:
      clips: the training clips.
      rows: the chunk's part of `plan_epoch`.
      seed: seed of the run.
      epoch: number of the epoch.
      chunk: number of the chunk in the epoch.
      config: ranges.
      frontend: parameters of the front end; masks are filled with its feature_mean, or, while that is unknown (all
        zeros), with the mean of the chunk.

    Returns:
      float16 MFCCs, not normalised, ``[rows, frames, coefficients]``, and int64 labels ``[rows]``.
    """
    rng = np.random.default_rng([seed, epoch, 1 + chunk])
    drawn = rows < 0
    pcm = clips.pcm[np.where(drawn, 0, rows)]
    pcm = augment.shift_and_resample(rng, pcm, config.shift_samples, config.resample)
    pcm = augment.gain(rng, pcm, config.gain_low_db, config.gain_high_db)
    pcm = augment.add_noise(rng, pcm, clips.noise, config.noise_probability, config.noise_volume)
    pcm[drawn] = silence(rng, clips.noise, int(drawn.sum()))
    features = mfcc_float(augment.to_int16_range(pcm), frontend, np.float32)
    mean = np.asarray(frontend.feature_mean, np.float32) if frontend else np.zeros(1, np.float32)
    fill = mean if mean.any() else features.mean(axis=(0, 1))
    features = augment.spec_augment(
        rng, features, fill, config.time_masks, config.time_frames, config.feature_masks, config.feature_count
    )
    return features.astype(np.float16), np.where(drawn, clips.label_names.index(SILENCE), clips.labels[rows])


def render_epoch(
    clips: ClipSet, seed: int, epoch: int, config: AugmentConfig | None = None, frontend: FrontendConfig | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Renders one epoch in this process.

    Returns:
      float16 MFCCs, not normalised, ``[n, frames, coefficients]``, and int64 labels ``[n]``, in random order.
    """
    config = config or AugmentConfig()
    rows = plan_epoch(clips, seed, epoch, config)
    parts = [
        render_chunk(clips, rows[first : first + CHUNK_CLIPS], seed, epoch, index, config, frontend)
        for index, first in enumerate(range(0, len(rows), CHUNK_CLIPS))
    ]
    return _join(parts)


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
            return _join([future.result() for future in self._pending.pop(epoch)])
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
    assert _worker is not None, "the pool begins with _initialise"
    clips, config, frontend = _worker
    return render_chunk(clips, rows, seed, epoch, chunk, config, frontend)


def _draw(rng: np.random.Generator, rows: np.ndarray, count: int) -> np.ndarray:
    """Draws rows without repeating one before all were drawn."""
    rounds = [rng.permutation(rows) for _ in range(-(-count // max(1, len(rows))))]
    return np.concatenate(rounds)[:count] if rounds else rows[:0]


def _by_kind(rows: np.ndarray, synthetic: np.ndarray, wanted: int, share: float) -> Iterator[tuple[np.ndarray, int]]:
    """Divides a number of unknown words among recorded and synthetic clips; if one kind is missing, the other fills."""
    count = round(wanted * share) if not synthetic.all() else wanted
    count = count if synthetic.any() else 0
    for part, number in ((rows[~synthetic], wanted - count), (rows[synthetic], count)):
        if len(part):
            yield part, number


def _draw_words(rng: np.random.Generator, clips: ClipSet, rows: np.ndarray, count: int, balance: float) -> np.ndarray:
    """Draws unknown clips; see ``unknown_balance``."""
    if not balance:
        return _draw(rng, rows, count)
    _, word_of, count_of = np.unique(np.array(clips.words)[rows], return_inverse=True, return_counts=True)
    weight = count_of.astype(float) ** -balance
    weight = weight[word_of] / weight[word_of].sum()
    return rng.choice(rows, count, replace=True, p=weight)


def _join(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    features, labels = zip(*parts, strict=True)
    return np.concatenate(features), np.concatenate(labels)
