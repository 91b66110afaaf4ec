"""Recordings through a device and through the reference, clip by clip, until an integer differs."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.frontend import kinds
from kws_reference.protocol.messages import Config

from kws_host import detector_settings, layers
from kws_host.clips import Clip
from kws_host.compare import Comparison, Mismatch, compare_run
from kws_host.device import Device, Run
from kws_host.heard import heard_label, heard_step
from kws_host.label_names import name_of
from kws_host.link import RequestRefused
from kws_host.target import require_model

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Pipeline

_COMPARED = Config.FEATURES | Config.STATE_DIGESTS


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
      heard: label of the largest score after `heard.heard_step`, "" for a recording shorter than a step, None for a
        model of one label, which has no other to choose.
      detected: events as ``label@seconds``.
      steps: that the device computed.
      comparison: against the reference.
      attempts: above 1 when the link lost something and the clip was streamed again.
    """

    clip: Clip
    heard: str | None
    detected: tuple[str, ...]
    steps: int
    comparison: Comparison
    attempts: int

    @property
    def differs(self) -> bool:
        """Whether an integer differs from the reference's."""
        return bool(self.comparison.mismatches)

    def json(self) -> dict:
        """For machines."""
        first = self.comparison.first
        return {
            "clip": self.clip.title,
            "recording": self.clip.name,
            "expected": self.clip.expected,
            "heard": self.heard,
            "detected": list(self.detected),
            "steps": self.steps,
            "integers": self.comparison.integers,
            "mismatches": self.comparison.mismatches,
            "first_mismatch": dataclasses.asdict(first) if first else None,
            "attempts": self.attempts,
        }


def check(device: Device, job: CheckJob, on_progress: Callable[[int], None] | None = None) -> Iterator[ClipResult]:
    """Makes a device ready, and checks clip by clip, each as it is asked for, until one differs (`keep_going`: all).

    The reference detects with the device's settings, which somebody may have tuned.

    Args:
      device: of the job's model.
      job: what to check.
      on_progress: of `Device.run`, while a clip is streamed; what it raises ends the check.

    Raises:
      KwsError: the device runs another model, or the link broke.
    """
    require_model(device, job.bundle)
    detector_settings.follow(device, job.pipeline)
    device.configure(_COMPARED)
    return _check_clips(device, job, on_progress)


def _check_clips(device: Device, job: CheckJob, on_progress: Callable[[int], None] | None) -> Iterator[ClipResult]:
    for clip, pcm in zip(job.clips, job.audio, strict=True):
        result = check_clip(device, job.pipeline, clip, pcm, on_progress)
        yield result
        if result.comparison.mismatches and not job.keep_going:
            return


def check_clip(
    device: Device,
    pipeline: "Pipeline",
    clip: Clip,
    pcm: np.ndarray,
    on_progress: Callable[[int], None] | None = None,
) -> ClipResult:
    """Runs one clip on both sides; after a mismatch once more, to name the first one as closely as the device can.

    Args:
      device: configured to send features and digests of the states: scores that never move show no fault.
      pipeline: the reference.
      clip: what the recording is.
      pcm: int16 ``[samples]``.
      on_progress: of `Device.run`.
    """
    bundle = pipeline.bundle
    run = device.run(pcm, on_progress)
    comparison = compare_run(bundle, run, pipeline.run(pcm, state_crcs=True))
    if comparison.first is not None:
        comparison = dataclasses.replace(comparison, first=_locate(device, pipeline, pcm, comparison.first))
    scores = [np.frombuffer(step.scores, np.int8) for step in run.steps]
    return ClipResult(
        clip,
        heard_label(bundle, scores, heard_step(bundle, pcm, clip.expected)) if len(bundle.labels) > 1 else None,
        _detected(bundle, run),
        len(run.steps),
        comparison,
        run.attempts,
    )


def _locate(device: Device, pipeline: "Pipeline", pcm: np.ndarray, first: Mismatch) -> Mismatch:
    """A wrong feature often begins in the middle of the front end: looks at its stages, too, and for the layers."""
    bundle = pipeline.bundle
    of_frontend = _configure_digests(device, bundle)
    try:
        run = device.run(pcm)
    finally:
        device.configure(_COMPARED)
    reference = pipeline.run(pcm, state_crcs=True, frontend_crcs=of_frontend)
    again = compare_run(bundle, run, reference).first
    if again is None:
        return dataclasses.replace(first, what=f"{first.what} (not repeatable: a second run was right)")
    return dataclasses.replace(again, layers=layers.at_fault(bundle, again, run, reference))


def _configure_digests(device: Device, bundle: Bundle) -> bool:
    """Asks for all digests that the device has; returns whether those of the front end's stages are among them."""
    if not kinds.stages(bundle.frontend):
        return False
    try:
        device.configure(_COMPARED | Config.FRONTEND_DIGESTS)
    except RequestRefused:  # an older firmware
        return False
    return True


def _detected(bundle: Bundle, run: Run) -> tuple[str, ...]:
    return tuple(
        f"{name_of(bundle.labels, event.label)}@{bundle.clock.end_s(event.step):.2f}s" for event in run.detections
    )


def summarise(results: Sequence[ClipResult], clips: int) -> dict:
    """Sums over the clips that were run. Args: clips: how many there were to be run."""
    labelled = [result for result in results if result.clip.expected and result.heard is not None]
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
