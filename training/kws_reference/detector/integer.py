"""Integer detector: int8 logits or probabilities to smoothed posteriors to detections.

It is the law that firmware/src/detector equals.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from kws_reference.errors import KwsError

if TYPE_CHECKING:
    from kws_reference.bundle import Bundle

LOGITS, PROBABILITIES = "logits", "probabilities"
"""Kinds of scores: what a softmax makes posteriors of, or posteriors as they are (of a sigmoid, or a softmax)."""

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
      exp_q15: uint16 [256], round(32768 exp(-d * scale)) for a score d below the best one; of logits.
      threshold_q15: uint16 [labels]; 32768 is never reached.
      smoothing_steps: 1..255 steps averaged.
      refractory_steps: steps after a detection in which none is raised.
      release_q15: uint16 [labels]; a detected label stays held until its smoothed posterior is below. 32768: not held
        beyond the step of its detection. None: 32768 for all.
      run_steps: 1..255 steps in a row that must be above the threshold.
      quiet_q15: uint16 [labels]; a step is quiet when all smoothed posteriors are below. None: 0, never.
      quiet_steps: 0..65535 last steps of which one must be quiet.
      busy_threshold_q15: uint16 [labels], the threshold if none of them is. None: `threshold_q15`.
      probability_q15: uint16 [256], the posterior that each score stands for, from -128 on (`probability_table`). None:
        scores are logits.
    """

    exp_q15: np.ndarray
    threshold_q15: np.ndarray
    smoothing_steps: int
    refractory_steps: int
    release_q15: np.ndarray | None = None
    run_steps: int = 1
    quiet_q15: np.ndarray | None = None
    quiet_steps: int = 0
    busy_threshold_q15: np.ndarray | None = None
    probability_q15: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, value in {"release_q15": ONE_Q15, "quiet_q15": 0}.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(len(self.threshold_q15), value, np.uint16))

    @property
    def when_busy_q15(self) -> np.ndarray:
        """The thresholds when it was not quiet just now, uint16 [labels]."""
        return self.threshold_q15 if self.busy_threshold_q15 is None else self.busy_threshold_q15

    def posteriors_q15(self, scores: np.ndarray) -> np.ndarray:
        """Posteriors of single steps: a softmax of logits, or the probabilities as they are.

        Args:
          scores: int8 ``[..., labels]``.

        Returns:
          int64 of the same shape, 0 to 32767.
        """
        if self.probability_q15 is None:
            return posteriors_q15(scores, self.exp_q15)
        return self.probability_q15[scores.astype(np.int64) + 128].astype(np.int64)


def detector_tables(bundle: "Bundle") -> DetectorTables:
    """Derives the detector's constants from a bundle's ``scores.scale`` and ``detector``."""
    return DetectorTables(
        exp_q15=exp_table(bundle.scores.scale),
        threshold_q15=np.array(bundle.detector.threshold_q15, np.uint16),
        smoothing_steps=bundle.detector.smoothing_steps,
        refractory_steps=bundle.detector.refractory_steps,
        release_q15=np.array(bundle.detector.release_q15, np.uint16),
        run_steps=bundle.detector.run_steps,
        quiet_q15=np.array(bundle.detector.quiet_q15, np.uint16),
        quiet_steps=bundle.detector.quiet_steps,
        busy_threshold_q15=np.array(bundle.detector.when_busy_q15, np.uint16),
        probability_q15=(
            probability_table(bundle.scores.scale, bundle.scores.zero_point)
            if bundle.scores_kind == PROBABILITIES
            else None
        ),
    )


def exp_table(scale: float) -> np.ndarray:
    """The exponential that a device looks up: uint16 [256], ``round(32768 exp(-d * scale))`` for ``d`` = 0 to 255."""
    return np.floor(ONE_Q15 * np.exp(-np.arange(EXP_ENTRIES) * float(scale)) + 0.5).astype(np.uint16)


def probability_table(scale: float, zero_point: int) -> np.ndarray:
    """The posterior of each int8 score that is a probability, from the score -128 on.

    Returns:
      uint16 [256], ``round(32768 scale (score - zero_point))``, 0 to 32767.
    """
    real = (np.arange(-128, 128) - zero_point) * float(scale)
    return np.clip(np.floor(ONE_Q15 * real + 0.5), 0, MAX_POSTERIOR_Q15).astype(np.uint16)


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
    """Posteriors, moving average, threshold, run, quiet, release and refractory period, all in integers.

    Per step and label k, over s = smoothing_steps steps with zeros before the reset: ``smoothed_k = sum of the last s
    p_k // s`` of the posteriors ``p_k`` (`DetectorTables.posteriors_q15`). The label with the largest sum (the first of
    equals) is detected when it has been that and has reached its threshold in ``run_steps`` steps in a row, this one
    the last of them, unless one of the last ``refractory_steps`` steps raised a detection, or the label is held.

    The threshold of a step is ``threshold_k`` if it was quiet just now: if in one of the last ``quiet_steps`` steps,
    this one included, every ``smoothed_j`` was below ``quiet_j`` (that of silence is 32768 in the kit's settings). Else
    it is ``busy_threshold_k``. So a word after a pause is heard sooner than one that runs out of other sounds.

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
        self._quiet = 0  # steps for which it still was quiet just now
        self._run, self._run_label = 0, 0

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
        posterior = self.tables.posteriors_q15(scores)
        row = self._step % self.tables.smoothing_steps
        self._sums += posterior - self._ring[row]
        self._ring[row] = posterior
        self._held &= self.smoothed_q15 >= self.tables.release_q15
        label, smoothed = self.top
        self._listen(label, smoothed)
        index, self._step = self._step, self._step + 1
        if self._refractory:
            self._refractory -= 1
            return None
        if self._run < self.tables.run_steps or self._held[label]:
            return None
        self._held[label] = True
        self._refractory = self.tables.refractory_steps
        return Detection(index, label, smoothed)

    def _listen(self, label: int, smoothed: int) -> None:
        """Counts quiet, and the steps in a row in which the largest label reached its threshold."""
        tables = self.tables
        if (self.smoothed_q15 < tables.quiet_q15).all():
            self._quiet = tables.quiet_steps
        threshold = tables.threshold_q15 if self._quiet else tables.when_busy_q15
        self._quiet = max(self._quiet - 1, 0)
        above = smoothed >= int(threshold[label])
        self._run = min(self._run, tables.run_steps) * (label == self._run_label) + 1 if above else 0
        self._run_label = label
