"""A detector's settings as the kit makes them: the defaults of a new bundle, and releases that follow thresholds."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, STILL_QUIET_Q15, Bundle, DetectorConfig, write_bundle
from kws_reference.detector.integer import MAX_POSTERIOR_Q15
from kws_reference.labels import Kind
from kws_reference.timing import StepClock

DEFAULT_SMOOTHING_S = 0.2
DEFAULT_REFRACTORY_S = 1.2
"""After half a second most words would be raised again: posteriors stay high for as long as the models look back."""
DEFAULT_THRESHOLD = 0.7

RELEASE_SHARE = 0.75
"""A detected word is armed again when its smoothed posterior is below this share of its threshold."""

QUIET_LEVEL = 0.25
"""It is quiet when no label but silence is as likely as this: near digital zero models are sure of nothing."""
QUIET_S = 1.6
"""It was quiet just now for as long as this: a word, and the second for which models look back."""
BUSY_DOUBT = 1 / 3
"""When it was not quiet just now, a threshold leaves this share of the doubt, which is 1 less the threshold."""


def default_detector(labels: Sequence[str], clock: StepClock) -> DetectorConfig:
    """The detector of a new bundle: the same threshold for every keyword, never for silence and unknown words."""
    return with_releases(
        clock.smoothing_steps(DEFAULT_SMOOTHING_S),
        clock.refractory_steps(DEFAULT_REFRACTORY_S),
        common_thresholds(labels, round(DEFAULT_THRESHOLD * NEVER_Q15)),
    )


def common_thresholds(labels: Sequence[str], threshold_q15: int, only: int | None = None) -> tuple[int, ...]:
    """The same threshold for every keyword (or for one row alone); silence and unknown words are never raised."""
    return tuple(
        threshold_q15 if Kind.of(label) is Kind.KEYWORD and only in (None, row) else NEVER_Q15
        for row, label in enumerate(labels)
    )


def release_q15(threshold_q15: Sequence[int]) -> tuple[int, ...]:
    """The kit's release of each threshold; a label that is never raised has none to fall below."""
    return tuple(
        NOT_HELD_Q15 if threshold == NEVER_Q15 else round(RELEASE_SHARE * threshold) for threshold in threshold_q15
    )


def with_releases(smoothing_steps: int, refractory_steps: int, threshold_q15: Sequence[int]) -> DetectorConfig:
    """Settings with the releases that the kit gives these thresholds."""
    return DetectorConfig(smoothing_steps, refractory_steps, tuple(threshold_q15), release_q15(threshold_q15))


def with_quiet(detector: DetectorConfig, labels: Sequence[str], clock: StepClock) -> DetectorConfig:
    """A detector that asks for more certainty, with the kit's settings, when it was not quiet just now."""
    level = round(QUIET_LEVEL * NEVER_Q15)
    quiet = tuple(STILL_QUIET_Q15 if Kind.of(label) is Kind.SILENCE else level for label in labels)
    detector = dataclasses.replace(detector, quiet_q15=quiet, quiet_steps=max(1, clock.nearest_steps(QUIET_S)))
    return with_thresholds(detector, detector.threshold_q15)


def with_thresholds(like: DetectorConfig, threshold_q15: Sequence[int]) -> DetectorConfig:
    """A detector with other thresholds; releases and, where it asks for quiet, busy thresholds follow them."""
    return dataclasses.replace(
        like,
        threshold_q15=tuple(threshold_q15),
        release_q15=release_q15(threshold_q15),
        busy_threshold_q15=busy_threshold_q15(threshold_q15) if like.quiet_steps else (),
    )


def busy_threshold_q15(threshold_q15: Sequence[int]) -> tuple[int, ...]:
    """The kit's busy threshold of each threshold, below `NEVER_Q15` unless that is never reached itself."""
    return tuple(
        NEVER_Q15
        if threshold == NEVER_Q15
        else min(NEVER_Q15 - round(BUSY_DOUBT * (NEVER_Q15 - threshold)), MAX_POSTERIOR_Q15)
        for threshold in threshold_q15
    )


def write_detector(bundle: Bundle, detector: DetectorConfig, chosen: dict[str, Any]) -> Bundle:
    """Writes a detector's settings into a bundle's manifest, and what they were chosen by.

    The latter goes to ``provenance.detector``. The model keeps its digest. Firmware that was generated from the bundle
    must be generated again.

    Args:
      bundle: changed on disk.
      detector: its settings from now on.
      chosen: figures that say how, for people.

    Raises:
      KwsError: the bundle cannot be written, or a setting is out of range.
    """
    manifest = {key: value for key, value in bundle.manifest.items() if key not in ("format_version", "model_sha256")}
    fields = {field.name for field in dataclasses.fields(DetectorConfig)}  # some are left out where they say nothing
    others = {key: value for key, value in manifest["detector"].items() if key not in fields}
    manifest["detector"] = {**others, **detector.to_dict()}
    manifest["provenance"] = {**manifest.get("provenance", {}), "detector": chosen}
    return write_bundle(bundle.path, bundle.model, manifest)
