"""kws-train benchmark --training measures three rates."""

import json

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training import cli  # noqa: E402
from kws_training.measure import training_speed  # noqa: E402


def test_benchmark_training_prints_and_writes_three_rates(tmp_path, capsys, monkeypatch):
    measure = training_speed.measure
    monkeypatch.setattr(training_speed, "measure", lambda name: measure(name, clips=40, epochs=3, batch=20))
    assert cli.main(["benchmark", "--training", "matchbox", "--json", str(tmp_path / "speed.json")]) == 0
    (found,) = json.loads((tmp_path / "speed.json").read_text())
    assert found["model"] == "matchbox" and found["batch"] == 20
    assert all(found[name] > 0 for name in ("network", "pipeline", "both"))
    assert f"both together   {found['both']:8.0f}" in capsys.readouterr().out


def test_benchmark_training_of_an_unknown_model_is_one_line(capsys):
    assert cli.main(["benchmark", "--training", "nothing"]) == 2
    assert "no model is called" in capsys.readouterr().err
