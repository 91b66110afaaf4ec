"""The tables of seeds state what was measured, of the committed models, which were all trained alike."""

import json

from kws_reference.bundle import Bundle
from kws_training.tables import seeds


def test_evaluations_are_of_the_committed_models():
    for bundles in (seeds.RELEASED_BUNDLES, *seeds.SEEDS.values()):
        for folder in bundles.values():
            for name in seeds.SETS:
                result = json.loads((folder / f"evaluation_{name}.json").read_text())
                assert result["model_sha256"] == Bundle.load(folder).model_sha256, folder


def settings_of(kind):
    return [json.loads((bundles[kind] / "settings.json").read_text()) for bundles in seeds.SEEDS.values()]


def test_seeds_were_trained_alike_but_for_the_seed_and_the_speakers():
    for kind in ("int8", "int4"):
        recipes = []
        for settings in settings_of(kind):
            scenes = {key: value for key, value in settings["scenes"].items() if not key.startswith("speech_")}
            recipes.append((settings["recipe"], settings["model"], settings["precision"], scenes))
        assert all(recipe == recipes[0] for recipe in recipes)
        used = [settings["seed"] for settings in settings_of(kind)]
        assert sorted(used) == list(range(1, len(used) + 1))


def test_no_speaker_of_the_speech_trains_and_validates_and_each_is_unknown_to_at_most_one_seed():
    for kind in ("int8", "int4"):
        spoken = [settings["scenes"]["speech_speakers"] for settings in settings_of(kind)]
        everybody = {speaker for part in spoken for speaker in (*part["training"], *part["validation"])}
        kept_out = [speaker for part in spoken for speaker in part["validation"]]
        assert len(kept_out) == len(set(kept_out)) > 0
        assert all(set(part["training"]) == everybody - set(part["validation"]) for part in spoken)


def test_bundles_name_the_speakers_of_their_training():
    for bundles in (seeds.RELEASED_BUNDLES, *seeds.SEEDS.values()):
        for folder in bundles.values():
            settings = json.loads((folder / "settings.json").read_text())
            known = Bundle.load(folder).manifest["provenance"]["speech_speakers"]
            assert sorted(known) == sorted(settings["scenes"]["speech_speakers"]["training"])


def test_words_that_cost_most_are_told_of_the_released_model():
    rows = [[cell.strip() for cell in line.split("|")] for line in seeds.words().splitlines()[2:]]
    assert [row[1].strip("`") for row in rows] == json.loads(
        (seeds.RELEASED / "evaluation_canonical-12.json").read_text()
    )["labels"]
    assert sum(int(row[2]) for row in rows) == 4890
    assert 98 <= sum(int(row[4].removesuffix(" %")) for row in rows) <= 102
