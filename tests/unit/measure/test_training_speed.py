"""kws-train benchmark --training measures three rates, without speech and among it."""

import json

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_training import cli  # noqa: E402
from kws_training.measure import training_speed  # noqa: E402


def test_benchmark_training_prints_and_writes_three_rates(tmp_path, capsys, monkeypatch):
    measured = training_speed.measure("matchbox", clips=40, epochs=3, batch=20, speech=True)
    plain = {**measured, "scenes": 0}  # measuring without speech leaves out steps, and has none of its own
    monkeypatch.setattr(training_speed, "measure", lambda name, speech: measured if speech else plain)
    assert cli.main(["benchmark", "--training", "matchbox", "--json", str(tmp_path / "speed.json")]) == 0
    without, among_speech = json.loads((tmp_path / "speed.json").read_text())
    assert without["scenes"] == 0 and among_speech["scenes"] > 0
    shown = capsys.readouterr().out
    for found in (without, among_speech):
        assert found["model"] == "matchbox" and found["batch"] == 20
        assert all(found[name] > 0 for name in ("network", "pipeline", "both"))
        assert f"both together   {found['both']:8.0f}" in shown


def test_benchmark_training_of_an_unknown_model_is_one_line(capsys):
    assert cli.main(["benchmark", "--training", "nothing"]) == 2
    assert "no model is called" in capsys.readouterr().err
