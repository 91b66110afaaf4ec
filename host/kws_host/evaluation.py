"""A whole test set through the firmware on emulated boards and through the reference: accuracy and agreement."""

import dataclasses
import time
from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli.progress import Progress

from kws_host import bulk_run, reference_run, trace
from kws_host.bulk import BulkResults
from kws_host.bulk_run import EmulatedBoard
from kws_host.clips import Clip
from kws_host.compare import Mismatch, StepCountMismatch, compare
from kws_host.detections import detection_summary
from kws_host.heard import heard_label, heard_step
from kws_host.reference_cache import ReferenceCache

MAX_DIFFERENCES = 100
"""Of those that the result names."""


@dataclasses.dataclass(frozen=True)
class EvaluateJob:
    """What to evaluate.

    Attributes:
      bundle: the model.
      clips: the recordings, and what is expected of them.
      audio: int16 ``[samples]`` of each clip.
      board: what runs them.
      jobs: emulators, and processes of the reference, at once.
      cache: of the reference's results, or None.
      is_speech: whether the recordings are long ones in which detections are listed.
    """

    bundle: Bundle
    clips: tuple[Clip, ...]
    audio: tuple[np.ndarray, ...]
    board: EmulatedBoard
    jobs: int
    cache: ReferenceCache | None
    is_speech: bool = False


def evaluate(job: EvaluateJob) -> dict:
    """Runs both sides and compares them. Returns `summarise`'s result, with what was run and how long it took."""
    count = len(job.audio)
    began = time.monotonic()
    progress = Progress("reference", count)
    reference, cached = reference_run.run(
        job.bundle, job.audio, jobs=job.jobs, cache=job.cache, on_progress=progress.update
    )
    reference_s, began = time.monotonic() - began, time.monotonic()
    progress = Progress(f"{job.board.name} x {job.jobs}", count)
    device = bulk_run.run(job.board, job.bundle, job.audio, jobs=job.jobs, on_progress=progress.update)
    device_s = time.monotonic() - began
    heard = detection_summary(job.bundle, job.clips, job.audio, device) if job.is_speech else None
    return summarise(job, device, reference) | {
        **({"speech": heard} if heard else {}),
        "board": job.board.name,
        "model": job.bundle.name,
        "model_sha256": job.bundle.model_sha256,
        "device_seconds": round(device_s, 1),
        "reference_seconds": round(reference_s, 1),
        "reference_cached": cached,
    }


def summarise(job: EvaluateJob, device: Sequence[BulkResults], reference: Sequence[BulkResults]) -> dict:
    """Accuracy of both sides and their agreement, clip by clip."""
    bundle = job.bundle
    differences, right, right_reference, labelled = [], 0, 0, 0
    confusion = {label: dict.fromkeys(bundle.labels, 0) for label in bundle.labels}
    for clip, pcm, seen, wanted in zip(job.clips, job.audio, device, reference, strict=True):
        first = compare(trace.of_bulk(bundle, seen), trace.of_bulk(bundle, wanted)).first
        if first is not None:
            differences.append({"clip": clip.name, "first": _difference(first)})
        if not clip.expected or not len(seen.scores) or not len(wanted.scores):
            continue
        step = heard_step(bundle, pcm, clip.expected)
        heard = heard_label(bundle, seen.scores, step)
        labelled += 1
        confusion[clip.expected][heard] += 1
        right += heard == clip.expected
        right_reference += heard_label(bundle, wanted.scores, step) == clip.expected
    return {
        "clips": len(job.clips),
        "labelled": labelled,
        "steps": int(sum(len(results.scores) for results in device)),
        "right_on_device": right,
        "right_in_python": right_reference,
        "accuracy_on_device": right / labelled if labelled else None,
        "accuracy_in_python": right_reference / labelled if labelled else None,
        "agreeing_clips": len(job.clips) - len(differences),
        "differing_clips": len(differences),
        "differences": differences[:MAX_DIFFERENCES],
        "confusion": confusion,
    }


def _difference(first: Mismatch) -> str:
    if isinstance(first, StepCountMismatch):
        return f"{first.device} steps on the device, {first.reference} in Python"
    return f"step {first.step}, stage {first.stage}"
