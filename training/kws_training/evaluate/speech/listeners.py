"""Models and what each of them hears: speech, and clips of keywords."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.errors import KwsError
from kws_reference.labels import LabelSet

from kws_training.data.recording_plan import Piece
from kws_training.evaluate.metrics import DetectionMetrics
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.scores import Recordings, kept_or_streamed, score_key
from kws_training.evaluate.speech.clips import ClipsInSilence, keyword_clips
from kws_training.evaluate.speech.folders import speech_of
from kws_training.evaluate.speech.folds import assigned, trained_on
from kws_training.evaluate.speech.hearing import Hearing
from kws_training.evaluate.speech.job import SpeechJob
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.speech.said import WordTimes, heard_streams
from kws_training.evaluate.speech.speech_metrics import SpeechMetrics
from kws_training.evaluate.speech.streams import SpeechStreams


@dataclasses.dataclass(frozen=True)
class Listener:
    """A model and what it hears.

    Attributes:
      bundle: the model.
      streams: of the speakers that it hears.
      times: of words, as far as they are known.
      speech: their scores.
      clips: scores of keyword clips, or None.
      scores: a folder that keeps scores, or None.
    """

    bundle: Bundle
    streams: SpeechStreams
    times: WordTimes
    speech: SpeechReplay
    clips: DetectorReplay | None
    scores: Path | None

    def smoothed(self, smoothing_steps: int) -> "Listener":
        """The same scores behind another smoothing window."""
        return dataclasses.replace(
            self,
            speech=self.speech.smoothed(smoothing_steps),
            clips=self.clips and self.clips.smoothed(smoothing_steps),
        )

    @property
    def replay(self) -> Hearing | SpeechReplay:
        """By what curves are drawn: with the clips for recall, or else with what is said in the speech."""
        return Hearing(self.speech, self.clips) if self.clips else self.speech

    def listen(self, recordings: Recordings, pieces: Sequence[Piece], what: str) -> DetectorReplay:
        """Scores of something else."""
        return DetectorReplay(self.bundle, pieces, _scores(self.bundle, recordings, self.scores, what))

    def disturbed(self, recordings: Recordings, what: str) -> SpeechReplay:
        """Scores of the same speech, disturbed."""
        return SpeechReplay(self.bundle, self.speech.heard, _scores(self.bundle, recordings, self.scores, what))


def listeners(job: SpeechJob) -> tuple[Listener, ...]:
    """Loads models and speech, and lets them listen.

    Raises:
      KwsError: a bundle has no keyword or other labels than the first, a folder holds no speech, a file cannot be read,
        every transcript has a keyword, or see `assigned`.
    """
    bundles = [Bundle.load(path) for path in job.bundles]
    first = bundles[0]
    if not first.labels.keywords:
        raise KwsError(f"{first.path} has no keyword to detect. Received: {', '.join(first.labels)}.")
    for bundle in bundles:
        if bundle.labels != first.labels or bundle.clock != first.clock:
            raise KwsError(f"{bundle.path} has other labels or steps than {first.path}. Folds are of one task.")
    recordings, times = speech_of(job.speech)
    hears = assigned(bundles, trained_on(bundles, job.trained_on), recordings)
    extra = job.choice.extra if job.choice else None
    clips = keyword_clips(job.clips, first.labels, job.per_keyword, extra) if job.clips else None
    found = []
    for bundle, its in zip(bundles, hears, strict=True):
        if its:
            streams = SpeechStreams(its)
            scores = _scores(bundle, streams, job.scores, f"{job.name}")
            speech = SpeechReplay(bundle, heard_streams(streams.streams, times, bundle.labels), scores)
            found.append(Listener(bundle, streams, times, speech, _of_clips(job, bundle, clips), job.scores))
    if not any(one.speech.hours for one in found):
        raise KwsError(
            f"nothing of {', '.join(str(folder.path) for folder in job.speech)} counts: every transcript has a keyword "
            "or a word that sounds like one. Write the times of words with kws-train cut, or give more speech."
        )
    return tuple(found)


def _of_clips(job: SpeechJob, bundle: Bundle, clips: ClipsInSilence | None) -> DetectorReplay | None:
    if clips is None:
        return None
    return DetectorReplay(bundle, clips.pieces, _scores(bundle, clips, job.scores, f"{job.name}-clips"))


def _scores(bundle: Bundle, recordings: Recordings, folder: Path | None, what: str) -> list[np.ndarray]:
    """Scores, in a file of their own for all that they depend on if they are to be kept."""
    path = folder / f"{what}_{score_key(bundle, recordings)[:16]}.npz" if folder else None
    return kept_or_streamed(bundle, recordings, path, f"listening to {what}")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A detector of each listener, with what he hears behind its smoothing window."""

    listeners: tuple[Listener, ...]
    detectors: tuple[DetectorConfig, ...]

    @classmethod
    def of(cls, listeners: Sequence[Listener], detectors: Sequence[DetectorConfig]) -> "Candidate":
        """Args: detectors: of each listener."""
        smoothed = (one.smoothed(its.smoothing_steps) for one, its in zip(listeners, detectors, strict=True))
        return cls(tuple(smoothed), tuple(detectors))

    @functools.cached_property
    def speech(self) -> SpeechMetrics:
        """Of all that is said."""
        pairs = zip(self.listeners, self.detectors, strict=True)
        return SpeechMetrics.merged([one.speech.measure(detector) for one, detector in pairs])

    @functools.cached_property
    def clips(self) -> list[DetectionMetrics]:
        """Of the keyword clips, by each listener; none if there are no clips."""
        pairs = zip(self.listeners, self.detectors, strict=True)
        return [one.clips.measure(detector) for one, detector in pairs if one.clips]


@dataclasses.dataclass(frozen=True)
class Folded:
    """Replays of several listeners as one, for curves with common thresholds."""

    replays: tuple[Hearing | SpeechReplay, ...]

    @property
    def bundle(self) -> Bundle:
        """The first one's, for labels and timing."""
        return self.replays[0].bundle

    @property
    def labels(self) -> LabelSet:
        """Of all of them."""
        return self.bundle.labels

    @property
    def spoken(self) -> np.ndarray:
        """Keywords said, int64 ``[labels]``."""
        return np.sum([replay.spoken for replay in self.replays], axis=0)

    def sweep(
        self, threshold_q15: Sequence[int], like: DetectorConfig, label: int | None = None
    ) -> list[SpeechMetrics]:
        """Metrics for each threshold, see `SpeechReplay.sweep`."""
        swept = [replay.sweep(threshold_q15, like, label) for replay in self.replays]
        return [SpeechMetrics.merged(each) for each in zip(*swept, strict=True)]
