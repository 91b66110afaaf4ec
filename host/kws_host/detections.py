"""What a device detects in long recordings, and how often in an hour."""

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle
from kws_reference.protocol.messages import NO_LABEL

from kws_host.bulk import BulkResults
from kws_host.clips import Clip


def detection_summary(
    bundle: Bundle, clips: Sequence[Clip], audio: Sequence[np.ndarray], device: Sequence[BulkResults]
) -> dict[str, Any]:
    """Lists detections and counts them; each recording was heard from a reset.

    Args:
      bundle: labels and timing.
      clips: the recordings.
      audio: int16 ``[samples]`` of each.
      device: what the device computed of each.

    Returns:
      ``hours``; ``detected`` in order, each with recording, seconds, label and smoothed posterior 0..1; ``per_hour`` of
      all labels together and ``labels`` with those of each that was detected.
    """
    hours = sum(map(len, audio)) / bundle.frontend.sample_rate_hz / 3600
    detected = [
        {
            "recording": clip.name,
            "seconds": round(bundle.clock.end_s(int(step)), 2),
            "label": bundle.labels[results.events[step, 0]],
            "score": round(int(results.events[step, 1]) / NEVER_Q15, 4),
        }
        for clip, results in zip(clips, device, strict=True)
        for step in np.flatnonzero(results.events[:, 0] != NO_LABEL)
    ]
    counts = collections.Counter(one["label"] for one in detected)
    return {
        "hours": hours,
        "detections": len(detected),
        "per_hour": len(detected) / hours,
        "labels": {label: {"detections": counts[label], "per_hour": counts[label] / hours} for label in sorted(counts)},
        "detected": detected,
    }


def detection_lines(summary: dict[str, Any], shown: int) -> list[str]:
    """The summary for people. Args: shown: how many detections are listed at most."""
    count = summary["detections"]
    lines = [
        f"{one['seconds']:9.2f} s  {one['label']:12}  {one['score']:.3f}  {one['recording']}"
        for one in summary["detected"][:shown]
    ]
    if len(summary["detected"]) > shown:
        lines.append(f"and {len(summary['detected']) - shown:,} more; --json lists all")
    lines += [
        f"{label}: {one['detections']}, {one['per_hour']:.2f} per hour" for label, one in summary["labels"].items()
    ]
    lines.append(
        f"{count:,} detection{'s' * (count != 1)} in {summary['hours']:.2f} hours, {summary['per_hour']:.2f} per hour. "
        "Which of them are words that people said, kws-train evaluate --speech tells: these are its integers."
    )
    return lines
