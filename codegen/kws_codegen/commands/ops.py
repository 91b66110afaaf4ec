"""``kws-codegen ops``: which operators each engine runs."""

import argparse
import json

from kws_reference.cli.program import OK

from kws_codegen.lower.operators import HINTS, OPERATORS
from kws_codegen.render.tflm_model import REGISTRATIONS


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("ops", help="list the operators that each engine runs")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


def run(args: argparse.Namespace) -> int:
    kinds = sorted(OPERATORS.keys() | REGISTRATIONS.keys() | HINTS.keys())
    rows = [{"operator": kind, "aot": kind in OPERATORS, "tflm": kind in REGISTRATIONS} for kind in kinds]
    rows = [{**row, "hint": HINTS.get(str(row["operator"]), "")} for row in rows]
    if args.json:
        print(json.dumps(rows, indent=1))
        return OK
    print(f"{'operator':<32}{'aot':<6}{'tflm':<6}")
    for row in rows:
        marks = "".join(f"{'yes' if row[engine] else 'no':<6}" for engine in ("aot", "tflm"))
        print(f"{row['operator']:<32}{marks}{row['hint']}".rstrip())
    print("\nint8, batch 1. `kws-codegen inspect MODEL.tflite` says what a model's own shapes and scales allow.")
    return OK
