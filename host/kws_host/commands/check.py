"""``kws-host check``: stream recordings to a device and compare every integer with the reference."""

import argparse
import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.cli import program
from kws_reference.cli.progress import Progress
from kws_reference.protocol.messages import Info, Stats

from kws_host import clips, heard, options, report
from kws_host.checking import CheckJob, ClipResult, check, summarise
from kws_host.screen import Screen
from kws_host.target import open_device

HEADER = ("clip", "expected", "heard", "detected", "steps", "mismatches")
SHOWN_WRONG = 10


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "check", help="compare every integer of a device with the reference", description=__doc__
    )
    parser.add_argument(
        "audio", nargs="+", type=Path, metavar="AUDIO", help="WAV files, or folders of them named after their label"
    )
    options.add_bundle(parser)
    options.add_target(parser)
    parser.add_argument("--labels", type=Path, metavar="CSV", help="lines FILE,LABEL in the place of folder names")
    options.add_limit(parser)
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first mismatching recording")
    options.add_json(parser)
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    return parser


def run(args: argparse.Namespace) -> int:
    """Checks. Returns 1 at a mismatch."""
    report.require_writable(args.json, args.junit)
    job, notes = _job(args)
    screen = Screen(args.json, args.junit)
    with open_device(options.target_of(args)) as device:
        results = _show(screen, job, device.info, check(device, job))
        info, stats = device.info, device.stats()
    failed = [result for result in results if result.comparison.mismatches]
    for result in failed:
        screen.print(f"MISMATCH clip {result.clip.name}, {result.comparison.first}")
    for line in (*notes, *_summary(results, job)):
        screen.print(line)
    if args.json:
        report.write_json(args.json, _json(job, info, stats, results))
    if args.junit:
        report.write_junit(args.junit, f"kws-host check {info.board}", _junit_cases(results))
    return program.CHECK_FAILED if failed else program.OK


def _job(args: argparse.Namespace) -> tuple[CheckJob, list[str]]:
    """What to check, and what the user has to know about the recordings."""
    from kws_reference.pipeline import Pipeline  # half a second that other commands and --help can do without

    bundle = Bundle.load(args.bundle)
    chosen = clips.find(args.audio, bundle, labels_csv=args.labels, limit=args.limit, seed=args.seed)
    audio = tuple(clip.read(bundle) for clip in chosen)  # all of them first: a broken file must not cost minutes
    notes = heard.notes(bundle, audio)
    return CheckJob(Pipeline(bundle), tuple(chosen), audio, args.keep_going), notes


def _show(screen: Screen, job: CheckJob, info: Info, results: Iterable[ClipResult]) -> list[ClipResult]:
    """Prints a row for each clip as it is computed, which shows progress; returns them all."""
    screen.print(f"{info.board} ({info.engine}) against the reference, model {job.bundle.name}:")
    widths = _widths(job)
    screen.print(_line(HEADER, widths))
    progress, shown = Progress("checking", len(job.clips)), []
    for result in results:
        shown.append(result)
        screen.print(_line(_cells(result), widths))
        if screen.quiet:
            progress.update(len(shown))
    return shown


def _cells(result: ClipResult) -> tuple[str, ...]:
    return (
        result.clip.name,
        result.clip.expected or "-",
        result.heard or "-",
        " ".join(result.detected) or "-",
        str(result.steps),
        str(result.comparison.mismatches),
    )


def _widths(job: CheckJob) -> tuple[int, ...]:
    """Of the table's columns: rows appear as they are computed, so widths come from what can appear."""
    label = max(map(len, job.bundle.labels))
    return max(len("clip"), *(len(clip.name) for clip in job.clips)), max(label, 8), label, label + 6, 5, 10


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if index >= 4 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _summary(results: Sequence[ClipResult], job: CheckJob) -> list[str]:
    totals = summarise(results, len(job.clips))
    lines = []
    wrong = [r for r in results if r.clip.expected and r.heard is not None and r.heard != r.clip.expected]
    if wrong:
        names = [f"{r.clip.name} heard as {r.heard or 'nothing'}" for r in wrong]
        more = f" and {len(names) - SHOWN_WRONG} more" if len(names) > SHOWN_WRONG else ""
        lines.append(f"The model gets wrong: {'; '.join(names[:SHOWN_WRONG])}{more}.")
    verdict = "every integer equals the reference" if not totals["mismatches"] else "CHECK FAILED"
    text = (
        f"{totals['clips']} clips, {totals['steps']:,} steps, {totals['integers']:,} integers from PCM to "
        f"detection: {totals['mismatches']:,} mismatches, {verdict}."
    )
    if states := len(job.bundle.states):
        text += f" Digests of the network's {states} states are compared after every step."
    if any(result.heard is None for result in results):
        text += " The model has one label: what it hears is in the detections alone."
    if totals["labelled"]:
        right, labelled = totals["heard_as_labelled"], totals["labelled"]
        text += f" Heard as labelled: {right} of {labelled} ({math.floor(1000 * right / labelled) / 10} %)."
    if totals["streamed_again"]:
        text += f" {totals['streamed_again']} streamed again after losses on the link."
    if totals["clips_not_run"]:
        text += f" {totals['clips_not_run']} clips not run."
    return [*lines, text]


def _json(job: CheckJob, info: Info, stats: Stats, results: Sequence[ClipResult]) -> dict:
    return {
        "device": dataclasses.asdict(info),
        "bundle": {"name": job.bundle.name, "model_sha256": job.bundle.model_sha256},
        "stats": dataclasses.asdict(stats),
        "clips": [result.json() for result in results],
        "summary": summarise(results, len(job.clips)),
    }


def _junit_cases(results: Sequence[ClipResult]) -> list[tuple[str, str, str]]:
    return [
        (r.clip.expected or "unlabelled", r.clip.name, str(r.comparison.first) if r.comparison.first else "")
        for r in results
    ]
