"""Long recordings assembled by seed: keywords among unknown words, noise and silence, with the time of every word.

A recording is a sequence of pieces. The plan of all pieces (which clip starts when, how loud) is small and made at
once; the samples of a piece are rendered when they are asked for, so that any length fits into memory. Everything is a
pure function of the clips, the background noise and the `RecordingSpec`; a longer recording begins with the shorter
one's whole pieces.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.labels import Kind

from kws_training.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ, ClipSet

BLOCK_SAMPLES = 160
"""Resolution of word times: 10 ms."""

SMOOTHED_BLOCKS = 5
WORD_RANGE_DB = 25.0
FLOOR_PERCENTILE = 10.0
LONGEST_PAUSE_BLOCKS = 20
FADE_SAMPLES = 160
CROSSFADE_SAMPLES = 1600


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


class Recordings:
    """Pieces of a long recording; their samples are rendered on demand.

    Args:
      clips: keywords, unknown words and clips of noise (silence), with background noise.
      spec: how they are assembled.
      weights: how often each clip is heard against others of its kind, float ``[clips]``; None: all equally often.

    Raises:
      KwsError: there is no keyword, no background noise, or the piece is too short for a clip.
    """

    def __init__(self, clips: ClipSet, spec: RecordingSpec, weights: np.ndarray | None = None):
        if not clips.noise:
            raise KwsError("recordings need background noise. Give a folder that has _background_noise_.")
        if not spec.hours > 0:
            raise KwsError(f"recordings must last longer than 0 hours. Received: {spec.hours}.")
        self.clips, self.spec = clips, spec
        self.pieces = plan(clips.spoken_labels, word_spans(clips.pcm), spec, weights)

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def hours(self) -> float:
        """Length in all."""
        return sum(piece.seconds for piece in self.pieces) / 3600

    def pcm(self, index: int) -> np.ndarray:
        """Renders one piece, int16 ``[samples]``."""
        piece, spec = self.pieces[index], self.spec
        rng = np.random.default_rng([spec.seed, 1, index])
        out = background(rng, self.clips.noise, piece.samples, spec)
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(FADE_SAMPLES) + 0.5) / FADE_SAMPLES)).astype(np.float32)
        for word in piece.words:
            samples = self.clips.pcm[word.clip].astype(np.float32) * np.float32(word.gain)
            samples[:FADE_SAMPLES] *= ramp
            samples[-FADE_SAMPLES:] *= ramp[::-1]
            out[word.clip_start : word.clip_start + len(samples)] += samples
        return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


def word_spans(pcm: np.ndarray) -> np.ndarray:
    """Finds where the word of each clip begins and ends, by energy.

    The level is 10 log10(1 + mean square) of blocks of 10 ms, averaged over 5 blocks. A block is loud when its level is
    within 25 dB of the loudest and in the upper half between the clip's noise floor (10th percentile of its blocks,
    blocks of zeros left out) and the loudest. The word is the loudest block and the loud blocks around it as long as
    no pause of more than 200 ms separates them (stops of consonants are shorter, clicks elsewhere in a clip stay out).

    Args:
      pcm: int16 ``[clips, samples]``.

    Returns:
      int64 ``[clips, 2]``: first sample, and first sample behind the word; multiples of 160. A clip of zeros is a word
      from end to end.
    """
    clips, samples = pcm.shape
    blocks = samples // BLOCK_SAMPLES
    spans = np.empty((clips, 2), np.int64)
    kernel = np.ones(SMOOTHED_BLOCKS) / SMOOTHED_BLOCKS
    for row in range(clips):
        energy = (pcm[row, : blocks * BLOCK_SAMPLES].reshape(blocks, BLOCK_SAMPLES).astype(np.float64) ** 2).mean(1)
        if not energy.any():
            spans[row] = 0, blocks * BLOCK_SAMPLES
            continue
        level = 10 * np.log10(1 + np.convolve(energy, kernel, "same"))
        floor, peak = np.percentile(level[energy > 0], FLOOR_PERCENTILE), level.max()
        loud = np.flatnonzero(level >= max(peak - WORD_RANGE_DB, (peak + floor) / 2))
        breaks = np.flatnonzero(np.diff(loud) > LONGEST_PAUSE_BLOCKS)
        top = np.searchsorted(loud, level.argmax())
        first = loud[breaks[breaks < top][-1] + 1] if (breaks < top).any() else loud[0]
        last = loud[breaks[breaks >= top][0]] if (breaks >= top).any() else loud[-1]
        spans[row] = first * BLOCK_SAMPLES, (last + 1) * BLOCK_SAMPLES
    return spans


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
      weights: see `Recordings`.

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


def background(
    rng: np.random.Generator, noise: tuple[np.ndarray, ...], samples: int, spec: RecordingSpec
) -> np.ndarray:
    """Draws background noise in stretches, one faded into the next over 100 ms.

    Args:
      rng: source of randomness.
      noise: background recordings, int16; one that is shorter than a stretch starts again.
      samples: length.
      spec: lengths, volumes and the share of quiet stretches.

    Returns:
      float32 ``[samples]`` in units of int16.
    """
    out = np.zeros(samples, np.float32)
    ramp = ((np.arange(CROSSFADE_SAMPLES) + 0.5) / CROSSFADE_SAMPLES).astype(np.float32)
    start = 0
    while start < samples:
        length = round(rng.uniform(spec.stretch_low_s, spec.stretch_high_s) * SAMPLE_RATE_HZ)
        recording = noise[rng.integers(len(noise))]
        offset = rng.integers(len(recording))
        volume = 0.0 if rng.random() < spec.quiet_share else rng.uniform(0.0, spec.noise_volume)
        if volume:
            places = np.arange(offset, offset + length + CROSSFADE_SAMPLES) % len(recording)
            stretch = recording[places].astype(np.float32) * np.float32(volume)
            stretch[:CROSSFADE_SAMPLES] *= ramp
            stretch[-CROSSFADE_SAMPLES:] *= ramp[::-1]
            part = out[start : start + len(stretch)]
            part += stretch[: len(part)]
        start += length
    return out


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
