"""Matchbox at every precision: the table of a set, from what `kws_training.measure.precisions` wrote."""

import statistics
import textwrap
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from kws_training.tables.records import EXPERIMENTS, read_record

ZOO = EXPERIMENTS / "precision"
SETS = ("kit-12", "canonical-8")
FLOAT, DYNAMIC = "float", "dynamic"
RESULT = "evaluation.json"
# Rows: folder, key of the result, title.
ROWS = (
    (FLOAT, "float_batch", "float, whole clips"),
    (FLOAT, "float_streaming", "float, streaming"),
    (DYNAMIC, "streaming", "PTQ, dynamic range (int8 weights, float activations)"),
    ("ptq", "streaming", "PTQ, int8"),
    ("int8_fake", "streaming", "fake QAT, int8"),
    ("int8_native", "streaming", "native QAT, int8"),
    ("int6_fake", "streaming", "fake QAT, 6-bit weights"),
    ("int4_ptq", "streaming", "PTQ, int4 weights"),
    ("int4_fake", "streaming", "fake QAT, int4 weights"),
    ("int4_native", "streaming", "native QAT, int4 weights"),
)


def render(name: str, zoo: Path = ZOO) -> str:
    """Markdown of one set: a row for each precision, mean and standard deviation over the seeds.

    Raises:
      KwsError: a result is missing or damaged.
    """
    lines = [
        f"| {name} | Seeds | Validation | Test | Worst and best test | Against float | Model bytes |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    reference = results(zoo, name, FLOAT)
    if not reference:
        raise KwsError(f"{zoo / name} holds no results. Run python -m kws_training.measure.precisions AUDIO.")
    floats = {seed: result["test"]["float_batch"]["accuracy"] for seed, result in reference.items()}
    for folder, key, title in ROWS:
        of_seeds = results(zoo, name, folder)
        if not of_seeds:
            continue
        validation, test = (
            {seed: result[split][key]["accuracy"] for seed, result in of_seeds.items()}
            for split in ("validation", "test")
        )
        differences = [100 * (test[seed] - floats[seed]) for seed in test]
        sizes = {result["model_bytes"] for result in of_seeds.values()}
        cells = [
            title,
            str(len(of_seeds)),
            _spread(validation.values()),
            _spread(test.values()),
            f"{100 * min(test.values()):.2f} to {100 * max(test.values()):.2f}",
            "" if key == "float_batch" else _differences(differences),
            f"{min(sizes):,}" if len(sizes) == 1 else f"{min(sizes):,} to {max(sizes):,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    first = next(iter(reference.values()))
    text = (
        "Accuracy in per cent, mean ± standard deviation over the seeds, of "
        f"{first['validation_clips']:,} validation and {first['test_clips']:,} test clips. Against float: mean "
        "(least to greatest) difference in points, on test clips, from the same seed's float model on whole clips. "
        "Every row but the first streams 20 ms at a time; integer rows have TFLite Micro's integers, a part of them "
        "repeated by its interpreter."
    )
    return "\n".join([*lines, "", *textwrap.wrap(text, 128, break_on_hyphens=False)])


def _differences(values: list[float]) -> str:
    mean = f"{statistics.mean(values):+.2f}"
    return f"{mean} ({min(values):+.2f} to {max(values):+.2f})" if len(values) > 1 else mean


def _spread(values: Any) -> str:
    values = [100 * value for value in values]
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"


def results(zoo: Path, name: str, precision: str) -> dict[str, Any]:
    """Results by seed.

    Raises:
      KwsError: one is damaged.
    """
    paths = sorted((zoo / name).glob(f"s*/{precision}/{RESULT}"))
    return {path.parent.parent.name: read_record(path) for path in paths}
