"""Recordings through a device and through the reference, clip by clip, until an integer differs."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.protocol.messages import Config

from kws_host.clips import Clip
from kws_host.compare import Comparison, Mismatch, compare_run
from kws_host.device import Device, Run
from kws_host.heard import heard_label, heard_step
from kws_host.target import require_model

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Pipeline


@dataclasses.dataclass(frozen=True)
class CheckJob:
    """What to check.

    Attributes:
      pipeline: the reference, with the bundle that the device must run.
      clips: the recordings, and what is expected of them.
      audio: int16 ``[samples]`` of each clip.
      keep_going: whether a clip that differs does not end the check.
    """

    pipeline: "Pipeline"
    clips: tuple[Clip, ...]
    audio: tuple[np.ndarray, ...]
    keep_going: bool = False

    @property
    def bundle(self) -> Bundle:
        """The reference's bundle."""
        return self.pipeline.bundle


@dataclasses.dataclass(frozen=True)
class ClipResult:
    """What was found out about one clip.

    Attributes:
      clip: the recording.
      heard: label of the largest score after `heard.heard_step`, "" for a recording shorter than a step.
      detected: events as ``label@seconds``.
      steps: that the device computed.
      comparison: against the reference.
      attempts: above 1 when the link lost something and the clip was streamed again.
    """

    clip: Clip
    heard: str
    detected: tuple[str, ...]
    steps: int
    comparison: Comparison
    attempts: int

    def json(self) -> dict:
        """For machines."""
        first = self.comparison.first
        return {
            "clip": self.clip.name,
            "expected": self.clip.expected,
            "heard": self.heard,
            "detected": list(self.detected),
            "steps": self.steps,
            "integers": self.comparison.integers,
            "mismatches": self.comparison.mismatches,
            "first_mismatch": dataclasses.asdict(first) if first else None,
            "attempts": self.attempts,
        }


def check(device: Device, job: CheckJob) -> Iterator[ClipResult]:
    """Makes a device ready, and checks clip by clip, each as it is asked for, until one differs (`keep_going`: all).

    Raises:
      KwsError: the device runs another model, or the link broke.
    """
    require_model(device, job.bundle)
    device.configure(Config.FEATURES)
    return _check_clips(device, job)


def _check_clips(device: Device, job: CheckJob) -> Iterator[ClipResult]:
    for clip, pcm in zip(job.clips, job.audio, strict=True):
        result = check_clip(device, job.pipeline, clip, pcm)
        yield result
        if result.comparison.mismatches and not job.keep_going:
            return


def check_clip(device: Device, pipeline: "Pipeline", clip: Clip, pcm: np.ndarray) -> ClipResult:
    """Runs one clip on both sides; after a mismatch once more with digests of the states, to name the first one.

    Args:
      device: configured to send features.
      pipeline: the reference.
      clip: what the recording is.
      pcm: int16 ``[samples]``.
    """
    bundle = pipeline.bundle
    run = device.run(pcm)
    comparison = compare_run(bundle, run, pipeline.run(pcm))
    if comparison.first is not None:
        comparison = dataclasses.replace(comparison, first=_locate(device, pipeline, pcm, comparison.first))
    scores = [np.frombuffer(step.scores, np.int8) for step in run.steps]
    return ClipResult(
        clip,
        heard_label(bundle, scores, heard_step(bundle, pcm, clip.expected)),
        _detected(bundle, run),
        len(run.steps),
        comparison,
        run.attempts,
    )


def _locate(device: Device, pipeline: "Pipeline", pcm: np.ndarray, first: Mismatch) -> Mismatch:
    """A wrong score often begins as a wrong state some steps before: looks at the states too."""
    device.configure(Config.FEATURES | Config.STATE_DIGESTS)
    try:
        again = compare_run(pipeline.bundle, device.run(pcm), pipeline.run(pcm, state_crcs=True)).first
    finally:
        device.configure(Config.FEATURES)
    if again is None:
        return dataclasses.replace(first, what=f"{first.what} (not repeatable: a second run was right)")
    return again


def _detected(bundle: Bundle, run: Run) -> tuple[str, ...]:
    names = dict(enumerate(bundle.labels))
    return tuple(
        f"{names.get(event.label, event.label)}@{bundle.clock.end_s(event.step):.2f}s" for event in run.detections
    )


def summarise(results: Sequence[ClipResult], clips: int) -> dict:
    """Sums over the clips that were run. Args: clips: how many there were to be run."""
    labelled = [result for result in results if result.clip.expected]
    return {
        "clips": len(results),
        "clips_not_run": clips - len(results),
        "steps": sum(result.steps for result in results),
        "integers": sum(result.comparison.integers for result in results),
        "mismatches": sum(result.comparison.mismatches for result in results),
        "labelled": len(labelled),
        "heard_as_labelled": sum(result.heard == result.clip.expected for result in labelled),
        "streamed_again": sum(result.attempts > 1 for result in results),
    }
