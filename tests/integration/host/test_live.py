"""`kws-host live` and a native firmware, at the level of the WebSocket: every integer; a board that goes and comes."""

import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from kws_host.frame import Frame
from kws_host.live.board import Source
from kws_host.project import RELEASED_BUNDLE
from kws_host.target import Target
from kws_reference.audio.conditioning import Conditioner
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline, Step
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType

from tests.support import clip_files, firmware, host_cli, live
from tests.support.paths import ROOT
from tests.support.waiting import until


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(RELEASED_BUNDLE)


@pytest.fixture(scope="module")
def served(program, bundle):
    """The TCP port of a server before a native firmware of its own."""
    with firmware.running(program) as board, live.serving(Target(port=board.url, timeout_s=1.0)) as port:
        yield port


@pytest.fixture
def page(served):
    with live.Page(served) as page:
        page.wait_ready()
        yield page


def _equals(take: live.Take, steps: list[Step]) -> None:
    """Asserts that every integer is the reference's."""
    seen = [
        (step.step, step.audio_crc, step.scores, step.features, step.top_label, step.top_smoothed_q15)
        for step in take.steps
    ]
    wanted = [
        (s.index, s.audio_crc, s.scores.tobytes(), s.features.tobytes(), s.top_label, s.top_smoothed_q15) for s in steps
    ]
    assert seen == wanted
    raised = [step.detection for step in steps if step.detection]
    assert [(event.step, event.label, event.smoothed_q15) for event in take.detections] == [
        (event.step, event.label, event.smoothed_q15) for event in raised
    ]


def test_live_says_who_is_there_and_what_the_thresholds_are(page, bundle):
    assert page.info.model_sha256 == bundle.model_sha256
    assert page.board["device"] == "native" and page.board["source"] == "page"
    assert page.board["labels"] == list(bundle.labels)
    assert page.board["thresholds_q15"] == list(bundle.detector.threshold_q15)
    assert page.board["smoothing_steps"] == bundle.detector.smoothing_steps


def test_live_demo_words_give_every_integer_of_the_reference(served, bundle):
    pcm = np.concatenate([read_wav(path, 16000) for path in sorted((ROOT / "host/demo/words").rglob("*.wav"))])
    steps = Pipeline(bundle).run(pcm)  # before there is a page, which must answer pings
    assert len(steps) > 2400 and sum(step.detection is not None for step in steps) > 5
    with live.Page(served) as page:
        page.wait_ready()
        page.reset()
        _equals(page.stream(pcm), steps)


@pytest.mark.parametrize("piece_bytes", [18, 254, 8192])
def test_live_pieces_of_any_size_give_the_same_steps(page, bundle, piece_bytes):
    pcm = clip_files.noise(5)
    page.reset()
    _equals(page.stream(pcm, piece_bytes), Pipeline(bundle).run(pcm))


def test_live_reset_forgets_the_audio_and_drops_what_was_under_way(page, bundle):
    page.reset()
    page.audio(clip_files.noise(1)[:8000].astype("<i2").tobytes()[:8192])
    old = page._turn
    page.reset()
    page.audio(b"\1\0" * 100, offset=8192, turn=old)  # of before: nobody's
    page._sent = 0
    _equals(page.stream(clip_files.word()), Pipeline(bundle).run(clip_files.word()))


def test_live_audio_before_a_reset_is_nobodys(page, bundle):
    page.audio(b"\1\0" * 100)
    page.reset()
    _equals(page.stream(clip_files.word()), Pipeline(bundle).run(clip_files.word()))


def test_live_second_page_is_told_that_the_board_is_in_use_and_the_first_goes_on(page, served, bundle):
    page.reset()
    with live.Page(served) as second:
        while second.listen():
            pass
        assert second.notes == ["Another page hears this board already: close it, then load this one again."]
        assert second.socket.code == 1013 and second.info is None
    _equals(page.stream(clip_files.word()), Pipeline(bundle).run(clip_files.word()))


def test_live_next_page_begins_anew_after_the_first_left_in_the_middle(served, bundle):
    for _ in range(3):
        with live.Page(served) as first:
            first.wait_ready()
            first.reset()
            first.audio(clip_files.noise(1).astype("<i2").tobytes()[:8000])
        with live.Page(served) as second:
            second.wait_ready()
            second.reset()
            _equals(second.stream(clip_files.word()), Pipeline(bundle).run(clip_files.word()))


def test_live_board_that_restarts_is_told_and_begins_anew(program, bundle):
    wanted = []

    def with_a_restart(data: bytes) -> bytes:
        restart = Frame(MessageType.RESTART, 1, messages.Restart().encode()).encode() if wanted else b""
        wanted.clear()
        return restart + data

    with firmware.running(program) as board, firmware.proxy(board.port, to_device=with_a_restart) as wire:
        with live.serving(Target(port=wire.url, timeout_s=1.0)) as port, live.Page(port) as page:
            page.wait_ready()
            page.reset()
            page.stream(clip_files.noise(2))
            wanted.append(True)
            page.audio(bytes(640))
            page.wait_ready(False)
            assert page.board["message"] == "The board restarted."
            page.wait_ready()
            page.audio(bytes(640))  # of the turn before: nobody's
            page.reset()
            _equals(page.stream(clip_files.word()), Pipeline(bundle).run(clip_files.word()))


def test_live_board_that_is_unplugged_is_told_and_found_again(program, bundle, monkeypatch):
    monkeypatch.setattr("kws_host.live.board.RETRY_S", 0.05)
    with firmware.running(program) as board:
        tcp_port = board.port
        server = live.serving(Target(port=board.url, timeout_s=0.3))
        port = server.__enter__()
        page = live.Page(port)
        page.wait_ready()
        page.reset()
        page.stream(clip_files.noise(2))
        page.audio(bytes(640))
    try:
        page.wait_ready(False)
        assert page.board["message"].startswith("The board is gone: ")
        with live.Page(port) as second:
            while second.listen():
                pass
            assert "Another page" in second.notes[0]  # the seat is kept
        with firmware.running(program, port=tcp_port):
            page.wait_ready()
            page.reset()
            _equals(page.stream(clip_files.word()), Pipeline(bundle).run(clip_files.word()))
    finally:
        page.socket.close()
        server.__exit__(None, None, None)


def test_live_noisy_wire_loses_no_audio_and_tells_lost_results(board, bundle):
    lossy = firmware.noise(3, 3000, ("flip",))
    with firmware.proxy(board.port, to_device=lossy) as wire:
        with live.serving(Target(port=wire.url, timeout_s=0.3)) as port, live.Page(port) as page:
            page.wait_ready()
            page.reset()
            _equals(page.stream(clip_files.word()), Pipeline(bundle).run(clip_files.word()))
    quiet, flips = [True], firmware.noise(3, 900, ("flip",))

    def damages_steps(data: bytes) -> bytes:
        return data if quiet[0] else flips(data)

    with firmware.proxy(board.port, to_host=damages_steps) as wire:
        with live.serving(Target(port=wire.url, timeout_s=0.3)) as port, live.Page(port) as page:
            page.wait_ready()
            page.reset()
            quiet[0] = False
            page.stream(np.tile(clip_files.noise(1), 3))
            quiet[0] = True
            page.stream(clip_files.word())
            page.until(lambda: page.notes)
            assert "results were lost on the way from the board" in page.notes[0]


def test_live_boards_own_microphone_is_shown_without_audio_of_the_page(program, bundle, tmp_path):
    pcm = np.concatenate([clip_files.word(), clip_files.noise(3)])
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    heard = Conditioner(256, True).push(pcm)
    steps = Pipeline(bundle).run(heard)
    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board:
        with live.serving(Target(port=board.url), Source.BOARD) as port:
            with live.Page(port) as page:
                page.wait_ready()
                assert page.board["source"] == "board"
                for _ in range(2):
                    page.reset()
                    page.until(lambda: len(page.take.steps) == len(steps))
                    _equals(page.take, steps)
                    assert np.array_equal(page.take.heard[: len(heard)], heard)
                page.audio(bytes(640))
                while page.listen():
                    pass
                assert page.socket.code == 1008 and "AUDIO may go up to 0" in page.notes[-1]


def test_live_board_without_a_microphone_is_refused_at_the_start_and_not_again_and_again(board):
    refused = pytest.raises(KwsError, match="^native has no microphone: stream recordings to it$")
    with refused, live.serving(Target(port=board.url), Source.BOARD):
        pass


def test_live_bad_command_lines_end_with_one_line(capsys, board):
    error = host_cli.fails_with_one_line(capsys, "live", "--no-browser")
    assert "no device: give --port" in error
    error = host_cli.fails_with_one_line(capsys, "live", "--no-browser", "--port", "socket://127.0.0.1:9")
    assert "nobody listens" in error
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        words = ["live", "--no-browser", "--port", board.url, "--http-port", taken]
        error = host_cli.fails_with_one_line(capsys, *words)
    assert f"TCP port {taken} is in use" in error and "--http-port" in error
    error = host_cli.fails_with_one_line(capsys, *words[:-1], 70000)
    assert "a TCP port is 0 to 65535. Received: 70000. Give another" in error


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_live_program_opens_the_page_and_ends_on_a_signal(board, tmp_path, number, status):
    words = [sys.executable, "-m", "kws_host.cli", "live", "--http-port", "0", "--port", board.url]
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}"\n')
    browser.chmod(0o755)
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, "BROWSER": str(browser)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        url = process.stdout.readline().strip()
        port = int(url.removeprefix("http://127.0.0.1:").removesuffix("/?device=server"))
        with live.Page(port) as page:
            page.wait_ready()
            page.reset()
            assert len(page.stream(clip_files.word()).steps) == 49
            until(lambda: opened.exists() and opened.read_text() == url, "no browser was opened")
            process.send_signal(number)
            while page.listen():
                pass
            assert page.socket.code in (1006, 1012)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    assert output == "" and "Traceback" not in errors and "a page is connected" in errors
