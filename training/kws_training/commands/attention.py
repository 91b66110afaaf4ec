"""``kws-train attention``: what a trained transformer looks at in a recording, as pictures."""

import argparse
import json
import logging
import math
from pathlib import Path

from kws_reference.errors import KwsError

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("attention", help="draw keys, queries, softmax and values of a trained transformer")
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="a run of --model transformer")
    parser.add_argument("--wav", type=Path, required=True, help="any WAV file")
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNG files")
    parser.add_argument("--start", type=float, default=0.0, help="second of the file to begin with (default 0)")
    parser.add_argument("--seconds", type=float, default=3.0, help="longest stretch to draw (default %(default)g)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Writes the pictures; prints their names and what the model heard as JSON."""
    if not (0 <= args.start < math.inf and 0 < args.seconds < math.inf):
        raise KwsError(f"--start must be 0 or more, --seconds above 0. Received: {args.start}, {args.seconds}.")
    from kws_training.inspect.attention import hear
    from kws_training.inspect.attention_picture import draw

    heard = hear(args.run_folder, args.wav, args.start, args.seconds)
    title = f"{args.wav.name}: heard “{heard.label}” in the last second, {100 * heard.probability:.0f} %"
    files = draw(heard.attention, title, args.out)
    log.info(f"{files[0]}: all in one picture")
    print(json.dumps({"heard": heard.label, "probability": heard.probability, "files": [str(path) for path in files]}))
    return 0
