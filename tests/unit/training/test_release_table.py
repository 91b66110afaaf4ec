"""The table of seeds states what was measured, of the committed models, which were all trained alike."""

import json

import pytest
from kws_reference.bundle import Bundle

from tests.support import scripts


@pytest.fixture(scope="module")
def tool():
    return scripts.load("training/tools/release_table.py")


def test_readmes_state_the_committed_evaluations(tool):
    assert tool.main(["--check"]) == 0, "release_table.py --write"


def test_evaluations_are_of_the_committed_models(tool):
    for bundles in tool.SEEDS.values():
        for folder in bundles.values():
            for name in tool.SETS:
                result = json.loads((folder / f"evaluation_{name}.json").read_text())
                assert result["model_sha256"] == Bundle.load(folder).model_sha256, folder


def test_seeds_were_trained_alike_but_for_the_seed(tool):
    for kind in ("int8", "int4"):
        recipes, seeds = [], []
        for bundles in tool.SEEDS.values():
            settings = json.loads((bundles[kind] / "settings.json").read_text())
            # Seed 1 said what is now the default, and was trained before there were stages.
            recipe = {"stage_steps": [], "stage_rates": [], **settings["recipe"]}
            recipe |= {"augment_seed": 0, "distinct_epochs": 0}
            recipes.append((recipe, settings["model"], settings["precision"], settings["teacher"]))
            seeds.append(settings["seed"])
        assert recipes[0] == recipes[1] == recipes[2]
        assert seeds == [1, 2, 3]
