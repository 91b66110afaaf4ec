"""``kws-train list-layers``: which of Keras's layers, and of the kit's, stream, quantize and train for integers."""

import argparse
import dataclasses
import json


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("list-layers", help="which layers stream and quantize, and why others do not")
    parser.add_argument("layers", nargs="*", metavar="LAYER", help="such as GRU (default: all, in about two minutes)")
    parser.add_argument("--streaming-only", action="store_true", help="do not quantize them: takes half a minute")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints a row for each layer as soon as it is known, or JSON of all."""
    from kws_training.inspect.layer_support import HEADLINE, layer_support, row

    found = layer_support(args.layers, ask_converter=not args.streaming_only)
    if args.json:
        print(json.dumps([dataclasses.asdict(support) for support in found], indent=1))
        return 0
    print(HEADLINE)
    for support in found:
        print(row(support), flush=True)
    return 0
