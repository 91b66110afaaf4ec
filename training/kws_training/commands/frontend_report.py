"""``kws-train frontend-report``: error of the integer front end against the float definition, on recordings."""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import find_recordings, left_out_lines
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.kinds import require_mel_bands

from kws_training.commands.options.numbers import check_count

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("frontend-report", help="error of the integer features in int8 steps; table sizes")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("audio", type=Path, help="folder of WAV files, searched through")
    parser.add_argument(
        "--limit", type=int, default=1000, help="number of clips, drawn by seed 0 (default %(default)s)"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints the report as JSON."""
    check_count(args.limit, "--limit")
    from kws_reference.frontend.report import report

    bundle = Bundle.load(args.bundle)
    frontend = require_mel_bands(bundle.frontend, "kws-train frontend-report")
    listing = find_recordings(args.audio)
    for line in left_out_lines(args.audio, listing.left_out):
        log.info(line)
    files = [item.path for item in listing.recordings]
    if not files:
        raise KwsError(f"no WAV files below {args.audio}. Give a folder of recordings.")
    rows = np.sort(np.random.default_rng(0).permutation(len(files))[: args.limit])
    clips = (read_wav(files[row], frontend.sample_rate_hz) for row in rows)
    print(json.dumps({"clips": len(rows), **report(clips, frontend)}, indent=1))
    return 0
