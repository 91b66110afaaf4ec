"""``kws-train conformer``: what a streaming Conformer costs as float32 and as int8, 20 ms at a time."""

import argparse
import json
import logging
from pathlib import Path

from kws_training.commands.options.numbers import check_count, check_seed

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "conformer", help="latency and memory of a streaming Conformer encoder, float32 against int8 (random weights)"
    )
    parser.add_argument("--layers", type=int, default=17, help="conformer blocks (default %(default)s)")
    parser.add_argument("--size", type=int, default=512, help="channels of the encoder (default %(default)s)")
    parser.add_argument("--steps", type=int, default=200, help="20 ms steps of one measurement (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="measurements of each; the best counts (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of weights and audio")
    parser.add_argument("--models", type=Path, help="folder that keeps the converted models, to measure them again")
    parser.add_argument("--out", type=Path, help="JSON to write")
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints the result as JSON and a table on stderr. The full size needs 2 GB of disk and 14 GB of memory."""
    check_seed(args.seed)
    for name in ("layers", "size", "steps", "rounds"):
        check_count(getattr(args, name), f"--{name}")
    from kws_training.measure.conformer import ConformerJob, measure_conformer, table

    result = measure_conformer(ConformerJob(args.layers, args.size, args.steps, args.rounds, args.seed, args.models))
    text = json.dumps(result, indent=1)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + "\n")
    for line in table(result):
        log.info(line)
    print(text)
    return 0
