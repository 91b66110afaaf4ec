"""``kws-train evaluate-stream``: detection of words in long recordings, and the thresholds that keep a wanted rate."""

import argparse
import json
from pathlib import Path

from kws_reference.cli.program import OK
from kws_reference.errors import KwsError

from kws_training.commands.options.clip_set import add_clip_set, clip_set
from kws_training.data.recording_plan import RecordingSpec
from kws_training.evaluate.detection_report import DetectionJob, evaluate_detection
from kws_training.evaluate.thresholds import check_rate

DEFAULT_PER_HOUR = 5.0


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "evaluate-stream",
        help="measure detection on long recordings; chooses thresholds; writes DET curve and timeline",
    )
    parser.add_argument("bundle", type=Path, help="bundle folder")
    add_clip_set(parser)
    parser.add_argument(
        "--hours",
        type=float,
        default=10.0,
        help="length of the recordings that the clips are assembled to (%(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="draws the recordings (%(default)s)")
    parser.add_argument("--noise", type=Path, help="folder with _background_noise_ (default: that of --validation)")
    parser.add_argument("--scores", type=Path, help="keep the scores in this .npz, or take them from it")
    group = parser.add_argument_group("choosing thresholds")
    group.add_argument(
        "--choose-thresholds",
        action="store_true",
        help="choose smoothing window, refractory period and thresholds; with --validation only, of which rare words "
        "are then heard more often than their number of clips",
    )
    group.add_argument(
        "--false-accepts-per-hour",
        type=float,
        help=f"rate of all keywords together, to be kept with 90 %% confidence (default: {DEFAULT_PER_HOUR:g})",
    )
    group.add_argument(
        "--extra",
        type=Path,
        help="further clips to choose thresholds by, such as voices: validation split of a folder like --validation",
    )
    group.add_argument("--write-thresholds", action="store_true", help="write the chosen ones into the bundle")
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints a table and the figures as JSON."""
    result = evaluate_detection(_job(args))
    print(json.dumps({key: value for key, value in result.items() if key != "det"}))
    return OK


def _job(args: argparse.Namespace) -> DetectionJob:
    """The job that the options ask for.

    Raises:
      KwsError: a combination means nothing, or a number is out of range.
    """
    source = clip_set(args)
    _check_choice(args)
    if args.test and not args.noise:
        raise KwsError("--test has no background noise. Give --noise, a folder with _background_noise_.")
    if not 0 < args.hours <= 1000:
        raise KwsError(f"--hours must be above 0 and at most 1000. Received: {args.hours:g}.")
    if args.seed < 0:
        raise KwsError(f"--seed must be 0 or more. Received: {args.seed}.")
    per_hour = None
    if args.choose_thresholds:
        per_hour = DEFAULT_PER_HOUR if args.false_accepts_per_hour is None else args.false_accepts_per_hour
        check_rate(per_hour, args.hours)
    return DetectionJob(
        bundle=args.bundle,
        source=source,
        out=args.out or args.bundle,
        recordings=RecordingSpec(hours=args.hours, seed=args.seed),
        noise=args.noise,
        scores=args.scores,
        wanted_per_hour=per_hour,
        extra=args.extra,
        write_thresholds=args.write_thresholds,
    )


def _check_choice(args: argparse.Namespace) -> None:
    """Refuses options of choosing thresholds that mean nothing together."""
    if args.choose_thresholds:
        if args.test:
            raise KwsError("thresholds chosen on test clips would flatter every later figure. Give --validation.")
        return
    if args.write_thresholds:
        raise KwsError("--write-thresholds writes what --choose-thresholds finds. Give both.")
    if args.extra:
        raise KwsError("--extra adds clips that thresholds are chosen by. Give --choose-thresholds too.")
    if args.false_accepts_per_hour is not None:
        raise KwsError("--false-accepts-per-hour is the rate that --choose-thresholds keeps. Give it too.")
