"""The page in front of `kws-host live`: recordings and a microphone through a real browser to the native firmware."""

import json
import time
from typing import Any

import numpy as np
import pytest
from kws_host.project import RELEASED_BUNDLE
from kws_host.target import Target
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline

from tests.support import clip_files, firmware, live
from tests.support.chromium import chromium, page_of
from tests.support.waiting import until

WORDS = ("left/rms.wav", "go/slt.wav", "down/gina.wav", "yes/rms.wav")


@pytest.fixture(scope="module")
def words():
    return np.concatenate([clip_files.spoken(name) for name in WORDS])


@pytest.fixture(scope="module")
def browser(words, tmp_path_factory):
    """Its microphone hears the words."""
    path = tmp_path_factory.mktemp("heard") / "words.wav"
    clip_files.write_wav(path, words)
    with chromium(hears=path) as running:
        yield running


@pytest.fixture(scope="module")
def program():
    return firmware.real_firmware()


@pytest.fixture(scope="module")
def reference():
    return Pipeline(Bundle.load(RELEASED_BUNDLE))


def _count(page: Any) -> int:
    digits = page.inner_text("#steps").replace(",", "")
    return int(digits) if digits.isdigit() else 0


def _saved(page: Any, folder, name: str):
    with page.expect_download() as download:
        page.click(f"#save-{name}")
    path = folder / f"saved.{name}"
    download.value.save_as(path)
    return path


def _equals(saved: dict, steps: list) -> None:
    """Asserts that what the page saved is the reference's, integer for integer."""
    keys = ("step", "audio_crc", "scores", "features", "top_label", "top_smoothed_q15", "detection")
    wanted = [
        (
            s.index,
            s.audio_crc,
            s.scores.tolist(),
            s.features.ravel().tolist(),
            s.top_label,
            s.top_smoothed_q15,
            s.detection and {"label": s.detection.label, "smoothed_q15": s.detection.smoothed_q15},
        )
        for s in steps
    ]
    assert wanted and [tuple(step[key] for key in keys) for step in saved["steps"]] == wanted


def test_page_shows_the_boards_integers_of_a_recording_and_of_the_microphone(
    browser, program, reference, words, tmp_path
):
    clip_files.write_wav(tmp_path / "words.wav", words)
    with firmware.running(program) as board, live.serving(Target(port=board.url)) as port:
        url = f"http://127.0.0.1:{port}/"
        with page_of(browser, url, permissions=["microphone"]) as page:  # leads to ?device=server
            page.wait_for_selector("#listen:enabled")
            assert page.input_value("#device") == "server"
            page.uncheck("#aloud")
            page.set_input_files("#file", tmp_path / "words.wav")
            until(lambda: _count(page) == reference.bundle.clock.steps_in(len(words)), "not all steps came")
            page.wait_for_selector("#listen:enabled")
            saved = json.loads(_saved(page, tmp_path, "json").read_text())
            _equals(saved, reference.run(words))
            assert saved["dropped_samples"] == 0

            page.click("#listen")
            until(lambda: _count(page) > 250, "the microphone brings nothing")
            page.click("#stop")
            time.sleep(0.5)  # for the last pieces: the comparison holds for whatever has come
            saved = json.loads(_saved(page, tmp_path, "json").read_text())
            heard = read_wav(_saved(page, tmp_path, "wav"), 16000)
            steps = reference.run(heard)
            assert saved["dropped_samples"] == 0 and len(saved["steps"]) >= 250
            _equals(saved, steps[: len(saved["steps"])])
            assert np.abs(heard.astype(int)).max() > 1000  # it heard the words


def test_page_goes_on_when_the_board_came_back(browser, program, reference, words, tmp_path, monkeypatch):
    monkeypatch.setattr("kws_host.live.board.RETRY_S", 0.05)
    clip_files.write_wav(tmp_path / "words.wav", words)
    first = firmware.Running(program)
    with live.serving(Target(port=first.url, timeout_s=0.3)) as port:
        with page_of(browser, f"http://127.0.0.1:{port}/?device=server") as page:
            page.wait_for_selector("#listen:enabled")
            page.uncheck("#aloud")
            page.set_input_files("#file", tmp_path / "words.wav")
            until(lambda: _count(page) == reference.bundle.clock.steps_in(len(words)), "not all steps came")
            first.stop()
            until(lambda: page.inner_text("#message").startswith("The board is gone: "), "it is not told")
            with firmware.running(program, port=first.port):
                until(
                    lambda: page.inner_text("#message") == "The board is ready again: it begins anew.",
                    "not found again",
                )
                page.set_input_files("#file", tmp_path / "words.wav")
                until(lambda: _count(page) == reference.bundle.clock.steps_in(len(words)), "not all steps came")
                page.wait_for_selector("#listen:enabled")
                _equals(json.loads(_saved(page, tmp_path, "json").read_text()), reference.run(words))


def test_second_page_says_that_the_board_is_in_use(browser, program):
    with firmware.running(program) as board, live.serving(Target(port=board.url)) as port:
        address = f"http://127.0.0.1:{port}/?device=server"
        with page_of(browser, address) as first, page_of(browser, address) as second:
            first.wait_for_selector("#listen:enabled")
            second.wait_for_selector("#message[data-kind=error]")
            assert second.inner_text("#message").startswith("Another page hears this board already: close it")
