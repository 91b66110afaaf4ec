"""``kws-host check``: stream recordings to a device and compare every integer with the reference."""

import argparse
import dataclasses
import math
from pathlib import Path

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli.progress import Progress
from kws_reference.pipeline import Pipeline, Step
from kws_reference.protocol.messages import Config

from kws_host import clips as clip_list
from kws_host import options, report
from kws_host.clips import Clip
from kws_host.compare import Comparison, Mismatch, compare
from kws_host.device import Device, Recording

HEADER = ("clip", "expected", "heard", "detected", "steps", "mismatches")


@dataclasses.dataclass(frozen=True)
class ClipResult:
    """One row of the table.

    Attributes:
      clip: the recording.
      heard: label of the largest score after `clips.heard_step`, "" for a recording shorter than a step.
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

    def row(self) -> tuple[str, ...]:
        """Cells of the table."""
        return (
            self.clip.name,
            self.clip.expected or "-",
            self.heard or "-",
            " ".join(self.detected) or "-",
            str(self.steps),
            str(self.comparison.mismatches),
        )

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


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "check", help="compare every integer of a device with the reference", description=__doc__
    )
    parser.add_argument(
        "audio", nargs="+", type=Path, metavar="AUDIO", help="WAV files, or folders of them named after their label"
    )
    options.add_bundle(parser)
    options.add_port(parser)
    parser.add_argument("--labels", type=Path, metavar="CSV", help="lines FILE,LABEL in the place of folder names")
    parser.add_argument("--limit", type=int, metavar="N", help="only N recordings, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0, help="of --limit's draw (default: 0)")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first mismatching recording")
    options.add_json(parser)
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    return parser


def run(args: argparse.Namespace) -> int:
    """Checks. Returns 1 at a mismatch."""
    report.require_writable(args.json, args.junit)
    bundle = Bundle.load(args.bundle)
    clips = clip_list.find(args.audio, bundle, labels_csv=args.labels, limit=args.limit, seed=args.seed)
    audio = [clip.read(bundle) for clip in clips]  # all of them first: a broken file must not cost minutes
    short = clip_list.shorter_than_a_step(bundle, audio)
    pipeline = Pipeline(bundle)
    screen = report.Screen(args.json, args.junit)
    results: list[ClipResult] = []
    with options.open_device(args) as device:
        options.require_model(device, bundle)
        device.configure(Config.FEATURES)
        screen.print(f"{device.info.board} ({device.info.engine}) against the reference, model {bundle.name}:")
        screen.print(_row(HEADER, clips, bundle))
        progress = Progress("checking", len(clips))
        for clip, pcm in zip(clips, audio, strict=True):
            result = check_clip(device, pipeline, clip, pcm)
            results.append(result)
            screen.print(_row(result.row(), clips, bundle))  # the rows show progress
            if screen.quiet:
                progress.update(len(results))
            if result.comparison.mismatches and not args.keep_going:
                break
        info, stats = device.info, device.stats()
    failed = [result for result in results if result.comparison.mismatches]
    for result in failed:
        screen.print(f"MISMATCH clip {result.clip.name}, {result.comparison.first}")
    if long := clip_list.longer_than_a_second(bundle, audio):
        screen.print(long)
    if short:
        screen.print(short)
    screen.print(_summary(results, len(clips)))
    if args.json:
        result = {
            "device": dataclasses.asdict(info),
            "bundle": {"name": bundle.name, "model_sha256": bundle.model_sha256},
            "stats": dataclasses.asdict(stats),
            "clips": [result.json() for result in results],
            "summary": _numbers(results, len(clips)),
        }
        report.write_json(args.json, result)
    if args.junit:
        cases = [
            (r.clip.expected or "unlabelled", r.clip.name, str(r.comparison.first) if r.comparison.first else "")
            for r in results
        ]
        report.write_junit(args.junit, f"kws-host check {info.board}", cases)
    return 1 if failed else 0


def check_clip(device: Device, pipeline: Pipeline, clip: Clip, pcm: np.ndarray) -> ClipResult:
    """Runs one recording on both sides; after a mismatch once more with state digests, to name the first one."""
    bundle = pipeline.bundle
    recording, reference = device.run(pcm), pipeline.run(pcm)
    comparison = compare(bundle, recording, reference)
    if comparison.first is not None:
        comparison = dataclasses.replace(comparison, first=_locate(device, pipeline, pcm, comparison.first))
    return ClipResult(
        clip,
        _heard(bundle, recording, clip_list.heard_step(bundle, pcm, clip.expected)),
        tuple(_event_text(bundle, event.label, event.step) for event in recording.detections),
        len(recording.steps),
        comparison,
        recording.attempts,
    )


def _locate(device: Device, pipeline: Pipeline, pcm: np.ndarray, first: Mismatch) -> Mismatch:
    """A wrong score often begins as a wrong state some steps before: look at the states too."""
    device.configure(Config.FEATURES | Config.STATE_DIGESTS)
    try:
        again = compare(pipeline.bundle, device.run(pcm), _with_states(pipeline, pcm)).first
    finally:
        device.configure(Config.FEATURES)
    if again is None:
        return dataclasses.replace(first, what=f"{first.what} (not repeatable: a second run was right)")
    return again


def _with_states(pipeline: Pipeline, pcm: np.ndarray) -> list[Step]:
    return pipeline.run(pcm, state_crcs=True)


def _heard(bundle: Bundle, recording: Recording, step: int) -> str:
    if not recording.steps:
        return ""
    best = int(np.argmax(np.frombuffer(recording.steps[min(step, len(recording.steps) - 1)].scores, np.int8)))
    return bundle.labels[best] if best < len(bundle.labels) else ""


def _event_text(bundle: Bundle, label: int, step: int) -> str:
    config = bundle.frontend
    samples = config.window_samples + ((step + 1) * bundle.frames_per_step - 1) * config.hop_samples
    name = bundle.labels[label] if label < len(bundle.labels) else str(label)
    return f"{name}@{samples / config.sample_rate_hz:.2f}s"


def _row(row: tuple[str, ...], clips: list[Clip], bundle: Bundle) -> str:
    """Rows appear as they are computed, so widths come from what can appear."""
    label = max(map(len, bundle.labels))
    widths = (max(len("clip"), *(len(clip.name) for clip in clips)), max(label, 8), label, label + 6, 5, 10)
    cells = [
        cell.rjust(width) if index >= 4 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _numbers(results: list[ClipResult], total: int) -> dict:
    labelled = [result for result in results if result.clip.expected]
    wrong = [result for result in labelled if result.heard != result.clip.expected]
    return {
        "clips": len(results),
        "clips_not_run": total - len(results),
        "steps": sum(result.steps for result in results),
        "integers": sum(result.comparison.integers for result in results),
        "mismatches": sum(result.comparison.mismatches for result in results),
        "labelled": len(labelled),
        "heard_as_labelled": len(labelled) - len(wrong),
        "streamed_again": sum(result.attempts > 1 for result in results),
    }


def _summary(results: list[ClipResult], total: int) -> str:
    numbers = _numbers(results, total)
    lines = []
    wrong = [r for r in results if r.clip.expected and r.heard != r.clip.expected]
    if wrong:
        names = [f"{r.clip.name} heard as {r.heard or 'nothing'}" for r in wrong]
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        lines.append(f"The model gets wrong: {'; '.join(names[:10])}{more}.")
    verdict = "every integer equals the reference" if not numbers["mismatches"] else "CHECK FAILED"
    text = (
        f"{numbers['clips']} clips, {numbers['steps']:,} steps, {numbers['integers']:,} integers from PCM to "
        f"detection: {numbers['mismatches']:,} mismatches, {verdict}."
    )
    if numbers["labelled"]:
        right, labelled = numbers["heard_as_labelled"], numbers["labelled"]
        text += f" Heard as labelled: {right} of {labelled} ({math.floor(1000 * right / labelled) / 10} %)."
    if numbers["streamed_again"]:
        text += f" {numbers['streamed_again']} streamed again after losses on the link."
    if numbers["clips_not_run"]:
        text += f" {numbers['clips_not_run']} clips not run."
    return "\n".join([*lines, text])
