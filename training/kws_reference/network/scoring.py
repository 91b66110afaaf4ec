"""Scores of many pieces of sound: TFLite Micro's integers, by the batched interpreter wherever it knows the model."""

import functools
import logging
from collections.abc import Sequence

import numpy as np

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.network.batched import BatchedNetwork
from kws_reference.network.operators import Unsupported
from kws_reference.network.oracle import Network

STREAMS = 80
"""Side by side; more no longer fit into a processor's cache."""
CHECKED_STEPS = 200
"""Of each group of streams."""

log = logging.getLogger(__name__)


class InterpretersDiffer(KwsError):
    """The batched interpreter gave other integers than TFLite Micro: it is wrong, and so is every figure made of it."""


class Scorer:
    """Runs pieces of sound through a bundle's network, each from reset states.

    The batched interpreter runs them side by side. Of each group up to `CHECKED_STEPS` steps, drawn by seed, are
    repeated by TFLite Micro's interpreter, scores and states, and must be equal. A model that the batched interpreter
    does not know runs in TFLite Micro's alone, one piece after the other.

    Which of the two it is, is decided, and if it is the slow one said, by whoever makes a `Scorer`: make one and hand
    it to the worker processes. Each of them makes interpreters of its own when it first needs them.

    Attributes:
      bundle: the model.
      batched: whether the batched interpreter knows it.
    """

    def __init__(self, bundle: Bundle):
        """Args: bundle: a verified bundle.

        Raises:
          KwsError: TFLite Micro's interpreter rejects the model, or the model contradicts the manifest.
        """
        self.bundle = bundle
        self._oracle = Network(bundle)  # first: it refuses whatever is wrong with the model
        try:
            self._batched = BatchedNetwork(bundle)
        except Unsupported as why:
            self.batched = False
            log.info(
                f"{bundle.name} runs in TFLite Micro's interpreter, one stream at a time and about ten times slower: "
                f"the batched interpreter does not know {why}"
            )
        else:
            self.batched = True

    @functools.cached_property
    def _oracle(self) -> Network:
        return Network(self.bundle)

    @functools.cached_property
    def _batched(self) -> BatchedNetwork:
        return BatchedNetwork(self.bundle)

    def __getstate__(self) -> dict[str, object]:
        return {"bundle": self.bundle, "batched": self.batched}  # not the interpreters: they are of one process

    def scores(self, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Scores of every step.

        Args:
          pieces: int8 features ``[steps, frames_per_step, coefficients]`` of each.

        Returns:
          int8 ``[steps, labels]`` of each piece.

        Raises:
          InterpretersDiffer: an integer of the batched interpreter is not TFLite Micro's.
        """
        if not self.batched:
            return [self._alone(piece) for piece in pieces]
        found: list[np.ndarray] = []
        for first in range(0, len(pieces), STREAMS):
            found += self._side_by_side(pieces[first : first + STREAMS])
        return found

    def _alone(self, piece: np.ndarray) -> np.ndarray:
        scores = np.empty((len(piece), len(self.bundle.labels)), np.int8)
        self._oracle.reset()
        for step, frames in enumerate(piece):
            scores[step] = self._oracle.step(frames)
        return scores

    def _side_by_side(self, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
        network, streams, longest = self._batched, len(pieces), max(map(len, pieces))
        padded = np.zeros((longest, streams, *pieces[0].shape[1:]), np.int8)
        for stream, piece in enumerate(pieces):
            padded[: len(piece), stream] = piece
        scores = np.empty((longest, streams, len(self.bundle.labels)), np.int8)
        checked = set(np.random.default_rng(longest).integers(max(longest, 1), size=CHECKED_STEPS).tolist())
        network.reset(streams)
        for step in range(longest):
            stream = step % streams
            before = network.states(stream) if step in checked else None
            scores[step] = network.step(padded[step])
            if before is not None:
                self._check(step, padded[step, stream], before, scores[step, stream], network.states(stream))
        return [scores[: len(piece), stream].copy() for stream, piece in enumerate(pieces)]

    def _check(
        self, step: int, features: np.ndarray, before: list[np.ndarray], scores: np.ndarray, after: list[np.ndarray]
    ) -> None:
        """Repeats a step by TFLite Micro's interpreter.

        Raises:
          InterpretersDiffer: see there.
        """
        self._oracle.states = before
        found = {"scores": (scores, self._oracle.step(features))}
        for state, got, wanted in zip(self.bundle.states, after, self._oracle.states, strict=True):
            found[f"state {state.name}"] = (got, wanted)
        for what, (got, wanted) in found.items():
            if not np.array_equal(got, wanted):
                at = int(np.flatnonzero(got != wanted)[0])
                raise InterpretersDiffer(
                    f"{self.bundle.path}: the batched interpreter is wrong: in step {step}, value {at} of {what} is "
                    f"{got.flat[at]}, TFLite Micro's is {wanted.flat[at]}. Nothing was measured: report this bundle."
                )
