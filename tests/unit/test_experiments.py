"""The page of the compared trainings says what their records say."""

import json
import re

import numpy as np
import pytest

from tests.support.native import ROOT

FOLDER = ROOT / "training/zoo/experiments"
RUNS = sorted(path.parent for path in FOLDER.glob("*/settings.json"))
KINDS = ("float_batch", "float_streaming", "int8_streaming")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_page_states_the_figures_of_the_run(run):
    history, settings = (json.loads((run / name).read_text()) for name in ("history.json", "settings.json"))
    assert len(history) == settings["recipe"]["epochs"]
    best = max(history, key=lambda entry: entry["val_accuracy"])
    name = "kit-12" if run.name.endswith("_kit12") else "canonical-8"
    results = [json.loads((run / f"evaluation_{which}.json").read_text()) for which in ("validation", name)]
    cells = [f"{best['epoch']} of {len(history)}"]
    for result in results:
        assert result["architecture"] == settings["architecture"] and result["labels"] == settings["labels"]
        for kind in KINDS:
            if result["set"] == name or kind == "float_batch":
                cells.append(f"{100 * result[kind]['accuracy']:.2f} %" if kind in result else "-")
            if kind in result:
                confusion = np.array(result[kind]["confusion"])
                assert confusion.sum() == result["clips"]
                assert result[kind]["accuracy"] == np.trace(confusion) / result["clips"]
    row = re.search(rf"^\| {run.name} \|(.*)\|$", (FOLDER / "README.md").read_text(), re.MULTILINE)[1]
    assert [cell.strip() for cell in row.split("|")] == cells


def test_page_has_no_run_without_a_record():
    named = re.findall(r"^\| (\w+) \| \d", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == [run.name for run in RUNS]


@pytest.mark.parametrize("task", ["kit12", "canonical8"])
def test_runs_of_a_task_differ_only_in_the_model_and_its_recipe(task):
    def data(run):
        settings = json.loads((run / "settings.json").read_text())
        recipe = settings.pop("recipe")
        return {**{key: settings[key] for key in settings if key not in ("model", "architecture")}, **recipe["augment"]}

    runs = [run for run in RUNS if run.name.endswith(f"_{task}")]
    assert all(data(run) == data(runs[0]) for run in runs)
