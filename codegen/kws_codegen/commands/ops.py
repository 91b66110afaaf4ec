"""``kws-codegen ops``: which operators each engine runs."""

import argparse
import json

from kws_reference.cli.program import OK

from kws_codegen.lower.int16.operators import KINDS as INT16
from kws_codegen.lower.operators import HINTS, OPERATORS
from kws_codegen.render.tflm_model import REGISTRATIONS


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("ops", help="list the operators that each engine runs")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


def run(args: argparse.Namespace) -> int:
    kinds = sorted(OPERATORS.keys() | REGISTRATIONS.keys() | HINTS.keys())
    rows = [
        {"operator": kind, "aot": kind in OPERATORS, "int16": kind in INT16, "tflm": kind in REGISTRATIONS}
        for kind in kinds
    ]
    rows = [{**row, "hint": HINTS.get(str(row["operator"]), "")} for row in rows]
    if args.json:
        print(json.dumps(rows, indent=1))
        return OK
    print(f"{'operator':<32}{'aot':<6}{'int16':<7}{'tflm':<6}")
    for row in rows:
        marks = "".join(f"{'yes' if row[key] else 'no':<{w}}" for key, w in (("aot", 6), ("int16", 7), ("tflm", 6)))
        print(f"{row['operator']:<32}{marks}{row['hint']}".rstrip())
    print(
        "\nBatch 1; int16: whether aot runs it on int16 activations too, beside int8 ones (tflm runs what TFLite Micro"
    )
    print("does). `kws-codegen inspect MODEL.tflite` says what a model's own shapes and scales allow.")
    return OK
