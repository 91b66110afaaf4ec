"""Options that the subcommands share."""

import argparse
from pathlib import Path

from kws_codegen.dump import Dump
from kws_codegen.options import Kernels, Options
from kws_codegen.passes.pipeline import OPTIONAL


def add_model_options(parser: argparse.ArgumentParser, *, any_model: bool = False) -> None:
    """Adds the bundle and what shapes the program. Args: any_model: whether another tool's file may be given, too."""
    bundle = "folder with model.tflite and model.json"
    if any_model:
        parser.add_argument("bundle", type=Path, metavar="BUNDLE|MODEL.tflite", help=f"{bundle}, or any tool's model")
    else:
        parser.add_argument("bundle", type=Path, metavar="BUNDLE", help=bundle)
    parser.add_argument(
        "--kernels",
        choices=[choice.value for choice in Kernels],
        default="auto",
        help="auto: own kernels where they fit, CMSIS-NN elsewhere; cmsis: CMSIS-NN where it has one (default: auto)",
    )
    parser.add_argument(
        "--window-steps",
        type=int,
        default=4,
        metavar="N",
        help="steps between two moves of a sliding window, 1..64: more is faster and takes more RAM (default: 4)",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=OPTIONAL,
        metavar="PASS",
        help=f"leave a pass out; the integers stay the same; repeatable: {', '.join(OPTIONAL)}",
    )
    parser.add_argument(
        "--dump-ir",
        type=Path,
        metavar="DIR",
        help="write the module as it was read and as each pass leaves it, a text file each, and what each one changed",
    )


def options_of(args: argparse.Namespace) -> Options:
    """What shapes the program.

    Raises:
      KwsError: a value is out of range.
    """
    return Options.parse(args.kernels, args.window_steps, args.without)


def dump_of(args: argparse.Namespace) -> Dump | None:
    """Writes a module after each pass, if that was asked for."""
    return None if args.dump_ir is None else Dump(args.dump_ir)
