#!/usr/bin/env python3
"""How far must a posterior fall before its word counts again? What each release does to held and to repeated words.

    python training/tools/held_words.py --measure AUDIO/speech_commands    measure, into held_words.json; five minutes
    python training/tools/held_words.py --write                            put its table into the README beside it
    python training/tools/held_words.py --check                            exit 1 when the README says something else

Clips of the validation split, drawn by seed, through the released int8 model. *Twice*: two clips of a keyword whose
words begin 1.2 to 2 seconds apart. *Held*: 12 seconds of a keyword's clip looped, of the word alone looped, of its
loudest 150 ms looped (a vowel that does not end). `kws_training.convert.manifest.RELEASE_SHARE` was chosen by this
table.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "training"), str(ROOT / "training" / "tools")]

import numpy as np  # noqa: E402
import readme_table  # noqa: E402
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, Bundle, DetectorConfig  # noqa: E402
from kws_reference.cli.log import set_up  # noqa: E402
from kws_reference.cli.progress import Progress  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_training.convert.manifest import DETECTOR_DEFAULTS, RELEASE_SHARE, default_steps  # noqa: E402
from kws_training.data.recordings import Piece, Recordings, RecordingSpec, Word, background, word_spans  # noqa: E402
from kws_training.data.speech_commands import SAMPLE_RATE_HZ, ClipSet, ClipSpec, load_clips  # noqa: E402
from kws_training.evaluate import detection  # noqa: E402

NAME = "held words"
FOLDER = ROOT / "training" / "zoo" / "experiments" / "release"
RESULT, README = FOLDER / "held_words.json", FOLDER / "README.md"
BUNDLE = ROOT / "training" / "zoo" / "matchbox_kit12"

SHARES = (None, 1.0, 0.9, 0.75, 0.6, 0.5, 0.3)
"""Releases as shares of the threshold; None: not held at all."""

TWICE_PIECES, PIECE_S = 60, 120.0
ONSETS_S = (1.2, 2.0)
CLOSE_S = 1.4
HELD_KINDS = ("clip", "word", "vowel")
HELD_CLIPS, HELD_S = 200, 12.0
SEED = 1


class Twice(Recordings):
    """Pieces of the usual background in which every keyword is said twice."""

    def __init__(self, clips: ClipSet):
        self.clips, self.spec = clips, RecordingSpec(hours=TWICE_PIECES * PIECE_S / 3600, seed=SEED)
        self.pieces = pairs(clips.labels, word_spans(clips.pcm), TWICE_PIECES, SEED)


class Held(Recordings):
    """Loops of keywords, one a piece, in the usual background."""

    def __init__(self, clips: ClipSet):
        self.clips, self.spec = clips, RecordingSpec(hours=1.0, seed=SEED)
        rng, samples = np.random.default_rng(SEED), round(HELD_S * SAMPLE_RATE_HZ)
        self.spans = word_spans(clips.pcm)
        self.rows = [
            (kind, int(row))
            for kind in HELD_KINDS
            for row in rng.permutation(np.flatnonzero(clips.labels > 1))[:HELD_CLIPS]
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


def pairs(labels: np.ndarray, spans: np.ndarray, count: int, seed: int) -> tuple[Piece, ...]:
    """Plans pieces in which each keyword is said twice, by two clips whose words begin `ONSETS_S` apart.

    Args:
      labels: label indices ``[clips]``.
      spans: `word_spans` ``[clips, 2]``.
      count: of pieces.
      seed: draws words, clips, times and gains.
    """
    rng = np.random.default_rng(seed)
    keywords = [rows for label in range(2, labels.max() + 1) if len(rows := np.flatnonzero(labels == label)) > 1]
    pieces = []
    for index in range(count):
        at, words = SAMPLE_RATE_HZ, []
        while at < (PIECE_S - 6) * SAMPLE_RATE_HZ:
            rows = keywords[rng.integers(len(keywords))]
            first, second = rng.choice(rows, 2, replace=False)
            gain = 10 ** (rng.uniform(-6, 0) / 20)
            begin = at + spans[first, 0] + rng.uniform(*ONSETS_S) * SAMPLE_RATE_HZ
            for row, start in ((first, at), (second, int(begin - spans[second, 0]))):
                word_start, word_end = (start + spans[row]).tolist()
                words.append(Word(int(row), int(labels[row]), start, word_start, word_end, gain))
            at = words[-1].clip_start + round((1 + rng.uniform(2.5, 4)) * SAMPLE_RATE_HZ)
        pieces.append(Piece(index, round(PIECE_S * SAMPLE_RATE_HZ), tuple(words)))
    return tuple(pieces)


def said_twice(listener: detection.Listener, detector: DetectorConfig) -> dict[str, float]:
    """Shares of pairs of which the first, the second word was found, and the second of those that follow closely."""
    first, second, close = [], [], []
    for index, piece in enumerate(listener.pieces):
        found = {word for *_, word, cause in listener.matched(index, detector) if cause == detection.FOUND}
        for one, other in zip(piece.words[::2], piece.words[1::2], strict=True):
            first.append(one in found)
            second.append(other in found)
            if other.start - one.start < CLOSE_S * SAMPLE_RATE_HZ:
                close.append(other in found)
    return {"first": float(np.mean(first)), "second": float(np.mean(second)), "close": float(np.mean(close))}


def raised(views: Sequence[detection.Top], detector: DetectorConfig) -> float:
    """How often what was raised at all was raised, mean."""
    counts = [len(detection.detect(view, detector)) for view in views]
    return sum(counts) / max(sum(count > 0 for count in counts), 1)


def measure(data: Path) -> dict[str, Any]:
    """Hears everything once, and tries each release with the default and the released thresholds."""
    bundle = Bundle.load(BUNDLE)
    clips = load_clips(ClipSpec(data, "validation", words=bundle.labels[2:], unknown_percent=1e9))
    twice, held = Twice(clips), Held(clips)
    listener = detection.Listener(bundle, twice.pieces, _heard(bundle, twice))
    scores = _heard(bundle, held)
    default = detection.common_thresholds(bundle.labels, round(DETECTOR_DEFAULTS["threshold"] * NEVER_Q15))
    settings = {
        "default": (*default_steps(bundle.frontend, bundle.frames_per_step), default),
        "released": (bundle.detector.smoothing_steps, bundle.detector.refractory_steps, bundle.detector.threshold_q15),
    }
    result: dict[str, Any] = {
        "model_sha256": bundle.model_sha256,
        "pairs": sum(len(p.words) for p in twice.pieces) // 2,
    }
    for name, (smoothing, refractory, thresholds) in settings.items():
        near = listener.smoothed(smoothing)
        views = [detection.top(piece, near.tables) for piece in scores]
        rows = []
        for share in SHARES:
            release = tuple(
                NOT_HELD_Q15 if share is None or threshold == NEVER_Q15 else round(share * threshold)
                for threshold in thresholds
            )
            detector = DetectorConfig(smoothing, refractory, thresholds, release)
            of_kind = {
                kind: raised([view for view, (of, _) in zip(views, held.rows, strict=True) if of == kind], detector)
                for kind in HELD_KINDS
            }
            rows.append({"share": share, **said_twice(near, detector), **of_kind})
        result[name] = rows
    return result


def _heard(bundle: Bundle, recordings: Recordings) -> list[np.ndarray]:
    return detection.stream_scores(bundle, recordings, Progress("listening", len(recordings)).update)


def table() -> str:
    """Markdown of what was measured.

    Raises:
      KwsError: nothing was.
    """
    try:
        result = json.loads(RESULT.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KwsError(f"cannot read {RESULT}: {error}. Give --measure.") from None
    lines = [
        "| Released below | Second of two words | within 1.4 s | Raised per looped clip | looped word | held vowel |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, title in (("default", "threshold 0.7"), ("released", "released thresholds")):
        for row in result[name]:
            share = row["share"]
            what = (
                "not held" if share is None else f"{share:g} of it" + (" (the kit's)" if share == RELEASE_SHARE else "")
            )
            found = " | ".join(f"{100 * row[key]:.1f} %" for key in ("second", "close"))
            counts = " | ".join(f"{row[kind]:.2f}" for kind in HELD_KINDS)
            lines.append(f"| {title}, {what} | {found} | {counts} |")
    first = [100 * result[name][0]["first"] for name in ("default", "released")]
    return "\n".join(
        [*lines, "", f"{result['pairs']:,} pairs; of their first words {first[0]:.1f} and {first[1]:.1f} % are found."]
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when the README differs, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    readme_table.add_options(parser)
    parser.add_argument("--measure", type=Path, metavar="DATA", help="folder in the official layout")
    options = parser.parse_args(argv)
    set_up(0, "kws_training")
    if options.measure:
        RESULT.write_text(json.dumps(measure(options.measure), indent=1) + "\n", encoding="utf-8")
    return readme_table.run(options, [NAME], lambda _: table(), [README])


if __name__ == "__main__":
    sys.exit(main())
