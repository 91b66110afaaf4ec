"""Emulated boards that hear by their microphone: an interrupt brings blocks while the core computes, or sleeps."""

import json

import numpy as np
import pytest
from kws_host import cli
from kws_host.emulator.boards import emulated_boards

from tests.support import boards, clip_files

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    path = tmp_path_factory.mktemp("étranger z") / "heard.wav"
    clip_files.write_wav(path, np.concatenate([clip_files.word() + 500, clip_files.noise(1), clip_files.word()]))
    return path


def _microphone(capsys, *words: object) -> tuple[int, dict]:
    status = cli.main(["microphone", *map(str, words), "--json", "-"])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    return status, json.loads(captured.out)


@pytest.mark.parametrize("board", emulated_boards())
def test_board_hears_by_its_microphone_what_the_reference_hears(capsys, audio, board):
    elf = boards.build(board)
    status, data = _microphone(capsys, audio, "--emulate", board, "--elf", elf, "--jitter", "30", "--gain", "2")
    assert (status, data["mismatches"], data["lost_samples"]) == (0, 0, 0), data["first_mismatch"]
    assert (data["heard_samples"], data["steps"]) == (48000, 149)
    assert data["detections"] >= 1
    assert 0.01 < data["awake"] < 0.9  # it sleeps in between


def test_board_that_does_not_keep_up_counts_every_sample_that_it_lost(capsys, audio):
    elf = boards.build("mps2_an386")
    status, data = _microphone(capsys, audio, "--emulate", "mps2_an386", "--elf", elf, "--speed", "4")
    assert status == 1
    assert data["lost_samples"] > 0
    assert data["heard_samples"] + data["lost_samples"] == 48000
    assert data["awake"] > 0.9


def test_board_whose_speed_no_timer_has_is_refused(capsys, audio):
    elf = boards.build("mps2_an386")
    words = ["microphone", audio, "--emulate", "mps2_an386", "--elf", elf, "--speed", "1e9"]
    assert cli.main([str(word) for word in words]) == 2
    assert "beyond the timer of mps2_an386" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--speed", "0"], "--speed must be above 0"),
        (["--speed", "nan"], "--speed must be above 0"),
        (["--jitter", "100"], "--jitter must be 0 to 99.9 %"),
        (["--gain", "60"], "--gain must be -48 to 42 dB"),
    ],
)
def test_microphone_options_out_of_range_are_refused_in_one_line(capsys, audio, words, text):
    assert cli.main(["microphone", str(audio), "--emulate", "mps2_an386", *words]) == 2
    assert text in (error := capsys.readouterr().err) and error.count("\n") == 1


def test_microphone_of_a_port_is_refused(capsys, audio):
    assert cli.main(["microphone", str(audio), "--port", "/dev/null"]) == 2
    assert "--emulate BOARD is missing" in capsys.readouterr().err


def test_monitor_of_a_board_without_a_microphone_says_so(capsys):
    elf = boards.build("mps2_an386")
    assert cli.main(["monitor", "--emulate", "mps2_an386", "--elf", str(elf), "--duration", "1"]) == 2
    assert "mps2_an386 has no microphone: stream recordings to it" in capsys.readouterr().err
