"""Speech for false accepts and clips of keywords for recall, as one: what thresholds are chosen and curves drawn by."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.detector.integer import DetectorTables

from kws_training.convert.detector_settings import common_thresholds, with_thresholds
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.speech.speech_metrics import SpeechMetrics


@dataclasses.dataclass(frozen=True)
class Hearing:
    """Measures settings like a `DetectorReplay`: recall and latency are of the clips, the rest is of the speech.

    Attributes:
      speech: behind a smoothing window.
      clips: behind the same one.
    """

    speech: SpeechReplay
    clips: DetectorReplay

    @property
    def bundle(self) -> Bundle:
        """The model."""
        return self.speech.bundle

    @property
    def hours(self) -> float:
        """Of speech that count."""
        return self.speech.hours

    @property
    def tables(self) -> DetectorTables:
        """The detector's constants; of its thresholds nothing counts."""
        return self.speech.replay.tables

    @property
    def spoken(self) -> np.ndarray:
        """Clips of each label, int64 ``[labels]``."""
        return self.clips.spoken

    def smoothed(self, smoothing_steps: int) -> "Hearing":
        """The same scores behind another smoothing window."""
        if smoothing_steps == self.tables.smoothing_steps:
            return self
        return Hearing(self.speech.smoothed(smoothing_steps), self.clips.smoothed(smoothing_steps))

    def measure(self, detector: DetectorConfig) -> SpeechMetrics:
        """Recall and latency of the clips, false accepts of the speech."""
        return self._joined(self.clips, detector)

    def sweep(
        self, threshold_q15: Sequence[int], like: DetectorConfig, label: int | None = None
    ) -> list[SpeechMetrics]:
        """Metrics for each threshold, common to all keywords, or of one label while no other one is raised."""
        clips = self.clips if label is None else self._of_label[label]
        settings = [common_thresholds(self.bundle.labels, threshold, label) for threshold in threshold_q15]
        return [self._joined(clips, with_thresholds(like, each)) for each in settings]

    def _joined(self, clips: DetectorReplay, detector: DetectorConfig) -> SpeechMetrics:
        heard = clips.measure(detector)
        return dataclasses.replace(
            self.speech.measure(detector),
            spoken=heard.spoken,
            found=heard.found,
            latency_s=heard.latency_s,
            latency_label=heard.latency_label,
        )

    @functools.cached_property
    def _of_label(self) -> dict[int, DetectorReplay]:
        """The clips of each label: alone, it finds nothing in others."""
        replay, found = self.clips, {}
        for label in self.bundle.labels.keyword_rows:
            name = self.bundle.labels[label]
            rows = [row for row, piece in enumerate(replay.pieces) if piece.words[0].label == name]
            pieces, scores = [replay.pieces[row] for row in rows], [replay.scores[row] for row in rows]
            found[label] = DetectorReplay(replay.bundle, pieces, scores, replay.tables.smoothing_steps)
        return found
