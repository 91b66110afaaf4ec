"""The plan of a long recording, drawn by seed: which clip starts when in which piece, and how loud it is."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.labels import Kind

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ


@dataclasses.dataclass(frozen=True)
class RecordingSpec:
    """How recordings are assembled.

    Attributes:
      hours: length in all, > 0.
      seed: draws everything.
      piece_seconds: length of a piece; the last one takes the rest. Each is heard from a reset.
      keyword_share, unknown_share: shares of the clips placed that are keywords and unknown words; the rest are clips
        of noise. A kind without clips leaves its share to the others.
      shortest_gap_s: least pause between two clips, seconds.
      mean_gap_s: mean of the exponential pause that comes on top, seconds.
      gain_low_db, gain_high_db: each clip is scaled by U(low, high) decibel.
      noise_volume: stretches of background noise are scaled by U(0, noise_volume).
      quiet_share: share of stretches without background noise.
      stretch_low_s, stretch_high_s: a stretch of background lasts U(low, high) seconds.
      tail_s: the last clip of a piece ends at least this long before the piece does, seconds.
    """

    hours: float
    seed: int = 0
    piece_seconds: float = 120.0
    keyword_share: float = 0.45
    unknown_share: float = 0.45
    shortest_gap_s: float = 0.3
    mean_gap_s: float = 3.0
    gain_low_db: float = -6.0
    gain_high_db: float = 0.0
    noise_volume: float = 0.1
    quiet_share: float = 0.2
    stretch_low_s: float = 10.0
    stretch_high_s: float = 40.0
    tail_s: float = 2.0


@dataclasses.dataclass(frozen=True)
class Word:
    """A clip in a piece.

    Attributes:
      clip: row of the `ClipSet`.
      label: its label; that of noise is `SILENCE`.
      clip_start: sample at which the clip begins.
      start, end: samples at which the word begins and ends (`word_spans`); of noise, those of the clip.
      gain: factor of the clip.
    """

    clip: int
    label: str
    clip_start: int
    start: int
    end: int
    gain: float

    @property
    def kind(self) -> Kind:
        """Keyword, unknown word or (silence) noise."""
        return Kind.of(self.label)


@dataclasses.dataclass(frozen=True)
class Piece:
    """The plan of one piece.

    Attributes:
      index: its number from 0.
      samples: its length.
      words: the clips in it, in order of time; they do not overlap.
    """

    index: int
    samples: int
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / SAMPLE_RATE_HZ


def plan(
    labels: Sequence[str], spans: np.ndarray, spec: RecordingSpec, weights: np.ndarray | None = None
) -> tuple[Piece, ...]:
    """Draws what is heard when.

    Without weights, each kind of clip (keyword, unknown word, noise) is drawn without replacement: a pass uses every
    clip of the kind once, in an order of its own; when all are used, the next pass begins.

    Args:
      labels: label of each clip.
      spans: `word_spans` ``[clips, 2]``.
      spec: length, seed, shares and gaps.
      weights: see `kws_training.data.long_recordings.LongRecordings`.

    Raises:
      KwsError: there is no keyword, or a piece is too short for a clip.
    """
    kind_of = np.array(list(map(Kind.of, labels)), np.int64)
    kinds = [np.flatnonzero(kind_of == kind) for kind in Kind]
    if not len(kinds[Kind.KEYWORD]):
        raise KwsError("recordings need keywords. None of the clips is of a label other than silence and unknown.")
    room = spec.piece_seconds - spec.tail_s - spec.shortest_gap_s - CLIP_SAMPLES / SAMPLE_RATE_HZ
    if room <= 0:
        raise KwsError(f"pieces of {spec.piece_seconds} s are too short for a clip. Take 10 s or more.")
    shares = np.array([1.0 - spec.keyword_share - spec.unknown_share, spec.unknown_share, spec.keyword_share])
    shares = np.where([len(rows) > 0 for rows in kinds], shares, 0.0)
    cumulative = np.cumsum(shares / shares.sum())
    cumulative[-1] = 1.0
    rng = np.random.default_rng([spec.seed, 0])
    sources = [_clips_without_end(rows, weights, spec.seed, kind) for kind, rows in enumerate(kinds)]
    left = round(spec.hours * 3600 * SAMPLE_RATE_HZ)
    piece_samples = round(spec.piece_seconds * SAMPLE_RATE_HZ)
    tail = round(spec.tail_s * SAMPLE_RATE_HZ)
    pieces: list[Piece] = []
    waiting: Word | None = None  # drawn for the piece before, which had no room left
    while left > 0:
        samples = min(left, piece_samples)
        left -= samples
        words, at = [], 0
        while True:
            at += round((spec.shortest_gap_s + rng.exponential(spec.mean_gap_s)) * SAMPLE_RATE_HZ)
            if waiting is None:
                kind = int(np.searchsorted(cumulative, rng.random(), side="right"))
                clip = next(sources[kind])
                gain = 10.0 ** (rng.uniform(spec.gain_low_db, spec.gain_high_db) / 20.0)
                first, last = (0, CLIP_SAMPLES) if kind == Kind.SILENCE else map(int, spans[clip])
                waiting = Word(clip, labels[clip], 0, first, last, gain)
            if at + CLIP_SAMPLES + tail > samples:
                break
            words.append(dataclasses.replace(waiting, clip_start=at, start=at + waiting.start, end=at + waiting.end))
            waiting = None
            at += CLIP_SAMPLES
        pieces.append(Piece(len(pieces), samples, tuple(words)))
    return tuple(pieces)


def _clips_without_end(rows: np.ndarray, weights: np.ndarray | None, seed: int, kind: int) -> Iterator[int]:
    """Every row once, in an order drawn anew for each pass; with weights, as many draws by them for a pass."""
    turn = 0
    while True:
        rng = np.random.default_rng([seed, 2, kind, turn])
        if weights is None:
            yield from map(int, rng.permutation(rows))
        else:
            yield from map(int, rng.choice(rows, len(rows), p=weights[rows] / weights[rows].sum()))
        turn += 1
