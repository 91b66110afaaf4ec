"""Scenes for the tests of detection: a small bundle, clips to assemble, and recordings whose posteriors are given."""

import dataclasses
import json
from pathlib import Path

import numpy as np
from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.labels import LabelSet
from kws_training.convert.detector_settings import common_thresholds
from kws_training.data.clips import ClipSet
from kws_training.data.recording_plan import Piece, Word
from kws_training.evaluate.replay import DetectorReplay

from tests.support.models import odd_channels

LABELS = LabelSet.of_words(["yes", "no"])
YES, NO = LABELS.keyword_rows


def with_labels(bundle: Bundle) -> Bundle:
    """The bundle with the labels of a kit."""
    manifest = json.loads((bundle.path / "model.json").read_text())
    count = len(manifest["labels"])
    manifest["labels"] = [*LABELS, *"abcdefgh"][:count]
    (bundle.path / "model.json").write_text(json.dumps(manifest))
    return Bundle.load(bundle.path)


def plain_bundle(folder: Path) -> Bundle:
    """The kit's first detector, and scores in steps of 0.05."""
    bundle = with_labels(odd_channels().write(folder))
    return dataclasses.replace(
        bundle,
        frames_per_step=2,
        scores=dataclasses.replace(bundle.scores, scale=0.05),
        detector=DetectorConfig(10, 25, common_thresholds(bundle.labels, 22938)),
    )


def clip_set(clips: int = 12) -> ClipSet:
    """Noise of each label in turn."""
    rng = np.random.default_rng(0)
    labels = np.arange(clips) % 4
    return ClipSet(
        pcm=rng.integers(-4000, 4000, (clips, 16000)).astype(np.int16),
        labels=labels,
        words=tuple(LABELS[label] for label in labels),
        names=tuple(map(str, range(clips))),
        noise=(rng.integers(-900, 900, 20000).astype(np.int16),),
        label_names=LABELS,
    )


def word(label: str, start: int, end: int) -> Word:
    """A word at these samples."""
    return Word(0, label, start, start, end, 1.0)


def scene(bundle, posteriors, words, seconds=400):
    """A replay whose keyword posteriors are given: (start s, length s, label, logit steps above the others)."""
    steps = seconds * 50
    scores = np.full((steps, len(bundle.labels)), -100, np.int8)
    scores[:, 0] = 0
    for start, length, label, height in posteriors:
        scores[round(start * 50) : round((start + length) * 50), label] = height
    places = tuple(word(bundle.labels[label], round(a * 16000), round(b * 16000)) for a, b, label in words)
    return DetectorReplay(bundle, (Piece(0, seconds * 16000, places),), [scores])


def crowded(plain):
    """YES is also heard 20 times at a middling posterior where nothing is said, NO never wrongly; long posteriors."""
    words = [(10 + 10 * n, 10.5 + 10 * n, (YES, NO)[n % 2]) for n in range(30)]
    posteriors = [(a + 0.3, 1.0, label, (75, 40)[label == NO]) for a, _, label in words]
    posteriors += [(15 + 10 * n, 0.5, YES, 10 + n) for n in range(20)]
    return scene(plain, posteriors, words)
