"""Tables of accuracy on clips, from the evaluations that lie beside the models."""

import statistics
from pathlib import Path

from kws_reference.errors import KwsError

from tests.tools.figures.records import EXPERIMENTS, INT4, KINDS, RELEASED, accuracy, percent, record, table

SET_TITLES = {
    "validation": "validation (official split)",
    "canonical-12": "canonical-12 test",
    "canonical-11": "canonical-11 test (without `off`)",
}


def released() -> str:
    """The two released models on validation and test clips."""
    rows = []
    for name, title in SET_TITLES.items():
        values = [accuracy(RELEASED, name, kind) for kind in KINDS] + [accuracy(INT4, name, "int8_streaming")]
        rows.append([title, f"{record(RELEASED / f'evaluation_{name}.json')['clips']:,}", *map(percent, values)])
    return table(
        "Set | Clips | Float batch | Float streaming | int8 streaming | int4 weights, streaming", "lrrrrr", *rows
    )


def card(bundle: Path, title: str) -> str:
    """One released model on validation and test clips."""
    rows = []
    for name in SET_TITLES:
        result = record(bundle / f"evaluation_{name}.json")
        shown = "validation" if name == "validation" else f"{name} test"
        rows.append([shown, f"{result['clips']:,}", *(percent(result[kind]["accuracy"]) for kind in KINDS)])
    return table(f"Set | Clips | Float batch | Float streaming | {title}, streaming", "lrrrr", *rows)


def compared_runs(name: str, suffix: str) -> str:
    """The trainings of one task side by side, as `kws-train evaluate` recorded them."""
    order = ("mhatt_rnn", "matchbox_noncausal", "matchbox", "transformer", "mixednet")
    runs = [EXPERIMENTS / f"{model}_{suffix}" for model in order]
    if set(runs) != {path.parent for path in EXPERIMENTS.glob(f"*_{suffix}/settings.json")}:
        raise KwsError(f"{EXPERIMENTS} holds other runs of {name} than {', '.join(run.name for run in runs)}.")
    rows = []
    for run in runs:
        history = record(run / "history.json")
        best = max(history, key=lambda entry: entry["val_accuracy"])
        validation, test = (record(run / f"evaluation_{which}.json") for which in ("validation", name))
        cells = [percent(test[kind]["accuracy"]) if kind in test else "-" for kind in KINDS]
        validated = percent(validation["float_batch"]["accuracy"])
        rows.append([run.name, f"{best['epoch']} of {len(history)}", validated, *cells])
    return table(f"Run | Epoch | Validation | {name}: float | float, streaming | int8, streaming", "lrrrrr", *rows)


def custom_words() -> str:
    """What starting from the released weights brings to words of one's own: three seeds each."""
    rows = []
    titles = {
        "started": "`--start-from` the first release",
        "random": "from random weights",
    }
    for runs, title in titles.items():
        results = [
            record(path) for path in sorted((EXPERIMENTS / "custom_words").glob(f"{runs}_s*/evaluation_unheard.json"))
        ]
        if len(results) != 3:
            raise KwsError(f"{EXPERIMENTS / 'custom_words'} holds {len(results)} runs called {runs}, not 3.")
        confusions = [result["float_batch"]["confusion"] for result in results]  # [truth][heard]; 0 silence, 1 unknown
        right = [100 * result["float_batch"]["accuracy"] for result in results]
        found = [str(sum(counts[label][label] for label in (2, 3))) for counts in confusions]
        taken = [str(sum(counts[1][2:])) for counts in confusions]
        rows.append(
            [
                title,
                f"{statistics.mean(right):.1f} ± {statistics.stdev(right):.1f} %",
                f"{', '.join(found)} of {sum(map(sum, confusions[0][2:]))}",
                f"{', '.join(taken)} of {sum(confusions[0][1])}",
            ]
        )
    return table(" | All right | Labels right | Unknown words taken for a label", "llll", *rows)
