"""The released models, and three seeds of one shorter recipe: the tables of their evaluations.

Bundles, records and evaluations (``kws-train evaluate``) of the seeds lie in
``training/zoo/experiments/release/s<seed>/<int8 or int4>``.
"""

import statistics
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError

from kws_training.tables.records import EXPERIMENTS, INT4, RELEASED, read_record

RUNS = EXPERIMENTS / "release"
RELEASED_BUNDLES = {"int8": RELEASED, "int4": INT4}
SEEDS = {str(seed): {kind: RUNS / f"s{seed}" / kind for kind in ("int8", "int4")} for seed in (1, 2, 3)}
SETS = ("validation", "canonical-12", "canonical-11")
# Columns: bundle, kind of its evaluation.
COLUMNS = (("int8", "float_batch"), ("int8", "int8_streaming"), ("int4", "int8_streaming"))
TITLES = ("Float", "int8", "int4")


def render() -> str:
    """Markdown: accuracy in per cent of the released models and of each seed; of seeds mean and standard deviation.

    Raises:
      KwsError: an evaluation is missing or damaged.
    """
    names = [f"{title}: {SETS[0]} | {' | '.join(SETS[1:])}" for title in TITLES]
    lines = [f"| Seed | {' | '.join(names)} |", "|---|" + "--:|" * (len(COLUMNS) * len(SETS))]
    lines.append(_row("released", _accuracies(RELEASED_BUNDLES)))
    seeds = [_accuracies(bundles) for bundles in SEEDS.values()]
    lines += [_row(f"seed {seed}", row) for seed, row in zip(SEEDS, seeds, strict=True)]
    spread = [f"{statistics.mean(column):.2f} ± {statistics.stdev(column):.2f}" for column in zip(*seeds, strict=True)]
    return "\n".join([*lines, f"| {' | '.join(['mean ± standard deviation', *spread])} |"])


def _accuracies(bundles: dict[str, Path]) -> list[float]:
    """A row's, in per cent."""
    return [100 * _accuracy(bundles[bundle], name, kind) for bundle, kind in COLUMNS for name in SETS]


def _row(title: str, values: list[float]) -> str:
    return f"| {' | '.join([title, *(f'{value:.2f}' for value in values)])} |"


def words(name: str = "canonical-12") -> str:
    """Markdown: which labels cost what, int8 streaming, of the released model.

    Raises:
      KwsError: an evaluation is missing or damaged.
    """
    confusion = _of(RELEASED, name, "int8_streaming")["confusion"]
    labels = read_record(RELEASED / f"evaluation_{name}.json")["labels"]
    wrong = sum(sum(row) - row[index] for index, row in enumerate(confusion))
    lines = ["| Label | Clips | Heard right | Share of all errors | Taken for |", "|---|--:|--:|--:|---|"]
    for index, (label, taken) in enumerate(zip(labels, confusion, strict=True)):
        lost = sum(taken) - taken[index]
        most = sorted((other for other in range(len(labels)) if other != index), key=lambda at: -taken[at])[:3]
        cells = [
            f"`{label}`" if label.startswith("_") else label,
            str(sum(taken)),
            f"{100 * taken[index] / sum(taken):.1f} %",
            f"{100 * lost / wrong:.0f} %",
            ", ".join(f"{labels[other]} {100 * taken[other] / lost:.0f} %" for other in most if taken[other]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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
