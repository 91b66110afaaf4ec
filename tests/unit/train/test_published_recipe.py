"""--recipe published is the published recipe, and trains."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training import cli  # noqa: E402
from kws_training.models import architecture  # noqa: E402
from kws_training.train import published  # noqa: E402
from kws_training.train.optimizer import compile_model  # noqa: E402

from tests.support.tones import write_tones  # noqa: E402

# SpecAugment 2x25 frames and 2x7 features; time shift +-100 ms; resample +-15 %; background noise p 0.8, volume
# U(0, 0.1); silence and unknown words 10 % each; no gain.
AUGMENT = {
    **{"time_masks": 2, "time_frames": 25, "feature_masks": 2, "feature_count": 7, "shift_samples": 1600},
    **{"resample": 0.15, "noise_probability": 0.8, "noise_volume": 0.1, "silence_percent": 10, "unknown_percent": 10},
    **{"gain_low_db": 0, "gain_high_db": 0, "unknown_balance": 0, "keyword_balance": 0},
}


def test_published_recipe_has_the_published_values():
    recipe = published.recipe()
    assert recipe.batch == 100
    assert recipe.stage_steps == (40_000, 40_000, 20_000, 20_000)
    assert recipe.stage_rates == (1e-3, 5e-4, 2e-4, 1e-4)
    for name in ("weight_decay", "label_smoothing", "mixup", "weight_averaging", "distinct_epochs"):
        assert getattr(recipe, name) == 0, name
    assert {name: getattr(recipe.augment, name) for name in AUGMENT} == AUGMENT


def test_published_recipe_rate_changes_exactly_after_each_stage():
    kind = architecture("matchbox")
    model = kind.build(kind.config(labels=3))
    compile_model(model, published.recipe(), steps_per_epoch=370)
    rate = model.optimizer._learning_rate
    at = {0: 1e-3, 39_999: 1e-3, 40_000: 5e-4, 79_999: 5e-4, 80_000: 2e-4, 99_999: 2e-4, 100_000: 1e-4, 119_999: 1e-4}
    found = {step: float(rate(step)) for step in at}
    assert found == pytest.approx(at)
    assert not model.optimizer.weight_decay


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("tones"), speakers=40)


def test_published_recipe_with_few_steps_trains_exactly_these(recordings, tmp_path, monkeypatch, capsys):
    short = dataclasses.replace(published.recipe(), stage_steps=(2, 1, 1, 1), batch=16)
    monkeypatch.setattr(published, "recipe", lambda: short)
    fit = ["fit", "--data", str(recordings), "--labels", "yes,no", "--recipe", "published", "--out", str(tmp_path)]
    assert cli.main(fit) == 0
    history = json.loads((tmp_path / "history.json").read_text())
    with np.load(tmp_path / "last.npz") as arrays:
        assert int(arrays["optimizer_0"]) == 5  # the optimizer's count of steps
    assert len(history) == 1 and np.isfinite(history[0]["loss"])
    capsys.readouterr()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--batch", "64"], "Leave out --batch"),
        (["--shift-samples", "0"], "Leave out --shift-samples"),
        (["--teacher", "run"], "Leave out --teacher"),
        (["--from", "run"], "Leave out --start-from"),
        (["--from", "run", "--precision", "int8_native"], "Leave out --start-from"),
        (["--precision", "int8_native"], "Leave out --precision"),
        (["--voices"], "Leave out --voices"),
        (["--model", "matchbox_teacher"], "is for matchbox and matchbox_noncausal"),
        (["--model", "transformer"], "is for matchbox and matchbox_noncausal"),
    ],
)
def test_published_recipe_with_anything_of_its_own_is_refused(recordings, tmp_path, capsys, arguments, message):
    fit = ["fit", "--data", str(recordings), "--recipe", "published", "--out", str(tmp_path / "run"), *arguments]
    assert cli.main(fit) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and message in error
