"""A stretch of a recording to look at: its sound, the words in it, the posteriors and what was detected."""

import dataclasses

import numpy as np
from kws_reference.bundle import NEVER_Q15, DetectorConfig
from kws_reference.labels import Kind
from kws_reference.system.file_names import printable

from kws_training.data.clips import SAMPLE_RATE_HZ, ClipSet
from kws_training.data.long_recordings import LongRecordings
from kws_training.data.recording_plan import Piece, Word
from kws_training.evaluate.replay import DetectorReplay, MatchedDetection

STRETCH_S = 24.0
FIRST_PIECES = 6
"""The stretch is looked for in these."""

_MARGIN_BEFORE_S, _MARGIN_BEHIND_S = 0.5, 1.5
"""Words nearer to the ends of a stretch do not count for it."""


@dataclasses.dataclass(frozen=True)
class Stretch:
    """A part of a piece: samples ``start`` to ``stop``, exclusive."""

    piece: int
    start: int
    stop: int


@dataclasses.dataclass(frozen=True)
class Timeline:
    """What `kws_training.evaluate.timeline_picture` draws.

    Attributes:
      pcm: int16 ``[samples]`` at `SAMPLE_RATE_HZ`.
      start_s: time of the first sample, seconds.
      times_s: of the steps, seconds ``[steps]``.
      posteriors: smoothed, 0..1 ``[steps, keywords]``, in the order of ``thresholds``.
      words: start and end in seconds, text, and the keyword's label ("" for unknown words and noise).
      detections: time in seconds, label, and whether it found a word.
      thresholds: of each keyword, 0..1; 1 is never reached.
    """

    pcm: np.ndarray
    start_s: float
    times_s: np.ndarray
    posteriors: np.ndarray
    words: list[tuple[float, float, str, str]]
    detections: list[tuple[float, str, bool]]
    thresholds: dict[str, float]


def telling_stretch(replay: DetectorReplay, detector: DetectorConfig) -> Stretch:
    """The stretch of the first pieces that shows most: many different words, a missed one, a false accept."""
    span = round(STRETCH_S * SAMPLE_RATE_HZ)
    best = (-1.0, 0, 0)
    for index, piece in enumerate(replay.pieces[:FIRST_PIECES]):
        detections = replay.detections(index, detector)
        for start in range(0, max(piece.samples - span, 1), span // 8):
            best = max(best, (_worth(piece, detections, start, start + span), -index, -start))
    index, start = -best[1], -best[2]
    return Stretch(index, start, min(start + span, replay.pieces[index].samples))


def _worth(piece: Piece, detections: list[MatchedDetection], start: int, stop: int) -> float:
    """How much a stretch shows."""
    first = start + round(_MARGIN_BEFORE_S * SAMPLE_RATE_HZ)
    last = stop - round(_MARGIN_BEHIND_S * SAMPLE_RATE_HZ)
    inside = [word for word in piece.words if first < word.start and word.end < last]
    found = {event.match.word.clip_start for event in detections if event.match.found}
    missed = sum(word.kind is Kind.KEYWORD and word.clip_start not in found for word in inside)
    wrong = sum(start < event.sample < stop for event in detections if not event.match.found)
    errors = sum(2 if count == 1 else 0 if count == 0 else 3 - count for count in (missed, wrong))
    return len({word.label for word in inside}) + len(inside) / 4 + errors


def timeline(
    recordings: LongRecordings, replay: DetectorReplay, detector: DetectorConfig, stretch: Stretch
) -> Timeline:
    """Collects what a stretch shows.

    Args:
      recordings: that the replay heard.
      replay: with the detector's smoothing window.
      detector: thresholds, releases and refractory period.
      stretch: what to show.
    """
    labels, index = replay.bundle.labels, stretch.piece
    ends = replay.end_samples(np.arange(len(replay.scores[index])))
    steps = np.flatnonzero((ends >= stretch.start) & (ends < stretch.stop))
    keywords = list(labels.keyword_rows)
    return Timeline(
        recordings.pcm(index)[stretch.start : stretch.stop],
        stretch.start / SAMPLE_RATE_HZ,
        ends[steps] / SAMPLE_RATE_HZ,
        replay.posteriors(index, steps)[:, keywords] / NEVER_Q15,
        [
            (word.start / SAMPLE_RATE_HZ, word.end / SAMPLE_RATE_HZ, *_name(word, recordings.clips))
            for word in recordings.pieces[index].words
            if stretch.start <= word.start and word.end <= stretch.stop
        ],
        [
            (event.sample / SAMPLE_RATE_HZ, labels[event.label], event.match.found)
            for event in replay.detections(index, detector)
            if stretch.start <= event.sample < stretch.stop
        ],
        {labels[row]: detector.threshold_q15[row] / NEVER_Q15 for row in keywords},
    )


def _name(word: Word, clips: ClipSet) -> tuple[str, str]:
    """Text over a word, and its keyword or ""."""
    if word.kind is Kind.KEYWORD:
        return word.label, word.label
    return ("(noise)" if word.kind is Kind.SILENCE else f"“{printable(clips.words[word.clip])}”"), ""
