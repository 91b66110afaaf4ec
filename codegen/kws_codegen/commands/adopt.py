"""``kws-codegen adopt``: makes a bundle of anybody's ``.tflite``."""

import argparse
from pathlib import Path

from kws_reference.cli.program import OK

from kws_codegen.adopt.from_arguments import add_adoption_options, adopted_bundle
from kws_codegen.model_file import read_model


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("adopt", help="make a bundle of another tool's .tflite")
    add_adoption_options(parser)
    parser.add_argument(
        "--frames-per-step",
        type=int,
        metavar="N",
        help="frames that a step brings; the model's other frames become a state (default: as many as the model takes)",
    )
    parser.add_argument(
        "--microwakeword", type=Path, metavar="FILE.json", help="wake word, cut-off and window of a microWakeWord model"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    data = read_model(args.model)
    bundle, _, proof = adopted_bundle(
        args, data, frames_per_step=args.frames_per_step, microwakeword=args.microwakeword
    )
    frames = "frame" if bundle.frames_per_step == 1 else "frames"
    print(
        f"{args.out}: labels: {len(bundle.labels)}, states: {len(bundle.states)}, a step of {bundle.frames_per_step} "
        f"{frames}; the scores of {proof.steps} steps equal the original's, {proof.different} different ones"
    )
    return OK
