"""``kws-host report``: one HTML file of a check or an evaluation, with timelines, clips and what has changed."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from kws_reference.bundle import Bundle, detector_from_dict
from kws_reference.cli import program
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_host import clips, measured_results, options, report
from kws_host.checking import ClipResult
from kws_host.checking_boards import Board, read_job, run_check
from kws_host.clips import Clip
from kws_host.heard_audio import wav_bytes
from kws_host.html_report import Drawn, render
from kws_host.measured_results import Result, Row
from kws_host.png import data_url
from kws_host.screen import Screen
from kws_host.timeline import timeline

SHOWN = 12
MOST_SHOWN = 200
MOST_AUDIO_MB = 20.0
MOST_MB = 1000
LONGEST_S = 30.0

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "report", help="write a check or an evaluation as one HTML file", description=__doc__
    )
    parser.add_argument("result", nargs="?", type=Path, metavar="RESULT", help="of check --json or evaluate --json")
    parser.add_argument(
        "--audio",
        nargs="+",
        type=Path,
        default=[],
        help="its recordings, for timelines; without RESULT they are checked",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the HTML file")
    options.add_bundle(parser)
    options.add_target(parser, several=True)
    options.add_limit(parser)
    parser.add_argument("--against", type=Path, metavar="RESULT", help="show what differs from this result or report")
    parser.add_argument(
        "--timelines", type=int, default=SHOWN, metavar="N", help="recordings drawn, wrong ones first (default: 12)"
    )
    parser.add_argument("--clips", action="store_true", help="put the drawn recordings into the file, to be played")
    parser.add_argument(
        "--most-audio", type=float, default=MOST_AUDIO_MB, metavar="MB", help="of it at most (default: %(default)g)"
    )
    options.add_json(parser)
    parser.add_argument("--title", default="Keyword spotting: every integer", help="of the page")
    return parser


def run(args: argparse.Namespace) -> int:
    """Writes the report. Returns 1 when the result has mismatches."""
    report.require_writable(args.out, args.json)
    if not 0 <= args.timelines <= MOST_SHOWN:
        raise KwsError(f"--timelines must be 0 to {MOST_SHOWN}. Received: {args.timelines}.")
    if not 0 <= args.most_audio <= MOST_MB:
        raise KwsError(f"--most-audio must be 0 to {MOST_MB} MB. Received: {args.most_audio:g}.")
    if args.clips and not args.audio:
        raise KwsError("--clips puts recordings into the report: give them by --audio too")
    if args.result is None and not args.audio:
        raise KwsError("give the RESULT of check --json or evaluate --json, or --audio and a board to check")
    against = (args.against.name, measured_results.read(args.against)) if args.against else None
    result = measured_results.read(args.result) if args.result else _measure(args)
    drawn, note = _draw(args, result) if args.audio else ([], "")
    if note:
        log.info(note)
    page = render(args.title, result, drawn, against=against, audio_note=note)
    report.write_text(args.out, page)
    size = len(page.encode())
    Screen(args.json).print(f"{args.out}: {size / 1e6:.1f} MB, {len(drawn)} timelines")
    if args.json:
        figures, rows = measured_results.changes(against[1], result) if against else ([], [])
        told = {"file": str(args.out), "bytes": size, "timelines": len(drawn), "mismatches": result.mismatches}
        changed = {"figures": [vars(one) for one in figures], "recordings": [vars(one) for one in rows]}
        report.write_json(args.json, told | {"changed": changed if against else None})
    return program.CHECK_FAILED if result.mismatches else program.OK


class _Checking:
    """Shows how far a check has come."""

    def __init__(self, clips: int):
        self._clips, self._done = clips, 0

    def begin(self, boards: Sequence[Board]) -> None:
        """The boards are open."""
        self._progress = Progress("checking", self._clips * len(boards))

    def add(self, board: Board, result: ClipResult) -> None:
        """A clip was checked."""
        self._done += 1
        self._progress.update(self._done)


def _measure(args: argparse.Namespace) -> Result:
    targets = options.targets_of(args)
    job, _ = read_job(args.bundle, args.audio, limit=args.limit, seed=args.seed, keep_going=True)
    return measured_results.of(run_check(targets, job, _Checking(len(job.clips))).json())


def _draw(args: argparse.Namespace, result: Result) -> tuple[list[Drawn], str]:
    """Timelines of the recordings that say most, and what was left out of their audio."""
    from kws_reference.pipeline import Pipeline  # half a second that --help can do without

    bundle = Bundle.load(args.bundle)
    if bundle.model_sha256 != result.model_sha256:
        raise KwsError(f"the result is of model {result.model}, {bundle.path} holds {bundle.name}. Give its --bundle.")
    pipeline = Pipeline(bundle)
    found = clips.find(args.audio, bundle)
    chosen = _choose(found, result)[: args.timelines]
    budget, left_out = args.most_audio * 1e6, 0
    drawn: list[Drawn] = []
    progress = Progress("drawing", len(chosen))
    for row, clip in chosen:
        pcm = clip.read(bundle)[: round(LONGEST_S * bundle.frontend.sample_rate_hz)]
        audio = data_url("audio/wav", wav_bytes(pcm, bundle.frontend.sample_rate_hz)) if args.clips else ""
        if len(audio) > budget:
            audio, left_out = "", left_out + 1
        budget -= len(audio)
        held = result.detectors.get(row.board)
        pipeline.set_detector(detector_from_dict(held, bundle.labels) if held else bundle.detector)
        if (line := timeline(pipeline, pcm)) is not None:
            drawn.append(Drawn(row, line, audio))
        progress.update(len(drawn))
    note = (
        f"{left_out} recordings are not in the file: --most-audio {args.most_audio:g} MB is full." if left_out else ""
    )
    return drawn, note


def _choose(found: list[Clip], result: Result) -> list[tuple[Row, Clip]]:
    """Recordings with what came of them: mismatches first, then wrong ones, then the others, spread over the labels."""
    rows: dict[str, Row] = {}  # of several boards and rounds the first one's, but one that differs before all others
    for row in result.rows:
        if row.recording not in rows or (row.mismatches and not rows[row.recording].mismatches):
            rows[row.recording] = row
    known = [(rows[clip.name], clip) for clip in found if clip.name in rows]
    if not known and result.command == "evaluate":  # whose result has no recordings that agree
        known = [
            (Row(result.boards[0], clip.name, clip.name, clip.expected, None, (), 0, 0, ""), clip) for clip in found
        ]
    if not known:
        raise KwsError("none of --audio is in the result. Give the recordings that were checked, in the same way.")
    of_label: dict[str, int] = {}

    def order(pair: tuple[Row, Clip]) -> tuple[bool, bool, int]:
        row = pair[0]
        of_label[row.expected] = of_label.get(row.expected, 0) + 1
        return not row.mismatches, not row.is_wrong, of_label[row.expected]

    return sorted(known, key=order)
