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


def test_pages_state_the_figures_of_the_conformer():
    result = json.loads((FOLDER / "conformer/conformer.json").read_text())
    step, peak = ({kind: result[kind][key] for kind in ("float32", "int8")} for key in ("step_ms", "peak_mb"))
    page = (FOLDER / "conformer/README.md").read_text()
    ratios = result["float32_over_int8"]
    assert f"| {step['float32']:.1f} ms | {step['int8']:.1f} ms | {ratios['step_ms']:.1f} |" in page
    assert f"| {peak['float32']:.0f} MB | {peak['int8']:.0f} MB | {ratios['peak_mb']:.1f} |" in page
    main = " ".join((ROOT / "README.md").read_text().split())
    assert f"{step['float32']:.1f} ms a step and {peak['float32']:.0f} MB in float32" in main
    assert f"{step['int8']:.1f} ms and {peak['int8']:.0f} MB in int8" in main
