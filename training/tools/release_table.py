#!/usr/bin/env python3
"""The released recipe with three seeds: the table of their evaluations.

    python training/tools/release_table.py            print the table
    python training/tools/release_table.py --write    put it into the READMEs, between their marker lines
    python training/tools/release_table.py --check    exit 1 when a README says something else

Seed 1 is the released models; bundles, records and evaluations (`kws-train evaluate`) of the other seeds lie in
``training/zoo/experiments/release/s<seed>/<int8 or int4>``.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "training"), str(ROOT / "training" / "tools")]

import readme_table  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402

ZOO = ROOT / "training" / "zoo"
RUNS = ZOO / "experiments" / "release"
SEEDS = {
    "1 (released)": {"int8": ZOO / "matchbox_kit12", "int4": ZOO / "matchbox_kit12_int4"},
    "2": {"int8": RUNS / "s2/int8", "int4": RUNS / "s2/int4"},
    "3": {"int8": RUNS / "s3/int8", "int4": RUNS / "s3/int4"},
}
SETS = ("validation", "kit-12")
# Columns: bundle, kind of its evaluation.
COLUMNS = (("int8", "float_batch"), ("int8", "int8_streaming"), ("int4", "int8_streaming"))
NAME = "seeds"
READMES = (ROOT / "README.md", RUNS / "README.md")


def table() -> str:
    """Markdown: a row for each seed, and their mean and standard deviation.

    Raises:
      KwsError: an evaluation is missing or damaged.
    """
    lines = [
        "| Seed | Float: validation | Test | int8, streaming: validation | Test | int4, streaming: validation | Test |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    columns: list[list[float]] = [[] for _ in range(len(COLUMNS) * len(SETS))]
    for seed, bundles in SEEDS.items():
        row = [_accuracy(bundles[bundle], name, kind) for bundle, kind in COLUMNS for name in SETS]
        lines.append(f"| {' | '.join([seed, *(f'{100 * value:.2f}' for value in row)])} |")
        for column, value in zip(columns, row, strict=True):
            column.append(100 * value)
    spread = [f"{statistics.mean(column):.2f} ± {statistics.stdev(column):.2f}" for column in columns]
    return "\n".join([*lines, f"| {' | '.join(['mean ± standard deviation', *spread])} |"])


def _accuracy(bundle: Path, name: str, kind: str) -> float:
    path = bundle / f"evaluation_{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))[kind]["accuracy"]
    except (OSError, ValueError, KeyError) as error:
        raise KwsError(f"cannot read {path}: {error}") from None


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when a README differs, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    readme_table.add_options(parser)
    return readme_table.run(parser.parse_args(argv), [NAME], lambda _: table(), READMES)


if __name__ == "__main__":
    sys.exit(main())
