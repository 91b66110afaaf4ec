"""``kws-host check``: stream recordings to a device and compare every integer with the reference."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from kws_reference.cli import program
from kws_reference.cli.progress import Progress
from kws_reference.protocol.messages import SettingsOrigin

from kws_host import detector_settings, options, report
from kws_host.checking import CheckJob, ClipResult, summarise
from kws_host.checking_boards import Board, read_job, rounds, run_check
from kws_host.screen import Screen

HEADER = ("clip", "expected", "heard", "detected", "steps", "mismatches")
SHOWN_WRONG = 10
TUNED = {SettingsOrigin.SET: "tuned", SettingsOrigin.KEPT: "tuned, and keeps that"}


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
    job, notes = read_job(
        args.bundle, args.audio, labels_csv=args.labels, limit=args.limit, seed=args.seed, keep_going=args.keep_going
    )
    job = rounds(job, args.repeat, args.shuffle)
    screen = Screen(args.json, args.junit)
    outcome = run_check(targets, job, Table(screen, job), fail_fast=args.fail_fast)
    boards = outcome.boards
    for board in boards:
        for result in board.results:
            if result.differs:
                where = f"{board.name}, " if len(boards) > 1 else ""
                screen.print(f"MISMATCH {where}clip {result.clip.title}, {result.comparison.first}")
    for line in (*notes, *_summary(boards, job)):
        screen.print(line)
    if args.json:
        report.write_json(args.json, outcome.json())
    if args.junit:
        names = ", ".join(board.name for board in boards)
        report.write_junit(args.junit, f"kws-host check {names}", _junit_cases(boards))
    return program.CHECK_FAILED if outcome.differs else program.OK


class Table:
    """Rows for clips as they are computed, which shows progress."""

    def __init__(self, screen: Screen, job: CheckJob):
        """Args: screen: to print on. job: what is checked."""
        self._screen, self._job = screen, job

    def begin(self, boards: Sequence[Board]) -> None:
        """Prints the head."""
        engines = " and ".join(f"{board.name} ({board.info.engine})" for board in boards)
        self._screen.print(f"{engines} against the reference, model {self._job.bundle.name}:")
        for board in boards:
            if board.held and not detector_settings.are_equal(board.held.config, self._job.bundle.detector):
                origin = TUNED.get(board.held.origin, "generated otherwise than the bundle says")
                self._screen.print(
                    f"The detector of {board.name} is {origin}: the reference detects with the same settings."
                )
        self._widths, self._several = _widths(self._job, boards), len(boards) > 1
        self._screen.print(_line((*["board"] * self._several, *HEADER), self._widths))
        self._progress, self._shown = Progress("checking", len(self._job.clips) * len(boards)), 0

    def add(self, board: Board, result: ClipResult) -> None:
        """Prints a row."""
        self._screen.print(_line((*[board.name] * self._several, *_cells(result)), self._widths))
        self._shown += 1
        if self._screen.quiet:
            self._progress.update(self._shown)


def _cells(result: ClipResult) -> tuple[str, ...]:
    return (
        result.clip.title,
        result.clip.expected or "-",
        result.heard or "-",
        " ".join(result.detected) or "-",
        str(result.steps),
        str(result.comparison.mismatches),
    )


def _widths(job: CheckJob, boards: Sequence[Board]) -> tuple[int, ...]:
    """Of the table's columns: rows appear as they are computed, so widths come from what can appear."""
    label = max(map(len, job.bundle.labels))
    clip = max(len("clip"), *(len(clip.title) for clip in job.clips))
    board = [max(len("board"), *(len(board.name) for board in boards))] if len(boards) > 1 else []
    return *board, clip, max(label, 8), label, label + 6, 5, 10


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if index >= len(cells) - 2 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _summary(boards: Sequence[Board], job: CheckJob) -> list[str]:
    wrong, clips = _wrong(boards[0].results), len(job.clips)
    if len(boards) == 1:
        return [*wrong, _sentence(boards[0].results, clips, job)]
    lines = [f"{board.name}: {_sentence(board.results, clips, job)}" for board in boards]
    totals = summarise([result for board in boards for result in board.results], clips * len(boards))
    verdict = "every integer equals the reference" if not totals["mismatches"] else "CHECK FAILED"
    return [
        *wrong,
        *lines,
        f"{len(boards)} boards, {totals['integers']:,} integers: {totals['mismatches']:,} mismatches, {verdict}.",
    ]


def _wrong(results: Sequence[ClipResult]) -> list[str]:
    """What the model hears otherwise than labelled; of several boards, which are equal, the first one's."""
    wrong = [r for r in results if r.clip.expected and r.heard is not None and r.heard != r.clip.expected]
    if not wrong:
        return []
    names = [f"{r.clip.title} heard as {r.heard or 'nothing'}" for r in wrong]
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


def _junit_cases(boards: Sequence[Board]) -> list[tuple[str, str, str]]:
    several = len(boards) > 1
    return [
        (
            f"{board.name}." * several + (result.clip.expected or "unlabelled"),
            result.clip.title,
            str(result.comparison.first) if result.comparison.first else "",
        )
        for board in boards
        for result in board.results
    ]
