"""Released bundles: the card says what was measured, and the firmware is generated from what is released."""

import json
import re

import numpy as np
import pytest
from kws_reference.bundle import Bundle


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
