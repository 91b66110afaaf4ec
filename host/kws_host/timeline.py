"""A recording as the reference hears it, drawn: spectrogram, smoothed posteriors, thresholds, detections."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle
from kws_reference.detector.integer import ONE_Q15, Detector

from kws_host.png import data_url, png
from kws_host.spectrogram import Bands, palette, range_of, shades

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Pipeline

BANDS = 40
WIDTH, HEIGHT = 640, 90
"""Of the curves, in the drawing's own units."""
LINES = 3
"""Labels that are drawn: those with the largest posteriors."""


@dataclasses.dataclass(frozen=True)
class Line:
    """A label's smoothed posteriors. Attributes: points: of an SVG polyline. threshold: its height, or None."""

    label: str
    points: str
    threshold: float | None


@dataclasses.dataclass(frozen=True)
class Mark:
    """A detection. Attributes: x: in the drawing. seconds: from the start."""

    label: str
    x: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Timeline:
    """What is drawn of a recording.

    Attributes:
      seconds: its length.
      picture: the spectrogram, a data URL.
      lines, marks: above it.
    """

    seconds: float
    picture: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]


def timeline(pipeline: "Pipeline", pcm: np.ndarray) -> Timeline | None:
    """Draws a recording, int16 ``[samples]``; None: it is shorter than a step."""
    bundle: Bundle = pipeline.bundle
    steps = pipeline.run(pcm)
    if not steps:
        return None
    bands, detector = Bands(bundle, BANDS), Detector(bundle)
    levels = np.concatenate([bands.of(step.features.tobytes()) for step in steps])
    smoothed = []
    for step in steps:
        detector.step(step.scores)
        smoothed.append(detector.smoothed_q15 / ONE_Q15)
    posteriors = np.array(smoothed)
    seconds = len(pcm) / bundle.frontend.sample_rate_hz
    at = np.array([bundle.clock.end_s(step.index) for step in steps]) / seconds * WIDTH
    peaks = posteriors.max(axis=0)
    shown = sorted(np.argsort(-peaks, kind="stable")[:LINES].tolist())
    return Timeline(
        seconds,
        data_url("image/png", png(shades(levels, *range_of(levels)).T[::-1], palette())),
        tuple(_line(bundle, index, at, posteriors[:, index]) for index in shown),
        tuple(
            Mark(bundle.labels[step.detection.label], round(float(x), 1), bundle.clock.end_s(step.index))
            for step, x in zip(steps, at, strict=True)
            if step.detection
        ),
    )


def _line(bundle: Bundle, label: int, at: np.ndarray, posteriors: np.ndarray) -> Line:
    threshold = bundle.detector.threshold_q15[label]
    points = " ".join(f"{x:.1f},{HEIGHT * (1 - value):.1f}" for x, value in zip(at, posteriors, strict=True))
    return Line(
        bundle.labels[label], points, None if threshold == NEVER_Q15 else round(HEIGHT * (1 - threshold / ONE_Q15), 1)
    )
