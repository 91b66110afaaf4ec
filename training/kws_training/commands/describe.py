"""``kws-train describe``: the layers of a model as a table, and as a picture."""

import argparse
import json
import logging
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.models import ARCHITECTURES, FRAMES_PER_STEP, OWN

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("describe", help="layers, shapes, MACs, states, receptive field; draws the model")
    parser.add_argument("target", help=f"a bundle, a run folder, or a model: {', '.join(ARCHITECTURES)}, {OWN}")
    parser.add_argument("--as-run", action="store_true", help="of a folder that is bundle and run, describe the run")
    parser.add_argument(
        "--frames-per-step", type=int, help=f"frames of a streaming step (default: the run's, else {FRAMES_PER_STEP})"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.png", help="draw the model")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints the table or JSON."""
    if args.frames_per_step is not None and args.frames_per_step < 1:
        raise KwsError(f"--frames-per-step must be at least 1. Received: {args.frames_per_step}.")
    if args.out and args.out.suffix.lower() != ".png":
        raise KwsError(f"--out must end with .png. Received: {args.out}.")
    from kws_training.inspect.table import table
    from kws_training.inspect.target import describe

    description = describe(args.target, args.frames_per_step, as_run=args.as_run)
    if args.out:
        from kws_training.inspect.model_picture import draw

        args.out.parent.mkdir(parents=True, exist_ok=True)
        draw(description, args.out)
        log.info(f"{args.out}: the picture")
    print(json.dumps(description.to_dict(), indent=1) if args.json else table(description))
    return 0
