"""`kws-host check` of a bundle whose front end is the micro one, against the whole firmware on the native board."""

import dataclasses
import json

import pytest
from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate
from kws_reference.bundle import write_bundle
from kws_reference.frontend.micro_config import MICRO_SPEECH

from tests.support import firmware, host_cli
from tests.support.models import micro_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return micro_bundle(tmp_path_factory.mktemp("micro") / "bundle")


@pytest.fixture(scope="module")
def board(bundle):
    generated = bundle.path.parent / "generated"
    write_files(generated, generate(bundle))
    with firmware.running(firmware.real_firmware(generated, "firmware_micro")) as board:
        yield board


def test_check_micro_firmware_agrees_in_every_integer(capsys, board, bundle, audio):
    status, out, _ = host_cli.run(capsys, "check", audio, "--bundle", bundle.path, "--port", board.url, "--json", "-")
    summary = json.loads(out)["summary"]
    assert (status, summary["mismatches"]) == (0, 0)
    assert summary["integers"] > 100 * 3 * 40  # the features alone


def test_check_micro_firmware_of_another_quantization_is_found(capsys, board, bundle, audio, tmp_path):
    """The same model, but quantized as micro_speech does: 0.3 % steeper."""
    other = dataclasses.replace(bundle.frontend, **MICRO_SPEECH)
    changed = write_bundle(tmp_path / "bundle", bundle.model, {**bundle.manifest, "frontend": other.to_dict()})
    status, out, _ = host_cli.run(capsys, "check", audio, "--bundle", changed.path, "--port", board.url, "--json", "-")
    assert status == 1 and json.loads(out)["summary"]["mismatches"] > 0
