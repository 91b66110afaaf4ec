"""The released recipe with three seeds: the tables of their evaluations.

One seed is the released models; bundles, records and evaluations (``kws-train evaluate``) of the others lie in
``training/zoo/experiments/release/s<seed>/<int8 or int4>``.
"""

import statistics
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from kws_training.tables.records import EXPERIMENTS, INT4, RELEASED, read_record

RUNS = EXPERIMENTS / "release"
SEEDS = {
    "1 (released)": {"int8": RELEASED, "int4": INT4},
}
SETS = ("validation", "canonical-12", "canonical-11")
# Columns: bundle, kind of its evaluation.
COLUMNS = (("int8", "float_batch"), ("int8", "int8_streaming"), ("int4", "int8_streaming"))
TITLES = ("Float", "int8", "int4")


def render() -> str:
    """Markdown: accuracy in per cent, a row for each seed; of several their mean and standard deviation.

    Raises:
      KwsError: an evaluation is missing or damaged.
    """
    names = [f"{title}: {SETS[0]} | {' | '.join(SETS[1:])}" for title in TITLES]
    lines = [f"| Seed | {' | '.join(names)} |", "|---|" + "--:|" * (len(COLUMNS) * len(SETS))]
    columns: list[list[float]] = [[] for _ in range(len(COLUMNS) * len(SETS))]
    for seed, bundles in SEEDS.items():
        row = [100 * _accuracy(bundles[bundle], name, kind) for bundle, kind in COLUMNS for name in SETS]
        lines.append(f"| {' | '.join([seed, *(f'{value:.2f}' for value in row)])} |")
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    if len(SEEDS) > 1:
        spread = [f"{statistics.mean(column):.2f} ± {statistics.stdev(column):.2f}" for column in columns]
        lines.append(f"| {' | '.join(['mean ± standard deviation', *spread])} |")
    return "\n".join(lines)


def words(name: str = "canonical-12") -> str:
    """Markdown: which labels cost what, int8 streaming, over the seeds.

    Raises:
      KwsError: an evaluation is missing or damaged.
    """
    confusions = [_of(bundles["int8"], name, "int8_streaming")["confusion"] for bundles in SEEDS.values()]
    labels = read_record(RELEASED / f"evaluation_{name}.json")["labels"]
    wrong = sum(sum(row) - row[index] for confusion in confusions for index, row in enumerate(confusion))
    lines = ["| Label | Clips | Heard right | Share of all errors | Taken for |", "|---|--:|--:|--:|---|"]
    for index, label in enumerate(labels):
        rows = [confusion[index] for confusion in confusions]
        right = [100 * row[index] / sum(row) for row in rows]
        taken = [sum(column) for column in zip(*rows, strict=True)]
        lost = sum(taken) - taken[index]
        most = sorted((other for other in range(len(labels)) if other != index), key=lambda at: -taken[at])[:3]
        cells = [
            f"`{label}`" if label.startswith("_") else label,
            str(sum(rows[0])),
            f"{_mean_text(right)} %",
            f"{100 * lost / wrong:.0f} %",
            ", ".join(f"{labels[other]} {100 * taken[other] / lost:.0f} %" for other in most if taken[other]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean_text(values: list[float]) -> str:
    """Mean, and the standard deviation of more than one."""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


def _accuracy(bundle: Path, name: str, kind: str) -> float:
    """Share of a set's clips that are right, of the evaluation that lies in a bundle.

    Raises:
      KwsError: the evaluation is missing or damaged.
    """
    return float(_of(bundle, name, kind)["accuracy"])


def _of(bundle: Path, name: str, kind: str) -> dict[str, Any]:
    path = bundle / f"evaluation_{name}.json"
    try:
        found = read_record(path)[kind]
        return {key: found[key] for key in ("accuracy", "confusion")}
    except (KeyError, TypeError) as error:
        raise KwsError(f"{path} holds no accuracy of {kind}: {error!r}") from None
