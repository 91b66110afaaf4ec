"""Options that the subcommands share."""

import argparse
from pathlib import Path

from kws_codegen.options import Kernels


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Adds the bundle and what shapes the program."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder with model.tflite and model.json")
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
