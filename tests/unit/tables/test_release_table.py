"""The table of seeds states what was measured, of the committed models, which were all trained alike."""

import json

from kws_reference.bundle import Bundle
from kws_training.tables import seeds


def test_evaluations_are_of_the_committed_models():
    for bundles in seeds.SEEDS.values():
        for folder in bundles.values():
            for name in seeds.SETS:
                result = json.loads((folder / f"evaluation_{name}.json").read_text())
                assert result["model_sha256"] == Bundle.load(folder).model_sha256, folder


def test_seeds_were_trained_alike_but_for_the_seed():
    for kind in ("int8", "int4"):
        recipes, used = [], []
        for bundles in seeds.SEEDS.values():
            settings = json.loads((bundles[kind] / "settings.json").read_text())
            # Seed 1 said what is now the default, and was trained before there were stages.
            recipe = {"stage_steps": [], "stage_rates": [], **settings["recipe"]}
            recipe |= {"augment_seed": 0, "distinct_epochs": 0}
            recipes.append((recipe, settings["model"], settings["precision"], settings["teacher"]))
            used.append(settings["seed"])
        assert recipes[0] == recipes[1] == recipes[2]
        assert used == [1, 2, 3]
