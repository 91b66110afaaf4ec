"""Top-1 accuracy on clips: one set through float batch, float streaming and int8 streaming."""

import concurrent.futures
import dataclasses
import os
from collections.abc import Callable

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.network.scoring import Scorer
from kws_reference.system import workers

STREAMS = 100
"""Clips that go side by side through the float streaming model."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Classification of a set of clips by one kind of inference.

    Attributes:
      scores: the last step's scores, ``[clips, labels]``, float or int8.
      truth: true label indices ``[clips]``.
    """

    scores: np.ndarray
    truth: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Label indices ``[clips]``; the first of equal scores."""
        return self.scores.argmax(1)

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy: share of clips whose own label has the largest score, 0..1."""
        return float((self.predicted == self.truth).mean())

    def confusion(self) -> np.ndarray:
        """Counts ``[true, predicted]``."""
        labels = self.scores.shape[1]
        return np.bincount(self.truth * labels + self.predicted, minlength=labels * labels).reshape(labels, labels)


def float_batch(model, features: np.ndarray, truth: np.ndarray, scale: float) -> Outcome:
    """The trained Keras model on whole clips. Args: features: int8 ``[clips, frames, coefficients]``."""
    scores = model.predict(features.astype(np.float32) * np.float32(scale), batch_size=256, verbose=0)
    return Outcome(scores, truth)


def float_streaming(
    model, features: np.ndarray, truth: np.ndarray, scale: float, progress: Callable[[int], None]
) -> Outcome:
    """The float `StreamingModel`, a step at a time from its initial states; many clips side by side."""
    scores = []
    for first in range(0, len(features), STREAMS):
        clips = features[first : first + STREAMS].astype(np.float32) * np.float32(scale)
        whole = clips.shape[1] - clips.shape[1] % model.frames_per_step
        scores.append(model.stream(clips[:, :whole]))
        progress(first + len(clips))
    return Outcome(np.concatenate(scores), truth)


def int8_streaming(
    bundle: Bundle, features: np.ndarray, truth: np.ndarray, progress: Callable[[int], None] = lambda done: None
) -> Outcome:
    """The bundle's ``.tflite`` with TFLite Micro's integers, step by step from reset states, on every core.

    Clips go side by side through the batched interpreter, of which TFLite Micro's repeats a part.
    """
    count = os.cpu_count() or 1
    pieces = np.array_split(np.arange(len(features)), max(1, min(len(features), 8 * count)))
    scores = np.empty((len(features), len(bundle.labels)), np.int8)
    done = 0
    with workers.pool(count, _start, Scorer(bundle)) as executor:
        futures = {executor.submit(_run, features[piece]): piece for piece in pieces}
        for future in concurrent.futures.as_completed(futures):
            piece = futures[future]
            scores[piece] = future.result()
            done += len(piece)
            progress(done)
    return Outcome(scores, truth)


_worker: dict[str, Scorer] = {}


def _start(scorer: Scorer) -> None:
    _worker["scorer"] = scorer


def _run(features: np.ndarray) -> np.ndarray:
    scorer = _worker["scorer"]
    pieces = scorer.scores(list(scorer.bundle.clock.whole_steps(features)))
    return np.array([scores[-1] for scores in pieces], np.int8)
