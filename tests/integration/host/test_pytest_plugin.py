"""The pytest plugin as a firmware team uses it: a folder of tests, a native firmware as the board, several workers."""

import dataclasses
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from kws_host import detector_settings
from kws_host.regression import board_pool
from kws_host.regression.board import opened
from kws_host.regression.board_pool import BoardPool
from kws_host.regression.played_clip import PlayedClip
from kws_host.target import Target
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError

from tests.support import clip_files, firmware, plugin_run
from tests.support.paths import ROOT

EXAMPLE = ROOT / "host" / "pytest_example"
BUNDLE = ROOT / "training" / "zoo" / "matchbox"

MISTAKES = """
import numpy as np
import pytest


def test_late(check_clip):
    check_clip("word.wav").assert_detects_once("left", within_ms=50)


def test_other_word(check_clip):
    check_clip("word.wav").assert_detects_once("stop")


def test_end_given(check_clip):
    assert check_clip("word.wav").assert_detects_once("left", word_end_s=0.9).time_s == 0.96


def test_nothing(check_clip):
    check_clip("word.wav").assert_detects_nothing()


def test_array(check_clip, board):
    clip = check_clip(board.read("word.wav"), tail_s=0)
    clip.assert_detects("left")
    assert len(clip.run.steps) == 49


def test_unknown_label(check_clip):
    check_clip("word.wav").assert_detects_once("sesame")


def test_no_file(check_clip):
    check_clip("nowhere.wav")


def test_floats(check_clip):
    check_clip(np.zeros(16000))
"""

FAULT = """
from kws_reference.protocol import messages


def test_that_makes_it_fault(board):
    board.device.link.send(messages.MessageType.TEST_FAULT, messages.TestFault().encode())


def test_after_it(check_clip):
    check_clip("word.wav").assert_detects("left")
"""

WORKERS = """
import os
import pytest


@pytest.mark.parametrize("number", range(8))
def test_part(board, check_clip, number):
    check_clip("word.wav").assert_detects("left")
    with open(os.environ["PYTEST_XDIST_WORKER"] + ".txt", "a") as file:
        file.write(board.device.link.port + "\\n")
"""


@pytest.fixture
def folder(tmp_path):
    clip_files.write_wav(tmp_path / "word.wav", clip_files.word())
    return tmp_path


def test_plugin_example_passes_on_a_board(board, tmp_path):
    result = plugin_run.run(tmp_path, EXAMPLE, "--kws-port", board.url, f"--kws-bundle={BUNDLE}")
    assert (result.status, result.counts()) == (0, {"passed": 7}), result.out


def test_plugin_failures_show_the_timeline_and_mistakes_are_named(board, folder):
    result = plugin_run.run(folder, MISTAKES, "--kws-port", board.url, f"--kws-bundle={BUNDLE}")
    assert (result.status, result.counts()) == (1, {"failed": 6, "passed": 2}), result.out
    late, _, rest = result.out.partition("test_other_word")
    assert "word.wav must raise 'left' once, from 0.29 s to 0.63 s (the word ends at 0.58 s). Received: left at" in late
    assert "step     time  top label       smoothed  threshold for 15 steps" in late
    (row,) = [line for line in late.splitlines() if "raises 'left'" in line]
    assert row.split()[1:7] == ["46", "0.96", "s", "left", "0.998", "0.960"]
    assert "must raise 'stop' once" in rest and "must raise nothing. Received: left at 0.96 s" in rest
    assert "no label 'sesame'. It has: _silence_, _unknown_" in rest
    assert "\nnowhere.wav: no such file. Check the path.\n" in rest and "During handling" not in rest
    assert "Received: float64 [16000]" in rest
    assert "kws_host" not in result.out.replace("kws_host.pytest_plugin", ""), "the plugin's own lines are no news"


def test_plugin_board_that_faults_fails_its_test_and_serves_the_next(program, folder):
    with firmware.running(program) as board:
        result = plugin_run.run(folder, FAULT, "--kws-port", board.url)
    assert result.counts() == {"passed": 2, "error": 1}, result.out
    assert "the board did not survive this test: HardFault at pc" in result.out


def test_plugin_board_that_is_gone_fails_every_test_in_one_line(program, folder):
    with firmware.running(program) as board:
        url = board.url
    result = plugin_run.run(folder, FAULT, "--kws-port", url)
    assert result.counts() == {"errors": 2}
    assert result.out.count(f"nobody listens on {url}") >= 2 and "Traceback" not in result.out


def test_plugin_workers_take_a_board_each(program, folder):
    with firmware.running(program) as one, firmware.running(program) as other:
        result = plugin_run.run(folder, WORKERS, "-n", 2, "--kws-port", f"{one.url},{other.url}")
        assert (result.status, result.counts()) == (0, {"passed": 8}), result.out
        used = [set(Path(folder / f"{worker}.txt").read_text().split()) for worker in ("gw0", "gw1")]
        assert sorted(map(sorted, used)) == sorted([[one.url], [other.url]])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["-n", 3, "--kws-port", "/dev/a", "--kws-port", "/dev/b"],
            "3 workers need a board each, but --kws-port names 2: give -n 2, or more ports, divided by commas.",
        ),
        (["--kws-port", ""], "--kws-port names nothing. Received: ''. Give a name."),
    ],
)
def test_plugin_options_that_cannot_work_are_one_line(folder, options, line):
    result = plugin_run.run(folder, WORKERS, *options)
    assert (result.status, result.out, result.err) == (4, "", f"ERROR: {line}\n\n")


@pytest.mark.parametrize(
    ("pool", "text"),
    [
        (BoardPool(("/dev/a",), ("mps2_an386",)), "name two kinds of boards: give one of them"),
        (BoardPool(("/dev/a", "/dev/b", "/dev/a")), "must name each port once. Received: /dev/a, /dev/b, /dev/a"),
        (BoardPool(("/dev/a",)), "2 workers need a board each, but --kws-port names 1: give -n 1"),
    ],
)
def test_pool_that_cannot_work_is_refused(pool, text):
    with pytest.raises(KwsError, match=text):
        pool.check(workers=2)
    BoardPool((), ("mps2_an386",)).check(workers=20)


def test_pool_ports_are_taken_once_until_they_are_given_back():
    pool = BoardPool(("/dev/kws-a", "/dev/kws-b"))
    with pool.take(1) as mine:
        with pool.take(1) as other:
            assert {mine.port, other.port} == {"/dev/kws-a", "/dev/kws-b"} and mine.port == "/dev/kws-b"
            with pytest.raises(KwsError, match="every board is taken by another worker or test run: /dev/kws-a, "):
                pool.take(0).__enter__()
        with pool.take(0) as again:
            assert again.port == "/dev/kws-a"


@pytest.mark.parametrize("bundle", [None, Bundle.load(BUNDLE)])
def test_board_tells_its_thresholds_itself_and_every_test_begins_with_them(board, bundle):
    with opened(Target(port=board.url), bundle) as one:
        assert (one.threshold(0), one.threshold(6), one.run_steps) == ("never", "0.960", 15)
        held = detector_settings.require_held(one.device)
        detector_settings.use(one.device, dataclasses.replace(held.config, run_steps=1))
        clip = PlayedClip.play(one, clip_files.word())
        header, *rows = clip.timeline().splitlines()
        assert header.endswith("threshold") and clip.labels == ["left"] and clip.detections[0].time_s < 0.9
        assert any("0.960" in row for row in rows if "raises 'left'" in row)
        one.make_ready()
        assert detector_settings.held_by(one.device) == held
        assert PlayedClip.play(one, clip_files.word()).detections[0].time_s == 0.96


def test_board_of_older_firmware_has_the_thresholds_of_its_bundle_or_none(board, monkeypatch):
    monkeypatch.setattr(detector_settings, "held_by", lambda device: None)
    with opened(Target(port=board.url), None) as one:
        assert (one.threshold(0), one.run_steps) == ("?", 1)
        one.make_ready()
        clip = PlayedClip.play(one, clip_files.word())
        (row,) = [line for line in clip.timeline().splitlines() if "raises 'left'" in line]
        assert "  ?  " in row
    with opened(Target(port=board.url), Bundle.load(BUNDLE)) as one:
        assert (one.threshold(6), one.run_steps) == ("0.960", 15)


def test_board_that_was_tuned_before_the_tests_stays_so(program):
    with firmware.running(program) as board:
        with opened(Target(port=board.url), None) as one:
            config = detector_settings.require_held(one.device).config
            tuned = dataclasses.replace(config, run_steps=3)
            detector_settings.use(one.device, tuned)
        with opened(Target(port=board.url), None) as one:
            detector_settings.forget(one.device)
            one.make_ready()
            assert one.run_steps == 3 and detector_settings.require_held(one.device).config.run_steps == 3


def test_pool_with_a_folder_of_locks_that_somebody_else_prepared_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(board_pool, "LOCKS", tmp_path / "locks")
    pool, victim = BoardPool(("/dev/kws-a",)), tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "locks").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(KwsError, match="is not this user's alone. Received: owner "):
        pool.take(0).__enter__()
    (tmp_path / "locks").unlink()
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks").chmod(0o777)
    with pytest.raises(KwsError, match="mode drwxrwxrwx. Remove it, or set TMPDIR"):
        pool.take(0).__enter__()
    (tmp_path / "locks").chmod(0o700)
    with pool.take(0):
        (lock,) = (tmp_path / "locks").iterdir()
    lock.unlink()
    lock.symlink_to(victim)
    with pytest.raises(KwsError, match="cannot lock /dev/kws-a"):
        pool.take(0).__enter__()
    assert victim.read_text() == "precious"


def test_board_with_another_model_than_the_bundle_is_refused():
    with firmware.running(firmware.fake_firmware()) as fake, pytest.raises(KwsError, match="runs model fake"):
        with opened(Target(port=fake.url), Bundle.load(BUNDLE)):
            pass


def test_plugin_without_a_board_skips_and_says_what_is_missing(folder):
    result = plugin_run.run(folder, FAULT, "-rs")
    assert (result.status, result.counts()) == (0, {"skipped": 2})
    assert "no board: give --kws-port (or set KWS_PORT), or --kws-board for an emulated one" in result.out


def test_plugin_is_loaded_without_anything_heavy_and_once():
    script = (
        "import sys, kws_host.pytest_plugin\n"
        "print({'numpy', 'serial', 'kws_reference', 'tflite_micro', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT / "host")
    assert done.stdout == "set()\n", done.stderr
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"kws_host.pytest_plugin": "kws_host.pytest_plugin"}


def test_word_span_of_the_example_is_where_it_is_heard(board, tmp_path):
    """What the other tests ask for in milliseconds is not the recording's whole length."""
    from kws_reference.audio.word_window import word_span

    begin, end = word_span(clip_files.spoken("left/rms.wav"), 16000)
    assert 0 < begin < end < 16000
    assert word_span(np.zeros(16000, np.int16), 16000) == (0, 16000)
