"""``kws-train widen``: a trained Matchbox, twice as wide, to be trained on."""

import argparse
from pathlib import Path

from kws_training.commands.options.numbers import check_seed
from kws_training.folder_lock import only_writer


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "widen", help="make a run of matchbox_wide out of one of matchbox, for fit --start-from"
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="run folder of a float matchbox")
    parser.add_argument("--out", type=Path, required=True, help="new run folder")
    parser.add_argument("--seed", type=int, default=1, help="of what a channel's two copies differ by (default 1)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Widens; prints the number of parameters."""
    check_seed(args.seed)
    from kws_training.train.widen import widen_run

    with only_writer(args.out):
        parameters = widen_run(args.run_folder, args.out, args.seed)
    print(f"{parameters:,} parameters: {args.out}. Train it with kws-train fit --start-from {args.out}")
    return 0
