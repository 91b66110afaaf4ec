"""``kws-codegen stream``: makes a model that recomputes its window compute what is new."""

import argparse

from kws_reference.cli.program import OK

from kws_codegen.adopt.adoption import Adopted, adopt
from kws_codegen.adopt.from_arguments import add_adoption_options, adopted_bundle
from kws_codegen.model_file import read_model
from kws_codegen.options import Options
from kws_codegen.survey import survey


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        "stream", help="make a bundle of a .tflite of whole windows that computes what is new"
    )
    add_adoption_options(parser)
    parser.add_argument(
        "--frames-per-step", type=int, default=1, metavar="N", help="frames that a step brings (default: 1)"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    data = read_model(args.model)
    bundle, streamed, proof = adopted_bundle(args, data, frames_per_step=args.frames_per_step, streaming=True)
    window = adopt(data, bundle.frontend.coefficients, args.frames_per_step)
    print(f"{'each step':<26}{'MAC':>12}{'states':>9}{'scratch':>9}  bytes")
    for what, adopted in (("the whole window", window), ("what is new", streamed)):
        print(_row(what, adopted))
    print(
        f"{args.out}: {len(bundle.states)} states; the scores of {proof.steps} steps equal the original's once "
        f"{streamed.original_frames} frames were heard, {proof.different} different ones"
    )
    return OK


def _row(what: str, adopted: Adopted) -> str:
    found = survey(adopted.model, Options())
    memory = found["memory"]
    sizes = (memory["state_ram_bytes"], memory["scratch_bytes"]) if memory else ("-", "-")
    return f"{what:<26}{found['macs_per_step']:>12,}{sizes[0]:>9}{sizes[1]:>9}"
