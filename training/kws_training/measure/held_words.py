"""How far must a posterior fall before its word counts again? What each release does to held and to repeated words.

    python -m kws_training.measure.held_words AUDIO/speech_commands    measure, into held_words.json; five minutes

Clips of the validation split, drawn by seed, through the int8 model released first. *Twice*: two clips of a keyword
whose words begin 1.2 to 2 seconds apart. *Held*: 12 seconds of a keyword's clip looped, of the word alone looped, of
its loudest 150 ms looped (a vowel that does not end). `kws_training.convert.detector_settings.RELEASE_SHARE` was
chosen by the table of it, `kws_training.tables.held_words`.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, Bundle, DetectorConfig
from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.cli.progress import Progress
from kws_reference.labels import Kind

from kws_training.convert.detector_settings import default_detector
from kws_training.data.clips import SAMPLE_RATE_HZ, ClipSet, ClipSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.long_recordings import LongRecordings, background
from kws_training.data.recording_plan import Piece, RecordingSpec, Word
from kws_training.data.word_spans import word_spans
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.scores import stream_scores
from kws_training.evaluate.vectorized_detector import Top, detect, top
from kws_training.tables.held_words import HELD_KINDS, RESULT
from kws_training.tables.records import KIT12

SHARES = (None, 1.0, 0.9, 0.75, 0.6, 0.5, 0.3)
"""Releases as shares of the threshold; None: not held at all."""

TWICE_PIECES, PIECE_S = 60, 120.0
ONSETS_S = (1.2, 2.0)
CLOSE_S = 1.4
HELD_CLIPS, HELD_S = 200, 12.0
SEED = 1


class Twice(LongRecordings):
    """Pieces of the usual background in which every keyword is said twice."""

    def __init__(self, clips: ClipSet):
        self.clips, self.spec = clips, RecordingSpec(hours=TWICE_PIECES * PIECE_S / 3600, seed=SEED)
        self.pieces = pairs(clips.spoken_labels, clips.label_names.keywords, word_spans(clips.pcm), TWICE_PIECES, SEED)


class Held(LongRecordings):
    """Loops of keywords, one a piece, in the usual background."""

    def __init__(self, clips: ClipSet):
        self.clips, self.spec = clips, RecordingSpec(hours=1.0, seed=SEED)
        rng, samples = np.random.default_rng(SEED), round(HELD_S * SAMPLE_RATE_HZ)
        self.spans = word_spans(clips.pcm)
        self.rows = [
            (kind, int(row))
            for kind in HELD_KINDS
            for row in rng.permutation(np.flatnonzero(clips.kinds == Kind.KEYWORD))[:HELD_CLIPS]
        ]
        self.pieces = tuple(Piece(index, samples, ()) for index in range(len(self.rows)))

    def pcm(self, index: int) -> np.ndarray:
        """Renders one loop, int16 ``[samples]``."""
        kind, row = self.rows[index]
        noise = background(
            np.random.default_rng([SEED, index]), self.clips.noise, self.pieces[index].samples, self.spec
        )
        loop = np.resize(part(self.clips.pcm[row].astype(np.float64), self.spans[row], kind), len(noise))
        return np.clip(np.rint(noise + 0.7 * loop), -32768, 32767).astype(np.int16)


def part(clip: np.ndarray, span: np.ndarray, kind: str) -> np.ndarray:
    """What is looped of a clip: all of it, its word, or 150 ms around its loudest 100 ms, the ends faded."""
    if kind == "clip":
        return clip
    if kind == "word":
        return clip[span[0] : span[1]]
    loudest = int(np.convolve(clip**2, np.ones(1600), "same").argmax())
    middle = min(max(loudest, 1600), len(clip) - 1600)
    around, ramp = clip[middle - 1600 : middle + 1600], np.linspace(0, 1, 800)
    return np.concatenate([around[:800] * ramp + around[2400:] * (1 - ramp), around[800:2400]])


def pairs(
    labels: Sequence[str], keywords: Sequence[str], spans: np.ndarray, count: int, seed: int
) -> tuple[Piece, ...]:
    """Plans pieces in which each keyword is said twice, by two clips whose words begin `ONSETS_S` apart.

    Args:
      labels: label of each clip.
      keywords: those that may be said; each with one clip alone is not.
      spans: `word_spans` ``[clips, 2]``.
      count: of pieces.
      seed: draws words, clips, times and gains.
    """
    rng = np.random.default_rng(seed)
    clips_of = [np.flatnonzero(np.array(labels) == keyword) for keyword in keywords]
    clips_of = [rows for rows in clips_of if len(rows) > 1]
    pieces = []
    for index in range(count):
        at, words = SAMPLE_RATE_HZ, []
        while at < (PIECE_S - 6) * SAMPLE_RATE_HZ:
            rows = clips_of[rng.integers(len(clips_of))]
            first, second = rng.choice(rows, 2, replace=False)
            gain = 10 ** (rng.uniform(-6, 0) / 20)
            begin = at + spans[first, 0] + rng.uniform(*ONSETS_S) * SAMPLE_RATE_HZ
            for row, start in ((first, at), (second, int(begin - spans[second, 0]))):
                word_start, word_end = (start + spans[row]).tolist()
                words.append(Word(int(row), labels[row], start, word_start, word_end, gain))
            at = words[-1].clip_start + round((1 + rng.uniform(2.5, 4)) * SAMPLE_RATE_HZ)
        pieces.append(Piece(index, round(PIECE_S * SAMPLE_RATE_HZ), tuple(words)))
    return tuple(pieces)


def said_twice(replay: DetectorReplay, detector: DetectorConfig) -> dict[str, float]:
    """Shares of pairs of which the first, the second word was found, and the second of those that follow closely."""
    first, second, close = [], [], []
    for index, piece in enumerate(replay.pieces):
        found = {event.match.word for event in replay.detections(index, detector) if event.match.found}
        for one, other in zip(piece.words[::2], piece.words[1::2], strict=True):
            first.append(one in found)
            second.append(other in found)
            if other.start - one.start < CLOSE_S * SAMPLE_RATE_HZ:
                close.append(other in found)
    return {"first": float(np.mean(first)), "second": float(np.mean(second)), "close": float(np.mean(close))}


def raised(views: Sequence[Top], detector: DetectorConfig) -> float:
    """How often what was raised at all was raised, mean."""
    counts = [len(detect(view, detector)) for view in views]
    return sum(counts) / max(sum(count > 0 for count in counts), 1)


def measure(data: Path) -> dict[str, Any]:
    """Hears everything once, and tries each release with the default and the released thresholds."""
    bundle = Bundle.load(KIT12 / "int8")
    clips = load_clips(ClipSpec(data, "validation", words=bundle.labels.keywords, unknown_percent=1e9))
    twice, held = Twice(clips), Held(clips)
    replay = DetectorReplay(bundle, twice.pieces, _heard(bundle, twice))
    scores = _heard(bundle, held)
    settings = {"default": default_detector(bundle.labels, bundle.clock), "released": bundle.detector}
    result: dict[str, Any] = {
        "model_sha256": bundle.model_sha256,
        "pairs": sum(len(p.words) for p in twice.pieces) // 2,
    }
    for name, setting in settings.items():
        near = replay.smoothed(setting.smoothing_steps)
        views = [top(piece, near.tables) for piece in scores]
        rows = []
        for share in SHARES:
            release = tuple(
                NOT_HELD_Q15 if share is None or threshold == NEVER_Q15 else round(share * threshold)
                for threshold in setting.threshold_q15
            )
            detector = dataclasses.replace(setting, release_q15=release)
            of_kind = {
                kind: raised([view for view, (of, _) in zip(views, held.rows, strict=True) if of == kind], detector)
                for kind in HELD_KINDS
            }
            rows.append({"share": share, **said_twice(near, detector), **of_kind})
        result[name] = rows
    return result


def _heard(bundle: Bundle, recordings: LongRecordings) -> list[np.ndarray]:
    return stream_scores(bundle, recordings, Progress("listening", len(recordings)).update)


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder in the official layout")
    options = parser.parse_args(argv)
    set_up(0, "kws_training")

    def work() -> int:
        RESULT.write_text(json.dumps(measure(options.data), indent=1) + "\n", encoding="utf-8")
        return 0

    return status_of(work)


if __name__ == "__main__":
    sys.exit(main())
