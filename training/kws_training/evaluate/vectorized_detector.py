"""The integer detector over kept scores, all steps at once: `kws_reference.detector.integer.Detector`, step for step.

What does not depend on thresholds (`top`) is computed once; the detections of as many settings as wanted (`detect`)
then visit few steps.
"""

import dataclasses

import numpy as np
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, STILL_QUIET_Q15, DetectorConfig
from kws_reference.detector.integer import DetectorTables
from kws_reference.timing import MAX_QUIET_STEPS


@dataclasses.dataclass(frozen=True)
class Top:
    """All that thresholds and releases are compared with.

    Attributes:
      label: label with the largest smoothed posterior after each step, int64 ``[steps]``.
      steps: for each label, the steps at which it is that label, int64, rising.
      smoothed_q15: for each label, its smoothed posterior at those steps, 0 to 32767, int64.
      all_q15: smoothed posteriors of all labels after all steps, int16 ``[labels, steps]``.
    """

    label: np.ndarray
    steps: tuple[np.ndarray, ...]
    smoothed_q15: tuple[np.ndarray, ...]
    all_q15: np.ndarray


def smoothed_sums(scores: np.ndarray, tables: DetectorTables) -> np.ndarray:
    """Sums of the last ``smoothing_steps`` posteriors, from a reset.

    Args:
      scores: int8 ``[steps, labels]``.
      tables: the detector's constants.

    Returns:
      int64 ``[steps, labels]``; divided by ``smoothing_steps`` (floor), the smoothed posteriors in Q15.
    """
    sums = np.cumsum(tables.posteriors_q15(scores), axis=0)
    sums[tables.smoothing_steps :] -= sums[: -tables.smoothing_steps].copy()
    return sums


def top(scores: np.ndarray, tables: DetectorTables) -> Top:
    """The detector's view of ``scores``, int8 ``[steps, labels]``, from a reset, whatever the thresholds."""
    sums = smoothed_sums(scores, tables)
    label = sums.argmax(1)
    steps = tuple(np.flatnonzero(label == row) for row in range(sums.shape[1]))
    smoothed = np.ascontiguousarray((sums // tables.smoothing_steps).T.astype(np.int16))
    of_top = tuple(smoothed[row, at].astype(np.int64) for row, at in enumerate(steps))
    return Top(label, steps, of_top, smoothed)


def detect(view: Top, detector: DetectorConfig) -> np.ndarray:
    """Steps at which detections are raised, int64 ``[detections]``; the label of each is ``view.label`` there.

    Args:
      view: of the scores, behind a smoothing window of ``detector.smoothing_steps``.
      detector: thresholds, runs, quiet, releases and refractory period.
    """
    ready = _ready(view, detector)
    steps, label, rise = ready.T
    # A rise is raised once: what is ready next is the first step behind the refractory period, and of those that
    # belong to rises already raised, the first one behind. Following this chain visits few steps.
    after_refractory = np.searchsorted(steps, steps + detector.refractory_steps + 1).tolist()
    ends = np.append(np.flatnonzero((ready[1:, 1:] != ready[:-1, 1:]).any(1)) + 1, len(ready))
    after_run = ends[np.searchsorted(ends, np.arange(len(ready)), side="right")].tolist()
    label, rise = label.tolist(), rise.tolist()
    chain: list[int] = []
    raised: dict[int, int] = {}
    at = 0
    while at < len(ready):
        if raised.get(label[at]) == rise[at]:
            at = after_run[at]
            continue
        raised[label[at]] = rise[at]
        chain.append(at)
        at = after_refractory[at]
    return steps[chain]


def _ready(view: Top, detector: DetectorConfig) -> np.ndarray:
    """All steps whose largest label has reached its threshold for long enough, whatever was raised before.

    Returns:
      int64 ``[ready, 3]`` in order of time: step; label; number of its rise, which is the number of steps up to there
      in which the label was below its release, the same for steps between which it never was.
    """
    found = [np.zeros((0, 3), np.int64)]
    quiet = _quiet(view, detector)
    for row, (threshold, release) in enumerate(zip(detector.threshold_q15, detector.release_q15, strict=True)):
        if threshold == NEVER_Q15:
            continue
        wanted: int | np.ndarray = threshold
        if detector.when_busy_q15[row] != threshold:
            wanted = np.where(quiet[view.steps[row]], threshold, detector.when_busy_q15[row])
        steps = _last_of_runs(view.steps[row][view.smoothed_q15[row] >= wanted], detector.run_steps)
        if not len(steps):
            continue
        rise = steps + 1
        if release < NOT_HELD_Q15:
            high = np.flatnonzero(view.all_q15[row] >= release)
            rise = rise - np.searchsorted(high, steps, side="right")
        found.append(np.stack([steps, np.full(len(steps), row), rise], axis=1))
    ready = np.concatenate(found)
    return ready[ready[:, 0].argsort()]


def _quiet(view: Top, detector: DetectorConfig) -> np.ndarray:
    """Whether it was quiet just now, bool ``[steps]``; nothing, where it makes no difference."""
    if detector.when_busy_q15 == detector.threshold_q15:
        return np.zeros(0, bool)
    at = np.arange(len(view.label))
    quiet = np.ones(len(at), bool)
    for smoothed, level in zip(view.all_q15, detector.quiet_q15, strict=True):
        if level != STILL_QUIET_Q15:
            quiet &= smoothed < level
    last = np.maximum.accumulate(np.where(quiet, at, -MAX_QUIET_STEPS - 1)) if len(at) else at
    return at - last < detector.quiet_steps


def _last_of_runs(steps: np.ndarray, length: int) -> np.ndarray:
    """Those of rising steps with which at least ``length`` of them in a row are complete."""
    last = steps[length - 1 :]
    return last[last - steps[: len(last)] == length - 1]
