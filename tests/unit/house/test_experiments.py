"""Records of the compared trainings agree with each other; pages are made from them (see test_figures)."""

import json

import numpy as np
import pytest

from tests.support.paths import ROOT

FOLDER = ROOT / "training/zoo/experiments"
RUNS = sorted(path.parent for path in FOLDER.glob("*/settings.json"))
KINDS = ("float_batch", "float_streaming", "int8_streaming")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_records_of_a_run_are_of_its_model_and_agree_with_their_confusions(run):
    history, settings = (json.loads((run / name).read_text()) for name in ("history.json", "settings.json"))
    assert len(history) == settings["recipe"]["epochs"]
    name = "kit-12" if run.name.endswith("_kit12") else "canonical-8"
    for which in ("validation", name):
        result = json.loads((run / f"evaluation_{which}.json").read_text())
        assert result["architecture"] == settings["architecture"] and result["labels"] == settings["labels"]
        assert "float_batch" in result
        for kind in set(KINDS) & set(result):
            confusion = np.array(result[kind]["confusion"])
            assert confusion.sum() == result["clips"]
            assert result[kind]["accuracy"] == np.trace(confusion) / result["clips"]


@pytest.mark.parametrize("task", ["kit12", "canonical8"])
def test_runs_of_a_task_differ_only_in_the_model_and_its_recipe(task):
    def data(run):
        settings = json.loads((run / "settings.json").read_text())
        recipe = settings.pop("recipe")
        return {**{key: settings[key] for key in settings if key not in ("model", "architecture")}, **recipe["augment"]}

    runs = [run for run in RUNS if run.name.endswith(f"_{task}")]
    assert all(data(run) == data(runs[0]) for run in runs)
