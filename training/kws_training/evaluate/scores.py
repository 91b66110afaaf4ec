"""Streaming scores of long recordings: what a bundle's network answers at each step, computed once and kept."""

import dataclasses
import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from kws_reference.audio.pcm import convert_rate
from kws_reference.bundle import Bundle
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.frontend import kinds
from kws_reference.network.scoring import Scorer
from kws_reference.system.files import replacing
from kws_reference.system.workers import pool

from kws_training.data.clips import SAMPLE_RATE_HZ

log = logging.getLogger(__name__)

BATCH_PIECES = 40
"""Pieces that go side by side through the network."""


class Recordings(Protocol):
    """What can be heard: pieces, each from a reset. Every worker process gets a copy and makes the samples it needs."""

    def __len__(self) -> int:
        """How many pieces there are."""

    def pcm(self, index: int) -> np.ndarray:
        """One piece, int16 ``[samples]`` at `SAMPLE_RATE_HZ`."""

    def sha256(self) -> str:
        """Digest of all that the samples depend on."""


def stream_scores(
    bundle: Bundle,
    recordings: Recordings,
    progress: Callable[[int], None] = lambda done: None,
    workers: int | None = None,
) -> list[np.ndarray]:
    """Runs each piece from a reset through the integer front end and the int8 network.

    Up to `BATCH_PIECES` pieces go side by side through the batched interpreter, of which TFLite Micro's repeats a part.

    Args:
      bundle: the model.
      recordings: what it hears, converted to the model's sample rate; each process renders its pieces.
      progress: called with the number of pieces done.
      workers: processes; None: one for each core.

    Returns:
      int8 ``[steps, labels]`` of each piece. A remainder too short for a step is left out.
    """
    workers = workers or os.cpu_count() or 1
    size = min(BATCH_PIECES, -(-len(recordings) // (2 * workers)))
    groups = [range(first, min(first + size, len(recordings))) for first in range(0, len(recordings), size)]
    scores: list[np.ndarray] = []
    with pool(min(workers, len(groups)), _start, Scorer(bundle), recordings) as executor:
        for result in executor.map(_run, groups):
            scores += result
            progress(len(scores))
    return scores


_worker: dict[str, Any] = {}


def _start(scorer: Scorer, recordings: Recordings) -> None:
    _worker["scorer"], _worker["recordings"] = scorer, recordings
    _worker["frontend"] = kinds.whole(scorer.bundle.frontend, scorer.bundle.features.zero_point)


def _run(pieces: Sequence[int]) -> list[np.ndarray]:
    bundle, features = _worker["scorer"].bundle, []
    for index in pieces:
        pcm = convert_rate(_worker["recordings"].pcm(index), SAMPLE_RATE_HZ, bundle.frontend.sample_rate_hz)
        features.append(bundle.clock.whole_steps(_worker["frontend"].frames(pcm)))
    return _worker["scorer"].scores(features)


@dataclasses.dataclass(frozen=True)
class KeptScores:
    """A ``.npz`` that keeps the scores of one model and one set of recordings.

    Attributes:
      path: the file.
      key: SHA-256 of all that the scores depend on, see `score_key`.
    """

    path: Path
    key: str

    def read(self, pieces: int) -> list[np.ndarray] | None:
        """The scores of each piece; None when there is no file.

        Raises:
          KwsError: the file holds something else.
        """
        if not self.path.is_file():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as kept:
                if str(kept["key"]) == self.key:
                    return [kept[f"piece{index}"] for index in range(pieces)]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            raise KwsError(f"{self.path} holds no scores of this command. Remove it or name another file.") from None
        raise KwsError(f"{self.path} holds scores of another model or recording. Remove it or name another file.")

    def write(self, scores: Sequence[np.ndarray]) -> None:
        """Replaces the file as a whole."""
        arrays = {f"piece{index}": piece for index, piece in enumerate(scores)}
        with replacing(self.path) as file:
            np.savez_compressed(file, key=self.key, **arrays)


def score_key(bundle: Bundle, recordings: Recordings) -> str:
    """SHA-256 of all that scores depend on: the model, its front end, and what it hears."""
    return hashlib.sha256(repr((bundle.model_sha256, bundle.frontend, recordings.sha256())).encode()).hexdigest()


def kept_or_streamed(
    bundle: Bundle, recordings: Recordings, path: Path | None, what: str = "listening"
) -> list[np.ndarray]:
    """The scores of each piece, from ``path`` when they are of this model and these recordings.

    Args:
      bundle: the model.
      recordings: what it hears.
      path: a ``.npz``; None: nothing is kept.
      what: shown before the progress bar.

    Raises:
      KwsError: the file holds something else.
    """
    kept = KeptScores(path, score_key(bundle, recordings)) if path else None
    if kept and (scores := kept.read(len(recordings))) is not None:
        log.info(f"scores taken from {path}")
        return scores
    if kept:
        kept.path.parent.mkdir(parents=True, exist_ok=True)
    scores = stream_scores(bundle, recordings, Progress(what, len(recordings)).update)
    if kept:
        kept.write(scores)
    return scores
