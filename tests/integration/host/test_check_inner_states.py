"""`kws-host check` of adopted models whose operators keep their states themselves: each of them is compared."""

import json
import re

import pytest
from kws_codegen.adopt import manifest
from kws_codegen.adopt.adoption import adopt
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_reference.bundle import write_bundle
from kws_reference.frontend.config import FrontendConfig

from tests.support import firmware, host_cli
from tests.support.models import UNUSUAL
from tests.support.tflite_writer import write

LABELS = tuple("abcde")


def adopted_bundle(graph, folder):
    adopted = adopt(write(graph), coefficients=10)
    frontend = FrontendConfig(coefficients=10, feature_steps_per_std=1 / adopted.features.scale).to_dict()
    whole = manifest.manifest(adopted, "inner", LABELS, frontend)
    return write_bundle(folder, adopted.model, {**whole, "detector": manifest.detector(LABELS, 0.02)})


def checked(capsys, bundle, generated, audio):
    """Status and answer of `kws-host check` with a firmware of generated files."""
    with firmware.running(firmware.real_firmware(generated, "firmware_inner")) as board:
        options = ["--bundle", bundle.path, "--port", board.url, "--json", "-"]
        status, out, _ = host_cli.run(capsys, "check", audio, *options)
    return status, json.loads(out)


@pytest.mark.parametrize("name", ["memories", "gates"])
def test_check_of_states_inside_agrees_in_every_integer(capsys, name, audio, tmp_path):
    bundle = adopted_bundle(UNUSUAL[name]().as_converted(), tmp_path / "bundle")
    write_files(tmp_path / "generated", generate(bundle))
    status, found = checked(capsys, bundle, tmp_path / "generated", audio)
    assert (status, found["summary"]["mismatches"]) == (0, 0)


@pytest.mark.parametrize(
    ("name", "array", "stages"),
    [
        ("memories", "BytesMemorySvdf", ["state bytes_memory"]),
        ("gates", "OneHiddenLstm", ["state one_hidden", "state one_cell"]),
    ],
)
def test_check_of_a_wrong_weight_names_the_state_inside(capsys, name, array, stages, audio, tmp_path):
    bundle = adopted_bundle(UNUSUAL[name]().as_converted(), tmp_path / "bundle")
    files = generate(bundle)
    found = re.search(rf"k{array}Weights\[\d+\] = {{\s*(-?\d+)", files["aot_model.cc"])
    changed = str(int(found[1]) ^ 64)
    files["aot_model.cc"] = files["aot_model.cc"][: found.start(1)] + changed + files["aot_model.cc"][found.end(1) :]
    write_files(tmp_path / "generated", files)
    status, answer = checked(capsys, bundle, tmp_path / "generated", audio)
    wrong = [clip["first_mismatch"] for clip in answer["clips"] if clip["mismatches"]]
    assert status == 1 and wrong[0]["stage"] in stages
    operator = {"memories": "SVDF", "gates": "UNIDIRECTIONAL_SEQUENCE_LSTM"}[name]
    assert wrong[0]["layers"].startswith(f"layers that can be at fault: {operator} ")
