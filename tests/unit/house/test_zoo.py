"""Released bundles: their evaluations are of them, and they are what the committed runs give."""

import importlib.util
import json

import numpy as np
import pytest
from kws_reference.bundle import Bundle

from tests.support.paths import ROOT

ZOO = ROOT / "training" / "zoo"
RELEASED = ("matchbox", "matchbox_int4")
SETS = ("validation", "canonical-12", "canonical-11")
KINDS = ("float_batch", "float_streaming", "int8_streaming")
WITH_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("bundle", RELEASED)
def test_evaluation_is_of_this_model_and_agrees_with_its_confusion(bundle, name):
    result = json.loads((ZOO / bundle / f"evaluation_{name}.json").read_text())
    assert result["model_sha256"] == Bundle.load(ZOO / bundle).model_sha256
    for kind in KINDS:
        confusion = np.array(result[kind]["confusion"])
        assert confusion.sum() == result["clips"]
        assert result[kind]["accuracy"] == np.trace(confusion) / result["clips"]


@pytest.mark.parametrize("bundle", RELEASED)
def test_record_of_the_training_names_the_exported_epoch(bundle):
    history = json.loads((ZOO / bundle / "history.json").read_text())
    provenance = Bundle.load(ZOO / bundle).manifest["provenance"]
    assert max(history, key=lambda entry: entry["val_score"])["epoch"] == provenance["epoch"]
    assert json.loads((ZOO / bundle / "settings.json").read_text())["seed"] == provenance["seed"]


@pytest.mark.parametrize("bundle", RELEASED)
@pytest.mark.slow
@pytest.mark.skipif(not WITH_TENSORFLOW, reason="TensorFlow is not installed (pip install .[training])")
def test_committed_run_exports_to_the_released_model_byte_for_byte(bundle, tmp_path, capsys):
    from kws_training import cli

    assert cli.main(["export", "--run", str(ZOO / bundle), "--out", str(tmp_path / bundle)]) == 0
    assert "threshold is 0.7 for every keyword; with --speech" in capsys.readouterr().err
    assert (tmp_path / bundle / "model.tflite").read_bytes() == Bundle.load(ZOO / bundle).model


@pytest.mark.parametrize("bundle", RELEASED)
@pytest.mark.slow
@pytest.mark.skipif(not WITH_TENSORFLOW, reason="TensorFlow is not installed (pip install .[training])")
def test_quantized_run_started_from_the_committed_float_run(bundle):
    from kws_training.train.trained_run import load_run
    from kws_training.train.weights import digest

    settings = json.loads((ZOO / bundle / "settings.json").read_text())
    _, model = load_run(ZOO / "matchbox" / "float")
    assert settings["started_from"]["weights_sha256"] == digest(model.get_weights())


@pytest.mark.slow
@pytest.mark.skipif(not WITH_TENSORFLOW, reason="TensorFlow is not installed (pip install .[training])")
def test_float_run_quantized_after_training_is_the_released_graph():
    """The converter's graph and the one that quantized training writes have the same operations."""
    from kws_training.convert.integer import convert
    from kws_training.convert.interpreter import load
    from kws_training.streaming import to_streaming
    from kws_training.train.trained_run import load_run

    settings, model = load_run(ZOO / "matchbox" / "float")
    noise = np.random.default_rng(1).normal(0, 32, (2, 98, 40))
    recordings = np.clip(np.rint(noise), -128, 127).astype(np.int8)
    exported = convert(to_streaming(model, settings["model"]["frames_per_step"]), recordings, 1 / 32).data

    def operators(data: bytes) -> list[str]:
        return sorted(item["op_name"] for item in load(data)._get_ops_details())

    assert operators(exported) == operators(Bundle.load(ZOO / "matchbox").model)
