"""The README's prose states the figures of its own table and of the committed evaluations."""

import json
import re

import pytest
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline

from tests.support.native import ROOT


@pytest.fixture(scope="module")
def text():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def row(text: str, board: str) -> list[str]:
    cells = re.search(rf"^\| `{board}` \| [^|]*\|(.*)\|$", text.split("<!-- measured: begin -->")[1], re.MULTILINE)[1]
    return [cell.strip() for cell in cells.split("|")]


def test_promises_state_the_measured_table(text):
    front_end, engine, _, _, flash, ram, _ = row(text, "mps2_an386")
    assert f"**{engine} instructions**" in text
    per_frame = round(int(front_end.replace(",", "")) / 2)
    assert f"MFCC front end {per_frame:,} per 10 ms" in text
    for size, word in ((flash, "flash"), (ram, "RAM")):
        assert f"{round(int(size.replace(',', '')) / 1000)} KB of {word}" in " ".join(text.split())
    for board in ("mps2_an386", "mps3_an547"):  # beside TensorFlow Lite Micro
        _, engine, _, step, flash, ram, stack = row(text, board)
        assert f"| this kit, `aot` | {engine} | {step} | - | {flash} | {ram} | {stack} |" in text


def test_demo_words_that_the_detector_raises_are_as_many_as_the_readme_says(text, bundle_path):
    pipeline = Pipeline(Bundle.load(bundle_path))
    labels = pipeline.bundle.labels
    raised = spoken = 0
    for path in (ROOT / "host/demo/words").rglob("*.wav"):
        found = [labels[step.detection.label] for step in pipeline.run(read_wav(path)) if step.detection]
        spoken += path.parent.name in labels[2:]
        raised += path.parent.name in found
        assert set(found) <= {path.parent.name}
    assert f"{raised} of the {spoken} synthesised keywords" in " ".join(text.split())


@pytest.mark.parametrize("name", ["validation", "kit-12"])
def test_accuracy_table_states_the_evaluation(text, bundle_path, name):
    result = json.loads((bundle_path / f"evaluation_{name}.json").read_text())
    cells = re.search(rf"^\| {name} [^|]*\|(.*)\|$", text, re.MULTILINE)[1].split("|")
    int4 = json.loads((bundle_path.with_name("matchbox_kit12_int4") / f"evaluation_{name}.json").read_text())
    kinds = [result[kind] for kind in ("float_batch", "float_streaming", "int8_streaming")] + [int4["int8_streaming"]]
    figures = [f"{100 * kind['accuracy']:.2f} %" for kind in kinds]
    assert [cell.strip() for cell in cells] == [f"{result['clips']:,}", *figures]


def test_promise_of_the_test_set_on_the_device_states_its_record(text, bundle_path):
    record = json.loads((bundle_path / "evaluation_device.json").read_text())
    assert record["model_sha256"] == json.loads((bundle_path / "model.json").read_text())["model_sha256"]
    assert record["agreeing_clips"] == record["clips"]
    assert f"the {record['clips']:,} clips of the canonical test set" in " ".join(text.split())
    assert f"all {record['steps']:,} steps equal Python's" in " ".join(text.split())
