"""``kws-train widen``: a model twice as wide begins where the narrow one ended, and its twins can part."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training import cli  # noqa: E402
from kws_training.train import widen  # noqa: E402
from kws_training.train.trained_run import load_run  # noqa: E402

from tests.support.paths import ROOT  # noqa: E402

RELEASED = ROOT / "training" / "zoo" / "matchbox"


def logits_of(run):
    features = np.random.default_rng(1).normal(size=(8, 98, 40)).astype(np.float32)
    return load_run(run)[1].predict(features, verbose=0)


def test_widened_run_computes_what_the_narrow_one_does(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(widen, "TAPS_NOISE", 0.0)
    monkeypatch.setattr(widen, "CHANNELS_NOISE", 0.0)
    assert cli.main(["widen", str(RELEASED / "float"), "--out", str(tmp_path / "wide")]) == 0
    assert "260,676 parameters" in capsys.readouterr().out
    # Twice as many products of float32, added in another order.
    assert np.allclose(logits_of(tmp_path / "wide"), logits_of(RELEASED / "float"), atol=1e-4)


def test_twins_differ_by_the_seed_and_change_little(tmp_path):
    for seed in (1, 2):
        assert (
            cli.main(["widen", str(RELEASED / "float"), "--out", str(tmp_path / str(seed)), "--seed", str(seed)]) == 0
        )
    _, model = load_run(tmp_path / "1")
    _, other = load_run(tmp_path / "2")
    (taps,) = model.get_layer("block2").get_weights()
    assert not np.array_equal(taps[:, :128], taps[:, 128:])
    assert not np.array_equal(taps, other.get_layer("block2").get_weights()[0])
    narrow = logits_of(RELEASED / "float")
    # A twentieth of the spread of its weights stays far below what tells labels apart.
    assert np.std(logits_of(tmp_path / "1") - narrow) < 0.1 * np.std(narrow)


def test_widened_run_says_what_it_was_made_of_and_trains_on(tmp_path, capsys):
    from kws_training.train.weights import digest

    wide = tmp_path / "wide"
    assert cli.main(["widen", str(RELEASED / "float"), "--out", str(wide)]) == 0
    settings = json.loads((wide / "settings.json").read_text())
    _, narrow = load_run(RELEASED / "float")
    assert settings["architecture"] == "matchbox_wide" and settings["model"]["width"] == 2
    assert settings["widened"] == {"weights_sha256": digest(narrow.get_weights()), "seed": 1}
    assert cli.main(["widen", str(RELEASED / "float"), "--out", str(wide)]) == 2
    assert "holds a run already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (RELEASED, "it has no float model"),
        (ROOT / "training" / "zoo" / "matchbox_int4", "it has no float model"),
        (ROOT / "training", "holds no finished epoch"),
    ],
)
def test_what_cannot_be_widened_is_refused_in_a_line(run, words, tmp_path, capsys):
    assert cli.main(["widen", str(run), "--out", str(tmp_path / "wide")]) == 2
    captured = capsys.readouterr()
    assert words in captured.err and not captured.out
    assert not (tmp_path / "wide").exists()


def test_a_wide_run_is_not_widened_again(tmp_path, capsys):
    assert cli.main(["widen", str(RELEASED / "float"), "--out", str(tmp_path / "wide")]) == 0
    assert cli.main(["widen", str(tmp_path / "wide"), "--out", str(tmp_path / "wider")]) == 2
    assert "holds a matchbox_wide" in capsys.readouterr().err
