"""`kws-host check` against a firmware whose network has int16 activations and states."""

import re

from kws_codegen.commands.generate import write_files
from kws_codegen.generator import generate

from tests.support import firmware, host_cli
from tests.support.int16 import int16
from tests.support.models import matchbox


def test_check_int16_firmware_agrees_and_names_the_state_behind_a_wrong_weight(capsys, audio, tmp_path):
    bundle = int16(matchbox(features=40, labels=5)).write(tmp_path / "bundle", name="int16")
    write_files(tmp_path / "generated", generate(bundle))
    options = ["check", audio, "--bundle", bundle.path, "--port"]
    with firmware.running(firmware.real_firmware(tmp_path / "generated", "int16_right")) as board:
        status, out, err = host_cli.run(capsys, *options, board.url)
    assert (status, err) == (0, "")
    assert "0 mismatches" in out

    source = tmp_path / "generated" / "aot_model.cc"
    head, name, tail = source.read_text().partition("kBlock1PointwiseWeights[")
    opening, brace, numbers = tail.partition("{\n")
    first, comma, rest = numbers.partition(",")
    source.write_text(f"{head}{name}{opening}{brace}    {int(first) ^ 64}{comma}{rest}")
    with firmware.running(firmware.real_firmware(tmp_path / "generated", "int16_wrong")) as board:
        status, out, _ = host_cli.run(capsys, *options, board.url)
    assert status == 1
    assert re.search(r"^MISMATCH .*stage state block2: CRC: device 0x\w+, reference 0x\w+", out, re.MULTILINE), out
