"""Detection metrics of a recording: recall, false accepts per hour with their interval, latency."""

import dataclasses
from typing import Any

import numpy as np
from kws_reference.labels import LabelSet

from kws_training.evaluate.intervals import independent_events, rate_bounds
from kws_training.evaluate.matching import Cause

CONFIDENCE = 0.9
"""One-sided: with chosen settings, the upper bound of the rate of false accepts is the wanted rate."""


@dataclasses.dataclass(frozen=True)
class DetectionMetrics:
    """Counts of a recording's detections, matched with the words that were spoken.

    Attributes:
      spoken: keywords spoken, int64 ``[labels]``.
      found: those that were detected.
      false_accepts: int64 ``[labels, causes]``, in the order of `Cause`.
      latency_s: from the word's end to the detection (negative: before), float64 ``[found]``, in the order of
        `latency_label`.
      latency_label: label of each.
      clips: how many false accepts each clip raised that raised some, and 1 for each that belongs to none, int64.
      hours: length of the recording.
    """

    spoken: np.ndarray
    found: np.ndarray
    false_accepts: np.ndarray
    latency_s: np.ndarray
    latency_label: np.ndarray
    clips: np.ndarray
    hours: float

    @property
    def recall(self) -> float:
        """Share of all keywords spoken that was detected, 0..1."""
        return float(self.found.sum() / max(self.spoken.sum(), 1))

    @property
    def false_accepts_per_hour(self) -> float:
        """Detections per hour that are not the first one of a keyword."""
        return float(self.false_accepts.sum() / self.hours)

    @property
    def upper_rate(self) -> float:
        """Upper bound of the false accepts per hour, one-sided with `CONFIDENCE`."""
        return self.upper(CONFIDENCE)

    def upper(self, confidence: float) -> float:
        """Upper bound of the false accepts per hour, one-sided with this confidence, 0..1."""
        return rate_bounds(self.clips, self.hours, 0.0, confidence)[1]

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the false accepts per hour, two-sided with 95 %."""
        return rate_bounds(self.clips, self.hours, 0.025, 0.975)

    def to_dict(self, labels: LabelSet) -> dict[str, Any]:
        """The figures for a report's JSON."""
        return {
            "hours": self.hours,
            "keywords": int(self.spoken.sum()),
            "recall": self.recall,
            "false_accepts": int(self.false_accepts.sum()),
            "false_accepts_independent": round(independent_events(self.clips), 1),
            "false_accepts_per_hour": self.false_accepts_per_hour,
            "false_accepts_per_hour_95": list(self.interval),
            "false_accepts_by_cause": {
                cause.value: count for cause, count in zip(Cause, self.false_accepts.sum(0).tolist(), strict=True)
            },
            "latency_ms": _latency_ms(self.latency_s),
            "labels": {labels[row]: self._of_label(row) for row in labels.keyword_rows},
        }

    def _of_label(self, row: int) -> dict[str, Any]:
        return {
            "keywords": int(self.spoken[row]),
            "recall": float(self.found[row] / self.spoken[row]) if self.spoken[row] else None,
            "false_accepts": int(self.false_accepts[row].sum()),
            "false_accepts_per_hour": float(self.false_accepts[row].sum() / self.hours),
            "latency_ms": _latency_ms(self.latency_s[self.latency_label == row]),
        }


def _latency_ms(seconds: np.ndarray) -> dict[str, float] | None:
    if not len(seconds):
        return None
    return {"median": float(np.median(seconds) * 1000), "percentile_90": float(np.percentile(seconds, 90) * 1000)}
