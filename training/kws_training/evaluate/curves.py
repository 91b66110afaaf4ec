"""DET curves (detection error tradeoff): miss rate against false accepts per hour over all thresholds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig
from kws_reference.detector.integer import MAX_POSTERIOR_Q15

from kws_training.evaluate.metrics import DetectionMetrics

Point = tuple[float, float]
"""False accepts per hour, and miss rate 0..1."""


class Replay(Protocol):
    """What curves are drawn of: words that were said, and sound in which nobody said them, with kept scores."""

    @property
    def bundle(self) -> Bundle:
        """The model."""

    @property
    def spoken(self) -> np.ndarray:
        """Keywords said, int64 ``[labels]``."""

    def sweep(
        self, threshold_q15: Sequence[int], like: DetectorConfig, label: int | None = None
    ) -> Sequence[DetectionMetrics]:
        """Metrics for each threshold, common to all keywords, or of one label while no other one is raised."""


@dataclasses.dataclass(frozen=True)
class DetCurves:
    """One point for each of `det_thresholds`.

    Attributes:
      all_keywords: name of the detector's timing to its curve, one threshold common to all keywords.
      alone: keyword to its curve while no other one is raised.
    """

    all_keywords: dict[str, list[Point]]
    alone: dict[str, list[Point]]

    def to_dict(self) -> dict[str, object]:
        """For a report's JSON."""
        return {"threshold_q15": det_thresholds(), "all_keywords": self.all_keywords, "alone": self.alone}


def det_thresholds() -> list[int]:
    """Thresholds of a DET curve, Q15, falling: dense near 1, where posteriors crowd."""
    below_one = 10.0 ** np.linspace(-4.0, np.log10(0.8), 48)
    return [MAX_POSTERIOR_Q15, *sorted({round(NEVER_Q15 * (1 - x)) for x in below_one}, reverse=True)]


def det_curves(
    candidates: Mapping[str, tuple[Replay, DetectorConfig]], progress: Callable[[int], None] = lambda done: None
) -> DetCurves:
    """Curves of all keywords with the timing of the first and the last detector, of each keyword with the last's.

    Args:
      candidates: name to a detector and the replay with its smoothing window, the default first, the wanted one last.
      progress: called with the number of `curve_rounds` done.
    """
    thresholds = det_thresholds()
    settings = list(candidates.values())
    done, totals, alone = 0, {}, {}
    for replay, detector in (settings[0], settings[-1]):
        name = f"all keywords, {timing_text(replay, detector)}"
        if name not in totals:
            swept = replay.sweep(thresholds, detector)
            totals[name] = [(one.false_accepts_per_hour, 1 - one.recall) for one in swept]
        progress(done := done + 1)
    replay, detector = settings[-1]
    for row, label in enumerate(replay.bundle.labels):
        if replay.spoken[row]:
            swept = replay.sweep(thresholds, detector, row)
            alone[label] = [(one.false_accepts_per_hour, float(1 - one.found[row] / one.spoken[row])) for one in swept]
        progress(done := done + 1)
    return DetCurves(totals, alone)


def curve_rounds(replay: Replay) -> int:
    """How many rounds `det_curves` reports as progress."""
    return 2 + len(replay.bundle.labels)


def timing_text(replay: Replay, detector: DetectorConfig) -> str:
    """A detector's smoothing window ("mean") and refractory period ("rest"), as the reports' files have always said."""
    step_ms = replay.bundle.clock.step_ms
    asked = [f"mean of {detector.smoothing_steps * step_ms:g} ms"]
    if detector.run_steps > 1:
        asked.append(f"run of {detector.run_steps * step_ms:g} ms")
    if detector.quiet_steps:
        asked.append(f"quiet within {detector.quiet_steps * step_ms:g} ms")
    return ", ".join([*asked, f"rest of {detector.refractory_steps * step_ms:g} ms"])
