"""Counts of detections in running speech, and how sure the rate of false accepts is: intervals by speaker."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from kws_reference.labels import LabelSet

from kws_training.evaluate.intervals import poisson_bounds
from kws_training.evaluate.metrics import DetectionMetrics

RESAMPLES = 2000
FEW_SPEAKERS = 10
"""Of fewer speakers an interval by resampling is too narrow: the ones who are not there may differ more."""


@dataclasses.dataclass(frozen=True)
class BySpeaker:
    """False accepts and hours of each speaker.

    Attributes:
      names: of the speakers.
      events: int64 ``[speakers]``.
      hours: float64 ``[speakers]``, all counted.
    """

    names: tuple[str, ...]
    events: np.ndarray
    hours: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence["BySpeaker"]) -> "BySpeaker":
        """Those of different speakers, one behind the other."""
        names = tuple(name for part in parts for name in part.names)
        events, hours = [part.events for part in parts], [part.hours for part in parts]
        return cls(names, np.concatenate(events), np.concatenate(hours))

    @property
    def rate(self) -> float:
        """Events per hour."""
        return float(self.events.sum() / self.hours.sum()) if self.hours.sum() else 0.0

    def bounds(self, below: float, above: float) -> tuple[float, float]:
        """Bounds of the events per hour: those by resampling speakers, or those of chance alone if they are wider.

        The rate of whole speakers drawn with replacement (B. Efron, Annals of Statistics 7, 1979) tells how much
        speakers differ, but nothing where few events were seen; `poisson_bounds` how much a count scatters.

        Args:
          below, above: probabilities, see `poisson_bounds`.
        """
        resampled, chance = self.resampled_bounds(below, above), self.chance_bounds(below, above)
        return min(resampled[0], chance[0]), max(resampled[1], chance[1])

    def chance_bounds(self, below: float, above: float) -> tuple[float, float]:
        """Bounds if all speakers were alike."""
        low, high = poisson_bounds(float(self.events.sum()), below, above)
        hours = max(float(self.hours.sum()), 1e-9)
        return low / hours, high / hours

    def resampled_bounds(self, below: float, above: float) -> tuple[float, float]:
        """Bounds by resampling speakers alone."""
        heard = self.hours > 0
        count = int(heard.sum())
        if not count or not self.events.sum():
            return 0.0, 0.0
        drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
        rates = (drawn @ self.events[heard]) / (drawn @ self.hours[heard])
        low, high = np.quantile(rates, [below, above])
        return (float(low) if below else 0.0), float(high)

    def to_dict(self) -> dict[str, Any]:
        """The figures for a report's JSON."""
        result: dict[str, Any] = {
            "hours": float(self.hours.sum()),
            "speakers": int((self.hours > 0).sum()),
            "false_accepts": int(self.events.sum()),
            "false_accepts_per_hour": self.rate,
            "false_accepts_per_hour_95": list(self.bounds(0.025, 0.975)),
            "by_resampling_speakers_95": list(self.resampled_bounds(0.025, 0.975)),
            "by_chance_95": list(self.chance_bounds(0.025, 0.975)),
        }
        if not self.events.sum() and self.hours.sum():
            result["below_with_95_percent_confidence"] = 3 / float(self.hours.sum())  # the rule of three
        return result


@dataclasses.dataclass(frozen=True)
class SpeechMetrics(DetectionMetrics):
    """Counts of running speech; `spoken` and `found` are of the keywords that people said in it, or of other clips.

    Attributes:
      speakers: false accepts of all keywords by speaker, in `hours`.
      with_homophones: the same, with utterances whose transcript has no keyword but a word that sounds like one.
      left_out: detections in utterances with a keyword, int64 ``[labels]``, in `left_out_hours`; neither right nor
        wrong.
      by_label: false accepts of each speaker and label, int64 ``[speakers, labels]``.
      apart: detections at homophones and at words that could not be placed, int64 ``[labels]``; neither right nor
        wrong.
    """

    speakers: BySpeaker
    with_homophones: BySpeaker
    by_label: np.ndarray
    left_out: np.ndarray
    left_out_hours: float
    apart: np.ndarray

    def upper(self, confidence: float) -> float:
        """Upper bound of the false accepts per hour, one-sided with this confidence, 0..1."""
        return self.speakers.bounds(0.0, confidence)[1]

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the false accepts per hour, two-sided with 95 %."""
        return self.speakers.bounds(0.025, 0.975)

    @classmethod
    def merged(cls, parts: Sequence["SpeechMetrics"]) -> "SpeechMetrics":
        """Counts of several speakers' speech, each heard by a model of its own, as one."""
        return cls(
            spoken=_sum(part.spoken for part in parts),
            found=_sum(part.found for part in parts),
            false_accepts=_sum(part.false_accepts for part in parts),
            latency_s=np.concatenate([part.latency_s for part in parts]),
            latency_label=np.concatenate([part.latency_label for part in parts]),
            clips=np.concatenate([part.clips for part in parts]),
            hours=sum(part.hours for part in parts),
            speakers=BySpeaker.joined([part.speakers for part in parts]),
            with_homophones=BySpeaker.joined([part.with_homophones for part in parts]),
            by_label=np.concatenate([part.by_label for part in parts]),
            left_out=_sum(part.left_out for part in parts),
            left_out_hours=sum(part.left_out_hours for part in parts),
            apart=_sum(part.apart for part in parts),
        )

    def to_dict(self, labels: LabelSet) -> dict[str, Any]:
        """The figures for a report's JSON."""
        figures = {**super().to_dict(labels), **self.speakers.to_dict()}
        del figures["false_accepts_independent"]
        if not self.spoken.sum():
            figures["recall"] = None
        figures["by_speaker"] = {
            name: {"hours": round(float(hours), 4), "false_accepts": int(events)}
            for name, events, hours in zip(self.speakers.names, self.speakers.events, self.speakers.hours, strict=True)
        }
        figures["homophones_counted"] = {
            key: self.with_homophones.to_dict()[key] for key in ("hours", "false_accepts", "false_accepts_per_hour")
        }
        rows = labels.keyword_rows
        for row in rows:
            of_label = dataclasses.replace(self.speakers, events=self.by_label[:, row])
            figures["labels"][labels[row]]["false_accepts_per_hour_95"] = list(of_label.bounds(0.025, 0.975))
        figures["left_out"] = {
            "hours": self.left_out_hours,
            "detections": {labels[row]: int(self.left_out[row]) for row in rows if self.left_out[row]},
        }
        figures["at_homophones"] = {labels[row]: int(self.apart[row]) for row in rows if self.apart[row]}
        return figures


def _sum(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.sum(list(arrays), axis=0)
