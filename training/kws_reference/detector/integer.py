"""Integer detector: int8 logits to smoothed posteriors to detections. The law that firmware/src/detector equals."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kws_reference.errors import KwsError

if TYPE_CHECKING:
    from kws_reference.bundle import Bundle

EXP_ENTRIES = 256
ONE_Q15 = 32768
"""A probability of 1."""
MAX_POSTERIOR_Q15 = ONE_Q15 - 1
"""Largest posterior: 1 does not fit the 15 bits."""


@dataclasses.dataclass(frozen=True)
class Detection:
    """A keyword heard.

    Attributes:
      step: steps since reset, from 0.
      label: index of the label.
      smoothed_q15: its smoothed posterior, 0 to 32767.
    """

    step: int
    label: int
    smoothed_q15: int


@dataclasses.dataclass(frozen=True)
class DetectorTables:
    """Every constant of the detector.

    Attributes:
      exp_q15: uint16 [256], round(32768 exp(-d * scale)) for a score d below the best one.
      threshold_q15: uint16 [labels]; 32768 is never reached.
      smoothing_steps: 1..255 steps averaged.
      refractory_steps: steps after a detection in which none is raised.
      release_q15: uint16 [labels]; a detected label stays held until its smoothed posterior is below. 32768: not held
        beyond the step of its detection. None: 32768 for all.
    """

    exp_q15: np.ndarray
    threshold_q15: np.ndarray
    smoothing_steps: int
    refractory_steps: int
    release_q15: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.release_q15 is None:
            object.__setattr__(self, "release_q15", np.full(len(self.threshold_q15), ONE_Q15, np.uint16))


def detector_tables(bundle: "Bundle") -> DetectorTables:
    """Derives the detector's constants from a bundle's ``scores.scale`` and ``detector``."""
    return DetectorTables(
        exp_q15=exp_table(bundle.scores.scale),
        threshold_q15=np.array(bundle.detector.threshold_q15, np.uint16),
        smoothing_steps=bundle.detector.smoothing_steps,
        refractory_steps=bundle.detector.refractory_steps,
        release_q15=np.array(bundle.detector.release_q15, np.uint16),
    )


def exp_table(scale: float) -> np.ndarray:
    """The exponential that a device looks up: uint16 [256], ``round(32768 exp(-d * scale))`` for ``d`` = 0 to 255."""
    return np.floor(ONE_Q15 * np.exp(-np.arange(EXP_ENTRIES) * float(scale)) + 0.5).astype(np.uint16)


def posteriors_q15(scores: np.ndarray, exp_q15: np.ndarray) -> np.ndarray:
    """Softmax of single steps in integers: ``min((e_k << 15) // sum(e), 32767)``, ``e_k = exp_q15[max - score_k]``.

    Args:
      scores: int8 ``[..., labels]``.
      exp_q15: of `exp_table`.

    Returns:
      int64 of the same shape, 0 to 32767.
    """
    values = scores.astype(np.int64)
    exponential = exp_q15.astype(np.int64)[values.max(-1, keepdims=True) - values]
    return np.minimum((exponential << 15) // exponential.sum(-1, keepdims=True), MAX_POSTERIOR_Q15)


class Detector:
    """Softmax, moving average, threshold, release and refractory period, all in integers.

    Per step and label k, over s = smoothing_steps steps with zeros before the reset: ``smoothed_k = sum of the last s
    p_k // s`` of the posteriors ``p_k`` (`posteriors_q15`). The label with the largest sum (the first of equals) is
    detected when its smoothed posterior reaches its threshold, unless one of the last ``refractory_steps`` steps raised
    a detection, or the label is held.

    A detected label is held: from the next step on, the first step with ``smoothed_k < release_k`` frees it, also one
    within the refractory period. So a score that stays high raises its word once, until it has fallen. Each label is
    held for itself. While the label with the largest sum is held nothing is raised, not even a second label above its
    own threshold: the detector speaks of the largest one only.

    Args:
      source: a bundle, or tables.
    """

    def __init__(self, source: "Bundle | DetectorTables"):
        self.tables = source if isinstance(source, DetectorTables) else detector_tables(source)
        self.reset()

    def reset(self) -> None:
        """Forgets all steps."""
        labels = len(self.tables.threshold_q15)
        self._ring = np.zeros((self.tables.smoothing_steps, labels), np.int64)
        self._sums = np.zeros(labels, np.int64)
        self._held = np.zeros(labels, bool)
        self._step = 0
        self._refractory = 0

    @property
    def held(self) -> np.ndarray:
        """Which labels were detected and have not fallen below their release since, bool [labels]."""
        return self._held.copy()

    @property
    def smoothed_q15(self) -> np.ndarray:
        """Smoothed posteriors after the last step, int64 [labels], 0 to 32767."""
        return self._sums // self.tables.smoothing_steps

    @property
    def top(self) -> tuple[int, int]:
        """Label with the largest sum (the first of equals) and its smoothed posterior, whether detected or not.

        Goes on during the refractory period; ``(0, 0)`` after a reset.
        """
        label = int(np.argmax(self._sums))
        return label, int(self._sums[label]) // self.tables.smoothing_steps

    def step(self, scores: np.ndarray) -> Detection | None:
        """Takes the scores of one step, int8 [labels], and returns the detection that they raise, if any.

        Raises:
          KwsError: ``scores`` has another type or length.
        """
        scores = np.asarray(scores)
        if scores.dtype != np.int8 or scores.shape != self._sums.shape:
            raise KwsError(
                f"detector: scores must be int8 {list(self._sums.shape)}. Received: {scores.dtype} {scores.shape}."
            )
        posterior = posteriors_q15(scores, self.tables.exp_q15)
        row = self._step % self.tables.smoothing_steps
        self._sums += posterior - self._ring[row]
        self._ring[row] = posterior
        self._held &= self.smoothed_q15 >= self.tables.release_q15
        index, self._step = self._step, self._step + 1
        if self._refractory:
            self._refractory -= 1
            return None
        label, smoothed = self.top
        if smoothed < int(self.tables.threshold_q15[label]) or self._held[label]:
            return None
        self._held[label] = True
        self._refractory = self.tables.refractory_steps
        return Detection(index, label, smoothed)
