"""``kws-host check``: stream recordings to a device and compare every integer with the reference."""

import argparse
import contextlib
import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from kws_reference.bundle import Bundle
from kws_reference.cli import program
from kws_reference.cli.progress import Progress
from kws_reference.protocol.messages import Info, SettingsOrigin, Stats

from kws_host import clips, detector_settings, heard, options, report
from kws_host.checking import CheckJob, ClipResult, summarise
from kws_host.checking_boards import check_boards, rounds
from kws_host.detector_settings import HeldSettings
from kws_host.device import Device
from kws_host.screen import Screen
from kws_host.target import open_device, require_model

HEADER = ("clip", "expected", "heard", "detected", "steps", "mismatches")
SHOWN_WRONG = 10
TUNED = {SettingsOrigin.SET: "tuned", SettingsOrigin.KEPT: "tuned, and keeps that"}


@dataclasses.dataclass(frozen=True)
class Board:
    """A device that is checked.

    Attributes:
      name: for the table; the board's, and its port's where two boards are called alike.
      info: what it says of itself.
      held: settings of its detector; None: it cannot tell.
    """

    name: str
    info: Info
    held: HeldSettings | None

    @classmethod
    def of(cls, device: Device, others: Sequence[Device]) -> "Board":
        """Asks a device. Args: others: all that are checked."""
        alone = sum(other.info.board == device.info.board for other in others) == 1
        name = device.info.board if alone else f"{device.info.board} {device.link.port}"
        return cls(name, device.info, detector_settings.held_by(device))


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "check", help="compare every integer of a device with the reference", description=__doc__
    )
    parser.add_argument(
        "audio", nargs="+", type=Path, metavar="AUDIO", help="WAV files, or folders of them named after their label"
    )
    options.add_bundle(parser)
    options.add_target(parser, several=True)
    parser.add_argument("--labels", type=Path, metavar="CSV", help="lines FILE,LABEL in the place of folder names")
    options.add_limit(parser)
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run all recordings so often (default: 1)")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="run them in another order, every time anew")
    going = parser.add_mutually_exclusive_group()
    going.add_argument("--keep-going", action="store_true", help="do not stop at the first mismatching recording")
    going.add_argument("--fail-fast", action="store_true", help="stop all boards when one of them mismatches")
    options.add_json(parser)
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    return parser


def run(args: argparse.Namespace) -> int:
    """Checks. Returns 1 at a mismatch."""
    report.require_writable(args.json, args.junit)
    targets = options.targets_of(args)
    job, notes = _job(args)
    screen = Screen(args.json, args.junit)
    with contextlib.ExitStack() as stack:
        devices = [stack.enter_context(open_device(target)) for target in targets]
        for device in devices:
            require_model(device, job.bundle)
        boards = [Board.of(device, devices) for device in devices]
        results = _show(screen, job, boards, check_boards(devices, job, fail_fast=args.fail_fast))
        stats = [device.stats() for device in devices]
    failed = [(board, result) for board, of in zip(boards, results, strict=True) for result in of if result.differs]
    for board, result in failed:
        where = f"{board.name}, " if len(boards) > 1 else ""
        screen.print(f"MISMATCH {where}clip {result.clip.name}, {result.comparison.first}")
    for line in (*notes, *_summary(boards, results, job)):
        screen.print(line)
    if args.json:
        report.write_json(args.json, _json(job, boards, stats, results))
    if args.junit:
        names = ", ".join(board.name for board in boards)
        report.write_junit(args.junit, f"kws-host check {names}", _junit_cases(boards, results))
    return program.CHECK_FAILED if failed else program.OK


def _job(args: argparse.Namespace) -> tuple[CheckJob, list[str]]:
    """What to check, and what the user has to know about the recordings."""
    from kws_reference.pipeline import Pipeline  # half a second that other commands and --help can do without

    bundle = Bundle.load(args.bundle)
    chosen = clips.find(args.audio, bundle, labels_csv=args.labels, limit=args.limit, seed=args.seed)
    audio = tuple(clip.read(bundle) for clip in chosen)  # all of them first: a broken file must not cost minutes
    notes = heard.notes(bundle, audio)
    job = CheckJob(Pipeline(bundle), tuple(chosen), audio, args.keep_going)
    return rounds(job, args.repeat, args.shuffle), notes


def _show(
    screen: Screen, job: CheckJob, boards: Sequence[Board], results: Iterable[tuple[int, ClipResult]]
) -> list[list[ClipResult]]:
    """Prints a row for each clip as it is computed, which shows progress; returns them all, board by board."""
    engines = " and ".join(f"{board.name} ({board.info.engine})" for board in boards)
    screen.print(f"{engines} against the reference, model {job.bundle.name}:")
    for board in boards:
        if board.held and not detector_settings.are_equal(board.held.config, job.bundle.detector):
            origin = TUNED.get(board.held.origin, "generated otherwise than the bundle says")
            screen.print(f"The detector of {board.name} is {origin}: the reference detects with the same settings.")
    widths, several = _widths(job, boards), len(boards) > 1
    screen.print(_line((*["board"] * several, *HEADER), widths))
    progress = Progress("checking", len(job.clips) * len(boards))
    shown: list[list[ClipResult]] = [[] for _ in boards]
    for index, result in results:
        shown[index].append(result)
        screen.print(_line((*[boards[index].name] * several, *_cells(result)), widths))
        if screen.quiet:
            progress.update(sum(map(len, shown)))
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


def _widths(job: CheckJob, boards: Sequence[Board]) -> tuple[int, ...]:
    """Of the table's columns: rows appear as they are computed, so widths come from what can appear."""
    label = max(map(len, job.bundle.labels))
    clip = max(len("clip"), *(len(clip.name) for clip in job.clips))
    board = [max(len("board"), *(len(board.name) for board in boards))] if len(boards) > 1 else []
    return *board, clip, max(label, 8), label, label + 6, 5, 10


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if index >= len(cells) - 2 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _summary(boards: Sequence[Board], results: Sequence[Sequence[ClipResult]], job: CheckJob) -> list[str]:
    if len(boards) == 1:
        return [*_wrong(results[0]), _sentence(results[0], len(job.clips), job)]
    lines = [f"{board.name}: {_sentence(of, len(job.clips), job)}" for board, of in zip(boards, results, strict=True)]
    everything = [result for of in results for result in of]
    totals = summarise(everything, len(job.clips) * len(boards))
    verdict = "every integer equals the reference" if not totals["mismatches"] else "CHECK FAILED"
    return [
        *_wrong(results[0]),
        *lines,
        f"{len(boards)} boards, {totals['integers']:,} integers: {totals['mismatches']:,} mismatches, {verdict}.",
    ]


def _wrong(results: Sequence[ClipResult]) -> list[str]:
    """What the model hears otherwise than labelled; of several boards, which are equal, the first one's."""
    wrong = [r for r in results if r.clip.expected and r.heard is not None and r.heard != r.clip.expected]
    if not wrong:
        return []
    names = [f"{r.clip.name} heard as {r.heard or 'nothing'}" for r in wrong]
    more = f" and {len(names) - SHOWN_WRONG} more" if len(names) > SHOWN_WRONG else ""
    return [f"The model gets wrong: {'; '.join(names[:SHOWN_WRONG])}{more}."]


def _sentence(results: Sequence[ClipResult], clips: int, job: CheckJob) -> str:
    totals = summarise(results, clips)
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
    return text


def _json(
    job: CheckJob, boards: Sequence[Board], stats: Sequence[Stats], results: Sequence[Sequence[ClipResult]]
) -> dict:
    """Of one board flat; of several with a list of them in the place of its fields."""
    bundle = {"name": job.bundle.name, "model_sha256": job.bundle.model_sha256}
    found = [
        {
            "device": dataclasses.asdict(board.info),
            "bundle": bundle,
            "detector": board.held.json() if board.held else None,
            "stats": dataclasses.asdict(counted),
            "clips": [result.json() for result in of],
            "summary": summarise(of, len(job.clips)),
        }
        for board, counted, of in zip(boards, stats, results, strict=True)
    ]
    if len(found) == 1:
        return found[0]
    everything = [result for of in results for result in of]
    return {"bundle": bundle, "boards": found, "summary": summarise(everything, len(job.clips) * len(boards))}


def _junit_cases(boards: Sequence[Board], results: Sequence[Sequence[ClipResult]]) -> list[tuple[str, str, str]]:
    several = len(boards) > 1
    return [
        (
            f"{board.name}." * several + (result.clip.expected or "unlabelled"),
            result.clip.name,
            str(result.comparison.first) if result.comparison.first else "",
        )
        for board, of in zip(boards, results, strict=True)
        for result in of
    ]
