"""Bundles: what is read, and what is refused in one line."""

import json
import shutil

import numpy as np
import pytest
from kws_reference.bundle import (
    MANIFEST_FILE,
    MODEL_FILE,
    NEVER_Q15,
    NOT_HELD_Q15,
    STILL_QUIET_Q15,
    Bundle,
    write_bundle,
)
from kws_reference.errors import KwsError
from kws_reference.network.oracle import Network

from tests.support.models import gates


@pytest.fixture
def copy(bundle_path, tmp_path):
    return shutil.copytree(bundle_path, tmp_path / "bundle")


def edit(folder, change):
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    change(manifest)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))


def test_load_released_bundle_agrees_with_itself(bundle_path):
    bundle = Bundle.load(bundle_path)
    assert bundle.features.shape == (1, bundle.frames_per_step, 1, bundle.frontend.coefficients)
    assert bundle.scores.shape == (1, len(bundle.labels)) == (1, len(bundle.detector.threshold_q15))
    assert len({state.name for state in bundle.states}) == len(bundle.states) > 0


def test_load_manifest_without_releases_holds_no_label(copy):
    edit(copy, lambda m: m["detector"].pop("release_q15"))
    detector = Bundle.load(copy).detector
    assert detector.release_q15 == (NOT_HELD_Q15,) * len(detector.threshold_q15)


def test_load_manifest_without_run_and_quiet_asks_for_neither_and_is_written_as_it_was(copy):
    def plain(manifest):
        for key in ("run_steps", "quiet_q15", "quiet_steps", "busy_threshold_q15"):
            manifest["detector"].pop(key, None)

    edit(copy, plain)
    bundle = Bundle.load(copy)
    detector = bundle.detector
    assert (detector.run_steps, detector.quiet_steps, set(detector.quiet_q15)) == (1, 0, {0})
    assert detector.when_busy_q15 == detector.threshold_q15
    assert detector.to_dict() == bundle.manifest["detector"]


def test_load_run_and_quiet_are_taken_and_written_again(copy):
    count = len(Bundle.load(copy).labels)
    wanted = {
        "threshold_q15": [30000] * count,
        "release_q15": [20000] * count,
        "run_steps": 15,
        "quiet_q15": [STILL_QUIET_Q15, *[8192] * (count - 1)],
        "quiet_steps": 80,
        "busy_threshold_q15": [30000, NEVER_Q15, *[32000] * (count - 2)],
    }
    edit(copy, lambda m: m["detector"].update(wanted))
    detector = Bundle.load(copy).detector
    written = detector.to_dict()
    assert {key: written[key] for key in wanted} == wanted and detector.when_busy_q15[2] == 32000


def test_load_release_up_to_the_threshold_or_none_is_taken(copy):
    releases = [NOT_HELD_Q15, 31785, 0]

    def change(manifest):
        count = len(manifest["labels"])
        manifest["detector"].update(threshold_q15=[31785] * count, release_q15=(releases * count)[:count])

    edit(copy, change)
    assert Bundle.load(copy).detector.release_q15[:3] == tuple(releases)


def test_write_bundle_then_load_gives_the_same(bundle_path, tmp_path):
    first = Bundle.load(bundle_path)
    content = {k: v for k, v in first.manifest.items() if k not in ("format_version", "model_sha256")}
    second = write_bundle(tmp_path / "new" / "bundle", first.model, content)
    assert second.manifest == first.manifest and second.model == first.model
    assert sorted(path.name for path in second.path.iterdir()) == [MANIFEST_FILE, MODEL_FILE]


def test_load_states_of_16_bits_have_two_bytes_an_element(tmp_path):
    bundle = gates().write(tmp_path / "bundle")
    found = {state.name: (state.size_bytes, state.initial().dtype.name) for state in bundle.states}
    assert found["first/hidden"] == (12, "int8") and found["first/cell"] == (24, "int16")
    assert Network(bundle).states[1].dtype == np.int16


def test_write_bundle_into_a_file_is_one_line(bundle_path, tmp_path):
    (tmp_path / "taken").write_text("")
    bundle = Bundle.load(bundle_path)
    with pytest.raises(KwsError, match="cannot write the bundle"):
        write_bundle(tmp_path / "taken", bundle.model, bundle.manifest)


@pytest.mark.parametrize("offset", [0, 1000, -1])
def test_load_model_with_one_byte_changed_is_refused(copy, offset):
    data = bytearray((copy / MODEL_FILE).read_bytes())
    data[offset] ^= 1
    (copy / MODEL_FILE).write_bytes(data)
    with pytest.raises(KwsError, match="changed or truncated"):
        Bundle.load(copy)


def test_load_truncated_model_is_refused(copy):
    data = (copy / MODEL_FILE).read_bytes()
    (copy / MODEL_FILE).write_bytes(data[:-100])
    with pytest.raises(KwsError, match="changed or truncated"):
        Bundle.load(copy)


def test_load_truncated_manifest_is_refused(copy):
    text = (copy / MANIFEST_FILE).read_text()
    (copy / MANIFEST_FILE).write_text(text[: len(text) // 2])
    with pytest.raises(KwsError, match="not JSON"):
        Bundle.load(copy)


@pytest.mark.parametrize("name", [MODEL_FILE, MANIFEST_FILE])
def test_load_with_a_file_missing_names_it(copy, name):
    (copy / name).unlink()
    with pytest.raises(KwsError, match=name):
        Bundle.load(copy)


def test_load_of_no_folder_names_the_path(tmp_path):
    with pytest.raises(KwsError, match="no bundle folder"):
        Bundle.load(tmp_path / "nowhere")


FAULTS = {
    "format version 7": lambda m: m.update(format_version=7),
    "bundle format version": lambda m: m.pop("format_version"),
    "12 labels|labels need": lambda m: m.update(labels=m["labels"][:-1]),
    "two different names": lambda m: m.update(labels=[m["labels"][0]] * len(m["labels"])),
    "list of str": lambda m: m.update(labels=[1, 2]),
    "frames_per_step": lambda m: m.update(frames_per_step=0),
    "features.shape": lambda m: m.update(frames_per_step=3),
    "features: input_index": lambda m: m["features"].update(input_index="0"),
    "input indices": lambda m: m["states"][0].update(input_index=m["states"][1]["input_index"]),
    "output indices": lambda m: m["states"][0].update(output_index=m["states"][1]["output_index"]),
    r"states\[0\]: reset_value": lambda m: m["states"][0].update(reset_value=200),
    r"states\[0\]: dtype must be int8 or int16\. Received: 'FLOAT32'": lambda m: m["states"][0].update(dtype="FLOAT32"),
    r"states\[0\]: zero_point and reset_value of an int16 state must be 0\. Received: 3, 0": (
        lambda m: m["states"][0].update(dtype="int16", zero_point=3, reset_value=0)
    ),
    r"states\[1\]: scale": lambda m: m["states"][1].update(scale=-1.0),
    "state names": lambda m: m["states"][0].update(name=m["states"][1]["name"]),
    "scores.kind": lambda m: m["scores"].update(kind="softmax"),
    "as many thresholds": lambda m: m["detector"]["threshold_q15"].pop(),
    "thresholds must be": lambda m: m["detector"]["threshold_q15"].__setitem__(0, 40000),
    "smoothing_steps": lambda m: m["detector"].update(smoothing_steps=0),
    "as many values of release_q15": lambda m: m["detector"]["release_q15"].pop(),
    "as many values .* Received: 0": lambda m: m["detector"].update(release_q15=[]),
    "release_q15 must be 0..32768": lambda m: m["detector"]["release_q15"].__setitem__(0, 32769),
    "release_q15 must be a list": lambda m: m["detector"].update(release_q15=None),
    "'yes' is released below 31786, above its threshold 31785": (
        lambda m: m["detector"].update(
            release_q15=[31786 if label == "yes" else 0 for label in m["labels"]],
            threshold_q15=[31785] * len(m["labels"]),
        )
    ),
    "run_steps must be 1..255. Received: 0": lambda m: m["detector"].update(run_steps=0),
    "quiet_steps must be 0..65535": lambda m: m["detector"].update(quiet_steps=65536),
    "as many values of quiet_q15": lambda m: m["detector"].update(quiet_q15=[0]),
    "quiet_q15 must be 0..32768": lambda m: m["detector"].update(quiet_q15=[-1] * len(m["labels"])),
    "as many values of busy_threshold_q15, .* Received: 0": lambda m: m["detector"].update(busy_threshold_q15=[]),
    "busy threshold of '_silence_' is below": lambda m: m["detector"].update(busy_threshold_q15=[0] * len(m["labels"])),
    "too large": lambda m: m["scores"].update(scale=10**400),
    "window_samples": lambda m: m["frontend"].update(window_samples=100000),
    "feature_mean": lambda m: m["frontend"].update(feature_mean=m["frontend"]["feature_mean"][:-1]),
    "frontend must be": lambda m: m.pop("frontend"),
}


@pytest.mark.parametrize("message", FAULTS)
def test_load_manifest_with_a_fault_names_it_in_one_line(copy, message):
    edit(copy, FAULTS[message])
    with pytest.raises(KwsError, match=message) as caught:
        Bundle.load(copy)
    assert "\n" not in str(caught.value)
    assert str(copy) in str(caught.value)


def test_bundle_value_with_a_line_break_is_refused_in_one_line(copy):
    """Found by mutation."""
    edit(copy, lambda manifest: manifest["frontend"].update(hop_samples="a\nb"))
    with pytest.raises(KwsError, match=r"hop_samples: use an integer > 0. Received: a\\u000ab") as error:
        Bundle.load(copy)
    assert "\n" not in str(error.value)
