"""Detections in streams of speech, matched with what is said; with clips of keywords beside, for recall."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.detector.integer import DetectorTables

from kws_training.convert.detector_settings import common_thresholds, with_thresholds
from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.evaluate.matching import Cause
from kws_training.evaluate.replay import DetectorReplay, MatchedDetection
from kws_training.evaluate.speech.said import HeardStream, Share
from kws_training.evaluate.speech.speech_metrics import BySpeaker, SpeechMetrics

_COLUMNS = {cause: column for column, cause in enumerate(Cause)}
_HOUR = 3600 * SAMPLE_RATE_HZ


@dataclasses.dataclass(frozen=True)
class SpeechDetection:
    """A detection in a stream.

    Attributes:
      stream: index of the stream.
      event: when, of what, and the word that it belongs to.
      share: how its moment counts.
      apart: whether it is neither right nor wrong.
    """

    stream: int
    event: MatchedDetection
    share: Share
    apart: bool

    @property
    def is_false(self) -> bool:
        """Whether it is a false accept."""
        return self.share is Share.COUNTED and not self.apart and not self.event.match.found


class SpeechReplay:
    """What a bundle's detector makes of the kept scores of speech, behind one smoothing window.

    Args:
      bundle: labels, timing and detector.
      heard: the streams and what is said in them.
      scores: int8 ``[steps, labels]`` of each.
      smoothing_steps: of the detector; None: the bundle's.
    """

    def __init__(
        self,
        bundle: Bundle,
        heard: Sequence[HeardStream],
        scores: Sequence[np.ndarray],
        smoothing_steps: int | None = None,
    ):
        self.bundle, self.heard, self.scores = bundle, tuple(heard), scores
        self.replay = DetectorReplay(bundle, [one.piece for one in heard], scores, smoothing_steps)
        self.speakers = tuple(sorted({one.stream.speaker for one in heard}))
        self._of_speaker = {name: row for row, name in enumerate(self.speakers)}
        self._hours = np.zeros((len(self.speakers), len(Share)))
        for one in heard:
            for stretch in one.stretches:
                self._hours[self._of_speaker[one.stream.speaker], stretch.share] += (
                    stretch.end - stretch.start
                ) / _HOUR
        self.hours = float(self._hours[:, Share.COUNTED].sum())
        self.spoken = self.replay.spoken

    @property
    def tables(self) -> DetectorTables:
        """The detector's constants; of its thresholds nothing counts."""
        return self.replay.tables

    @property
    def smoothing_steps(self) -> int:
        """Of the smoothing window."""
        return self.replay.tables.smoothing_steps

    def smoothed(self, smoothing_steps: int) -> "SpeechReplay":
        """The same scores behind another smoothing window."""
        if smoothing_steps == self.smoothing_steps:
            return self
        return SpeechReplay(self.bundle, self.heard, self.scores, smoothing_steps)

    def detections(self, detector: DetectorConfig) -> list[SpeechDetection]:
        """All detections, stream by stream. Args: detector: its ``smoothing_steps`` must be the replay's."""
        found = []
        for index, one in enumerate(self.heard):
            for event in self.replay.detections(index, detector):
                apart = not event.match.found and one.is_apart(self.bundle.labels[event.label], event.sample)
                found.append(SpeechDetection(index, event, one.share_at(event.sample), apart))
        return found

    def measure(self, detector: DetectorConfig) -> SpeechMetrics:
        """False accepts, and what of the keywords in the speech was found, with these settings."""
        if detector.smoothing_steps != self.smoothing_steps:
            raise ValueError(f"smoothing_steps must be {self.smoothing_steps}. Received: {detector.smoothing_steps}")
        labels = len(self.bundle.labels)
        found, left_out, apart = (np.zeros(labels, np.int64) for _ in range(3))
        false_accepts = np.zeros((labels, len(Cause)), np.int64)
        events = np.zeros((len(self.speakers), len(Share)), np.int64)
        by_label = np.zeros((len(self.speakers), labels), np.int64)
        latency, latency_label = [], []
        for one in self.detections(detector):
            event, match = one.event, one.event.match
            if one.share is Share.KEYWORD:
                left_out[event.label] += 1
            elif match.word is not None and match.found:
                found[event.label] += 1
                latency.append((event.sample - match.word.end) / SAMPLE_RATE_HZ)
                latency_label.append(event.label)
            elif one.apart:
                apart[event.label] += 1
            else:
                speaker = self._of_speaker[self.heard[one.stream].stream.speaker]
                events[speaker, one.share] += 1
                if one.is_false and match.cause:
                    by_label[speaker, event.label] += 1
                    false_accepts[event.label, _COLUMNS[match.cause]] += 1
        both = [Share.COUNTED, Share.HOMOPHONE]
        return SpeechMetrics(
            spoken=self.spoken,
            found=found,
            false_accepts=false_accepts,
            latency_s=np.array(latency, np.float64),
            latency_label=np.array(latency_label, int),
            clips=np.ones(int(false_accepts.sum()), np.int64),
            hours=self.hours,
            speakers=BySpeaker(self.speakers, events[:, Share.COUNTED], self._hours[:, Share.COUNTED]),
            with_homophones=BySpeaker(self.speakers, events[:, both].sum(1), self._hours[:, both].sum(1)),
            by_label=by_label,
            left_out=left_out,
            left_out_hours=float(self._hours[:, Share.KEYWORD].sum()),
            apart=apart,
        )

    def sweep(
        self, threshold_q15: Sequence[int], like: DetectorConfig, label: int | None = None
    ) -> list[SpeechMetrics]:
        """Metrics for each threshold, common to all keywords, or of one label while no other one is raised."""
        settings = [common_thresholds(self.bundle.labels, threshold, label) for threshold in threshold_q15]
        return [self.measure(with_thresholds(like, each)) for each in settings]
