"""After flashing the board is asked whether it runs what was flashed. PlatformIO itself: tests/integration/boards."""

import json
import shutil
import subprocess

import pytest
from kws_host import flashing, project
from kws_reference.bundle import Bundle

from tests.support import firmware, host_cli


@pytest.fixture
def uploads(monkeypatch):
    """What would have been uploaded; a board that runs stands in for the result."""
    done = []
    monkeypatch.delenv("KWS_GENERATED", raising=False)
    monkeypatch.setattr(flashing, "upload", lambda *words: done.append(words))
    monkeypatch.setattr(flashing, "BOOT_S", 0.5)
    monkeypatch.setattr(flashing.verify, "__defaults__", (0.5,))
    return done


def test_flash_asks_the_board_and_says_that_it_runs_the_model(capsys, board, uploads):
    status, out, _ = host_cli.run(capsys, "flash", "--board", "native", "--upload-port", board.url)
    assert (status, uploads) == (0, [("native", flashing.GENERATED, board.url)])
    digest = Bundle.load(project.RELEASED_BUNDLE).model_sha256
    assert out == f"native runs matchbox ({digest[:12]}), which was flashed, with firmware 0.1.0.\n"


def test_flash_tells_that_kept_settings_win_over_flashed_ones(capsys, program, uploads, tmp_path):
    """Until they are forgotten."""
    with firmware.running(program, "settings kept.bin", tmp_path) as board:
        assert host_cli.run(capsys, "tune", "--port", board.url, "--run", "2", "--keep")[0] == 0
    for words in (("flash", "--json", "-"), ("tune", "--forget"), ("flash", "--json", "-")):
        with firmware.running(program, "settings kept.bin", tmp_path) as board:
            status, out, _ = host_cli.run(capsys, *words, "--port", board.url)
            assert status == 0
            if words[0] == "flash":
                told = json.loads(out)
                assert told["verified"] and told["keeps_settings"] == (not uploads[1:])


def test_flash_board_that_still_runs_another_model_fails(capsys, uploads):
    with firmware.running(firmware.fake_firmware()) as board:
        status, out, _ = host_cli.run(capsys, "flash", "--port", board.url)
    assert status == 1 and out.startswith("WRONG MODEL: native on socket") and "runs fake" in out


def test_flash_board_that_is_silent_fails(capsys, uploads):
    status, out, _ = host_cli.run(capsys, "flash", "--port", "socket://127.0.0.1:1", "--json", "-")
    assert status == 1 and json.loads(out)["verified"] is False and json.loads(out)["state"] == "nobody listens"


def test_flash_without_a_known_port_is_not_verified_unless_nobody_was_to_be_asked(capsys, uploads, monkeypatch):
    monkeypatch.setattr(flashing, "port_of", lambda board: "")
    status, out, _ = host_cli.run(capsys, "flash")
    assert status == 1 and out.startswith("NOT VERIFIED: mps2_an386 is flashed") and out.count("\n") == 1
    status, out, _ = host_cli.run(capsys, "flash", "--no-verify")
    assert status == 0 and out.startswith("mps2_an386 is flashed with model ")


def test_flash_of_a_bundle_generates_it_first(capsys, board, uploads):
    status, out, _ = host_cli.run(
        capsys, "flash", "--bundle", project.RELEASED_BUNDLE, "--port", board.url, "--json", "-"
    )
    ((_, generated, _),) = uploads
    assert status == 0 and json.loads(out)["verified"] is True
    assert (generated / "aot_model.cc").read_bytes() == (flashing.GENERATED / "aot_model.cc").read_bytes()
    shutil.rmtree(generated)


def test_flash_by_pyocd_takes_the_chip_of_the_boards_file(capsys, uploads, monkeypatch):
    monkeypatch.setattr(flashing, "load_by_pyocd", lambda *words: uploads.append(words))
    status, _, _ = host_cli.run(capsys, "flash", "--board", "nrf52840_dk", "--tool", "pyocd", "--no-verify")
    assert (status, uploads) == (0, [("nrf52840_dk", flashing.GENERATED, "nrf52840", None)])


@pytest.mark.parametrize(("environment", "baud"), [("nrf52840_dk", 1_000_000), ("nano33ble_sense", 921_600)])
def test_flash_asks_at_the_rate_of_the_environment(environment, baud):
    assert flashing.baud_of(environment) == baud


@pytest.mark.parametrize(
    ("board", "options"), [("nano33ble_sense", ["-O", "auto_unlock=false"]), ("nrf52840_dk", []), ("mps2_an386", [])]
)
def test_flash_by_pyocd_leaves_a_boot_loader_alone(monkeypatch, board, options):
    """pyOCD erases a chip whose debug port is locked, all of it, unless it is told not to."""
    commands = []
    monkeypatch.setattr(flashing, "_platformio", lambda *words: None)
    monkeypatch.setattr(
        flashing.subprocess, "run", lambda command, **_: commands.append(command) or subprocess.CompletedProcess([], 0)
    )
    flashing.load_by_pyocd(board, flashing.GENERATED, "nrf52840", "7")
    ((_, _, *words, elf),) = commands
    assert words == ["pyocd", "load", "--target", "nrf52840", *options, "-u", "7"] and board in elf


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--tool", "pyocd"), "--target is missing"),
        (("--target", "nrf52840"), "--target and --probe are pyOCD's"),
        (("--bundle", "/no/bundle"), "no bundle folder at /no/bundle"),
    ],
)
def test_flash_what_cannot_be_ends_in_one_line(capsys, uploads, words, text):
    assert text in host_cli.fails_with_one_line(capsys, "flash", *words) and not uploads


def test_flash_of_a_folder_that_holds_no_model_ends_in_one_line(capsys, uploads, monkeypatch, tmp_path):
    monkeypatch.setenv("KWS_GENERATED", str(tmp_path))
    assert "holds no C++ of kws-codegen generate" in host_cli.fails_with_one_line(capsys, "flash")
