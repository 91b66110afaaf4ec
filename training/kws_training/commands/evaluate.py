"""``kws-train evaluate``: accuracy on clips (float batch, float and int8 streaming), or detection in running speech."""

import argparse
import json
from pathlib import Path
from typing import Any

from kws_reference.cli.program import CHECK_FAILED, OK
from kws_reference.errors import KwsError

from kws_training.commands.options.clip_set import add_clip_set, clip_set
from kws_training.commands.options.speech import add_speech, refuse_speech_options, speech_job
from kws_training.evaluate.clip_report import ClipJob, EvaluatedModel, evaluate_clips, streams_as_batch


class _Moved(argparse.Action):
    """An option that became a subcommand: says so in one line."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.exit(2, "error: evaluate --stream is a command of its own now: use kws-train evaluate-stream.\n")


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "evaluate", help="measure accuracy on clips, or with --speech detection in running speech; writes PNG and JSON"
    )
    parser.add_argument("bundle", type=Path, nargs="?", help="bundle folder; may be left out with --run")
    parser.add_argument("--run", dest="run_folder", type=Path, help="the run it came from: adds the float rows")
    add_clip_set(parser)
    parser.add_argument(
        "--without", metavar="WORDS", help="leave out these subfolders of --test: on,off for canonical-8"
    )
    parser.add_argument("--limit", type=int, help="take this many clips, drawn by seed 0")
    add_speech(parser)
    parser.add_argument("--stream", action=_Moved, nargs=0, help=argparse.SUPPRESS)
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints a table and JSON; exit status 1 when float streaming differs from float batch."""
    if args.speech:
        from kws_training.evaluate.speech.report import evaluate_speech

        figures = evaluate_speech(speech_job(args))
        print(json.dumps({key: value for key, value in figures.items() if key not in ("det", "worst")}))
        return OK
    result = evaluate_clips(_job(args))
    print(json.dumps({k: (v["accuracy"] if isinstance(v, dict) else v) for k, v in result.items() if k != "labels"}))
    return OK if streams_as_batch(result) else CHECK_FAILED


def _job(args: argparse.Namespace) -> ClipJob:
    refuse_speech_options(args)
    source = clip_set(args)
    if args.limit is not None and args.limit < 1:
        raise KwsError(f"--limit must be at least 1. Received: {args.limit}.")
    if args.without and not args.test:
        raise KwsError("--without chooses clips of --test. Give --test too.")
    without = frozenset(word.strip() for word in args.without.split(",")) if args.without else frozenset()
    evaluated = EvaluatedModel.load(args.bundle, args.run_folder)
    return ClipJob(evaluated, source, args.out or args.bundle or args.run_folder, without, args.limit)
