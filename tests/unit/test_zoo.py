"""Released bundles: the card says what was measured, and the firmware is generated from what is released."""

import importlib.util
import json
import re

import numpy as np
import pytest
from kws_reference.bundle import Bundle

WITH_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


@pytest.mark.parametrize("name", ["validation", "kit-12"])
def test_card_states_the_figures_of_the_evaluation(bundle_path, name):
    result = json.loads((bundle_path / f"evaluation_{name}.json").read_text())
    row = re.search(rf"^\| {name}[^|]* \|(.*)\|$", (bundle_path / "README.md").read_text(), re.MULTILINE)[1]
    cells = [cell.strip().replace(",", "") for cell in row.split("|")]
    assert int(cells[0]) == result["clips"]
    for cell, kind in zip(cells[1:], ("float_batch", "float_streaming", "int8_streaming"), strict=True):
        assert cell == f"{100 * result[kind]['accuracy']:.2f} %"


@pytest.mark.parametrize("name", ["validation", "kit-12"])
def test_evaluation_is_of_this_model_and_agrees_with_its_confusion(bundle_path, name):
    result = json.loads((bundle_path / f"evaluation_{name}.json").read_text())
    assert result["model_sha256"] == Bundle.load(bundle_path).model_sha256
    for kind in ("float_batch", "float_streaming", "int8_streaming"):
        confusion = np.array(result[kind]["confusion"])
        assert confusion.sum() == result["clips"]
        assert result[kind]["accuracy"] == np.trace(confusion) / result["clips"]


def test_record_of_the_training_names_the_exported_epoch(bundle_path):
    history = json.loads((bundle_path / "history.json").read_text())
    provenance = Bundle.load(bundle_path).manifest["provenance"]
    assert max(history, key=lambda entry: entry["val_accuracy"])["epoch"] == provenance["epoch"]
    assert json.loads((bundle_path / "settings.json").read_text())["seed"] == provenance["seed"]


@pytest.mark.skipif(not WITH_TENSORFLOW, reason="TensorFlow is not installed (pip install .[training])")
def test_committed_float_weights_export_to_the_released_graph_and_weights(bundle_path):
    """Everything but the ranges of the activations, which need the recordings."""
    import tensorflow as tf
    from kws_training.export import convert
    from kws_training.run_folder import load_run
    from kws_training.streaming import to_streaming

    settings, model = load_run(bundle_path)
    noise = np.random.default_rng(1).normal(0, 32, (2, 98, 40))
    recordings = np.clip(np.rint(noise), -128, 127).astype(np.int8)
    exported = convert(to_streaming(model, settings["model"]["frames_per_step"]), recordings, 1 / 32).data

    def content(data: bytes) -> list:
        interpreter = tf.lite.Interpreter(model_content=data)
        operators = [(item["op_name"], tuple(item["inputs"])) for item in interpreter._get_ops_details()]
        found, constants = [], 0
        for detail in interpreter.get_tensor_details():
            scales = detail["quantization_parameters"]
            value = ()
            if detail["dtype"] == np.int8 and len(scales["scales"]) > 1 or detail["name"] == "MatMul":
                value = (interpreter.get_tensor(detail["index"]).tobytes(), scales["scales"].tobytes())
                constants += 1
            found.append((detail["name"], tuple(detail["shape"]), detail["dtype"], value))
        assert constants == 15  # 5 depthwise, 9 pointwise, 1 dense
        return [operators, found]

    assert content(exported) == content(Bundle.load(bundle_path).model)
