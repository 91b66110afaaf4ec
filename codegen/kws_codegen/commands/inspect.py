"""``kws-codegen inspect``: layers, states and memory of a bundle, or what another tool's model is made of."""

import argparse
import json

from kws_reference.bundle import Bundle
from kws_reference.cli.program import CHECK_FAILED, OK

from kws_codegen import report, survey
from kws_codegen.commands.options import add_model_options, dump_of, options_of
from kws_codegen.generator import build
from kws_codegen.model_file import read_model


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        "inspect",
        help="print layers, states and memory of a bundle, or of any .tflite",
        epilog="exit status: 0; 1 when no bundle can hold the .tflite, and the last line says why; 2 after an error",
    )
    add_model_options(parser, any_model=True)
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


def run(args: argparse.Namespace) -> int:
    if args.bundle.is_file():
        found = survey.survey(read_model(args.bundle), options_of(args))
        print(json.dumps(found, indent=1) if args.json else survey.text(found, args.bundle.name))
        return CHECK_FAILED if found["why_not"] else OK
    bundle = Bundle.load(args.bundle)
    facts = report.facts(bundle, *build(bundle, options_of(args), dump_of(args)))
    print(json.dumps(facts, indent=1) if args.json else report.text(facts))
    return OK
