"""``kws-host microphone``: an emulated board hears recordings by its microphone; every integer is compared."""

import argparse
import math
from pathlib import Path

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host import clips, options, report
from kws_host.label_names import name_of
from kws_host.microphone import gain_q8_of
from kws_host.microphone_run import MOST_LOOPS, MicrophoneJob, MicrophoneResult, check
from kws_host.screen import Screen

MOST_JITTER = 99.9


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "microphone", help="let an emulated board hear recordings by its microphone", description=__doc__
    )
    parser.add_argument(
        "audio", nargs="+", type=Path, metavar="AUDIO", help="WAV files or folders, heard one after the other"
    )
    options.add_bundle(parser)
    options.add_target(parser)
    group = parser.add_argument_group("microphone")
    group.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="times real time, if the core executed an instruction in each clock (default: %(default)g)",
    )
    group.add_argument(
        "--jitter", type=float, default=0.0, metavar="%", help="per cent by which a block is early or late (default: 0)"
    )
    group.add_argument(
        "--loops", type=int, default=1, metavar="N", help="how often all of it is heard, without a gap (default: 1)"
    )
    group.add_argument("--gain", type=float, default=0.0, metavar="DB", help="of the samples (default: 0)")
    group.add_argument("--keep-dc", action="store_true", help="do not remove their constant part")
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Listens and compares. Returns 1 at a mismatch or a loss."""
    if not args.emulate:
        raise KwsError("--emulate BOARD is missing: what a real microphone hears is known to nobody else")
    report.require_writable(args.json)
    job = _job(args)
    screen = Screen(args.json, None)
    result = check(options.target_of(args), job)
    rate_hz = job.bundle.frontend.sample_rate_hz
    for event in result.detections:
        label = name_of(job.bundle.labels, event.label)
        screen.print(f"{job.bundle.clock.end_s(event.step):9.2f} s  {label}")
    for line in _summary(args.emulate, job, result, rate_hz):
        screen.print(line)
    if args.json:
        report.write_json(args.json, _json(job, result))
    return program.CHECK_FAILED if result.comparison.mismatches or result.lost_samples else program.OK


def _job(args: argparse.Namespace) -> MicrophoneJob:
    from kws_reference.pipeline import Pipeline  # half a second that --help can do without

    gain_q8 = gain_q8_of(args.gain)
    if not 0 <= args.jitter <= MOST_JITTER:
        raise KwsError(f"--jitter must be 0 to {MOST_JITTER} %. Received: {args.jitter:g}.")
    if not (math.isfinite(args.speed) and args.speed > 0):
        raise KwsError(f"--speed must be above 0. Received: {args.speed:g}.")
    if not 1 <= args.loops <= MOST_LOOPS:
        raise KwsError(f"--loops must be 1 to {MOST_LOOPS:,}. Received: {args.loops}.")
    bundle = Bundle.load(args.bundle)
    pcm = np.concatenate([clip.read(bundle) for clip in clips.find(args.audio, bundle)])
    return MicrophoneJob(
        Pipeline(bundle), pcm, args.speed, round(10 * args.jitter), gain_q8, not args.keep_dc, args.loops
    )


def _summary(board: str, job: MicrophoneJob, result: MicrophoneResult, rate_hz: int) -> list[str]:
    comparison = result.comparison
    verdict = "every integer equals the reference" if not comparison.mismatches else "CHECK FAILED"
    lines = [
        f"{board} heard {result.heard_samples / rate_hz:.2f} of {job.samples / rate_hz:.2f} s by its microphone at "
        f"{job.speed:g} times real time: {result.steps:,} steps, {comparison.integers:,} integers from PCM to "
        f"detection: {comparison.mismatches:,} mismatches, {verdict}.",
        f"{len(result.detections)} detections. Awake {100 * result.awake:.1f} % of the time, if an instruction "
        "takes one clock.",
    ]
    if result.lost_samples:
        lines.append(f"LOST {result.lost_samples:,} samples: the core does not keep up with this speed.")
    elif comparison.first:
        lines.append(f"MISMATCH {comparison.first}")
    return lines


def _json(job: MicrophoneJob, result: MicrophoneResult) -> dict:
    first = result.comparison.first
    return {
        "bundle": {"name": job.bundle.name, "model_sha256": job.bundle.model_sha256},
        "speed": job.speed,
        "samples": job.samples,
        "heard_samples": result.heard_samples,
        "lost_samples": result.lost_samples,
        "steps": result.steps,
        "detections": len(result.detections),
        "integers": result.comparison.integers,
        "mismatches": result.comparison.mismatches,
        "first_mismatch": str(first) if first else None,
        "awake": result.awake,
    }
