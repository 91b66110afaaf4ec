"""The pytest plugin with a board that it emulates itself."""

import pytest
from kws_host import project

from tests.support import boards, clip_files, plugin_run

pytestmark = pytest.mark.qemu

TEST = """
def test_word_is_heard(board, check_clip):
    assert board.info.board == "mps2_an386"
    check_clip("word.wav", tail_s=0).assert_detects_once("left", within_ms=500)
    assert 0 < board.stats.stack_used_bytes < board.info.stack_size_bytes


def test_board_that_faults(board):
    board.device.test_fault()


def test_silence_is_silence(check_clip):
    check_clip("silence.wav", tail_s=0).assert_detects_nothing()
"""


def test_plugin_emulates_a_board_and_survives_its_fault(tmp_path, monkeypatch):
    firmware = boards.build("mps2_an386")
    monkeypatch.setenv("PLATFORMIO_BUILD_DIR", str(firmware.parents[1]))
    assert project.firmware_of("mps2_an386") == firmware
    clip_files.write_wav(tmp_path / "word.wav", clip_files.word())
    clip_files.write_wav(tmp_path / "silence.wav", 0 * clip_files.word()[:8000])
    result = plugin_run.run(tmp_path, TEST, "--kws-board", "mps2_an386")
    assert result.counts() == {"passed": 3, "error": 1}, result.out
    assert "the board did not survive this test: UsageFault at pc" in result.out or "HardFault at pc" in result.out
