"""The released recipe with three seeds: the table of their evaluations.

Seed 1 is the released models; bundles, records and evaluations (`kws-train evaluate`) of the other seeds lie in
``training/zoo/experiments/release/s<seed>/<int8 or int4>``.
"""

import statistics
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.tables.records import EXPERIMENTS, ZOO, read_record

RUNS = EXPERIMENTS / "release"
SEEDS = {
    "1 (released)": {"int8": ZOO / "matchbox_kit12", "int4": ZOO / "matchbox_kit12_int4"},
    "2": {"int8": RUNS / "s2/int8", "int4": RUNS / "s2/int4"},
    "3": {"int8": RUNS / "s3/int8", "int4": RUNS / "s3/int4"},
}
SETS = ("validation", "kit-12")
# Columns: bundle, kind of its evaluation.
COLUMNS = (("int8", "float_batch"), ("int8", "int8_streaming"), ("int4", "int8_streaming"))


def render() -> str:
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
        return float(read_record(path)[kind]["accuracy"])
    except (KeyError, TypeError) as error:
        raise KwsError(f"{path} holds no accuracy of {kind}: {error!r}") from None
