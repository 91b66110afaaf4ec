"""The kept scores of a recording, on which any detector settings can be tried."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.detector.integer import detector_tables
from kws_reference.labels import Kind

from kws_training.convert.detector_settings import common_thresholds, with_thresholds
from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.recording_plan import Piece
from kws_training.evaluate.matching import TOLERANCE_S, Cause, Match, match
from kws_training.evaluate.metrics import DetectionMetrics
from kws_training.evaluate.vectorized_detector import detect, smoothed_sums, top

_COLUMNS = {cause: column for column, cause in enumerate(Cause)}


@dataclasses.dataclass(frozen=True)
class MatchedDetection:
    """A detection in a piece.

    Attributes:
      sample: sample of the recording, at `SAMPLE_RATE_HZ`, with which it is raised: the last one that its step needs.
      label: its row among the bundle's labels.
      match: the word that it belongs to.
    """

    sample: int
    label: int
    match: Match


class DetectorReplay:
    """What a bundle's detector makes of kept scores, behind one smoothing window.

    Args:
      bundle: labels, timing and detector.
      pieces: what was spoken; their samples are those of `SAMPLE_RATE_HZ`, whatever rate the bundle has.
      scores: int8 ``[steps, labels]`` of each piece.
      smoothing_steps: of the detector; None: the bundle's.
      tolerance_s: seconds after a word's end, see `match`.
    """

    def __init__(
        self,
        bundle: Bundle,
        pieces: Sequence[Piece],
        scores: Sequence[np.ndarray],
        smoothing_steps: int | None = None,
        tolerance_s: float = TOLERANCE_S,
    ):
        self.bundle, self.pieces, self.scores = bundle, tuple(pieces), scores
        steps = smoothing_steps or bundle.detector.smoothing_steps
        self.tables = dataclasses.replace(detector_tables(bundle), smoothing_steps=steps)
        self.views = [top(piece, self.tables) for piece in scores]
        self.hours = sum(piece.samples for piece in pieces) / SAMPLE_RATE_HZ / 3600
        self._tolerance = round(tolerance_s * SAMPLE_RATE_HZ)
        said = collections.Counter(word.label for piece in pieces for word in piece.words)
        self.spoken = np.array(
            [said[label] if Kind.of(label) is Kind.KEYWORD else 0 for label in bundle.labels], np.int64
        )

    def smoothed(self, smoothing_steps: int) -> "DetectorReplay":
        """The same scores behind another smoothing window."""
        if smoothing_steps == self.tables.smoothing_steps:
            return self
        return DetectorReplay(self.bundle, self.pieces, self.scores, smoothing_steps, self._tolerance / SAMPLE_RATE_HZ)

    def end_samples(self, steps: np.ndarray) -> np.ndarray:
        """Samples of a piece that have come in when each step is computed, int64."""
        return self.bundle.clock.end_samples_at(np.asarray(steps, np.int64), SAMPLE_RATE_HZ)

    def posteriors(self, index: int, steps: np.ndarray) -> np.ndarray:
        """Smoothed posteriors of a piece after these steps, in Q15 but not rounded, float64 ``[steps, labels]``."""
        sums = smoothed_sums(self.scores[index][: steps[-1] + 1], self.tables)[steps]
        return sums / self.tables.smoothing_steps

    def detections(self, index: int, detector: DetectorConfig) -> list[MatchedDetection]:
        """Detections in a piece, in order of time.

        Args:
          index: the piece.
          detector: thresholds, releases and refractory period; ``smoothing_steps`` must be the replay's.
        """
        view = self.views[index]
        steps = detect(view, detector)
        samples, rows = self.end_samples(steps).tolist(), view.label[steps].tolist()
        events = [(sample, self.bundle.labels[row]) for sample, row in zip(samples, rows, strict=True)]
        matches = match(events, self.pieces[index].words, self._tolerance)
        return list(map(MatchedDetection, samples, rows, matches))

    def measure(self, detector: DetectorConfig) -> DetectionMetrics:
        """Recall, false accepts and latency with these settings."""
        if detector.smoothing_steps != self.tables.smoothing_steps:
            raise ValueError(
                f"smoothing_steps must be {self.tables.smoothing_steps}. Received: {detector.smoothing_steps}"
            )
        found = np.zeros(len(self.bundle.labels), np.int64)
        false_accepts = np.zeros((len(self.bundle.labels), len(Cause)), np.int64)
        latency, latency_label, clips = [], [], collections.Counter()
        for index in range(len(self.pieces)):
            for event in self.detections(index, detector):
                word, cause = event.match.word, event.match.cause
                if cause is None:
                    found[event.label] += 1
                    latency.append((event.sample - word.end) / SAMPLE_RATE_HZ)
                    latency_label.append(event.label)
                else:
                    false_accepts[event.label, _COLUMNS[cause]] += 1
                    clips[(index, event.sample) if word is None else word.clip] += 1
        return DetectionMetrics(
            self.spoken,
            found,
            false_accepts,
            np.array(latency, np.float64),
            np.array(latency_label, int),
            np.array(list(clips.values()), np.int64),
            self.hours,
        )

    def sweep(
        self, threshold_q15: Sequence[int], like: DetectorConfig, label: int | None = None
    ) -> list[DetectionMetrics]:
        """Metrics with each threshold, common to all keywords, or of one label while no other one is raised."""
        settings = [common_thresholds(self.bundle.labels, threshold, label) for threshold in threshold_q15]
        return [self.measure(with_thresholds(like, each)) for each in settings]
