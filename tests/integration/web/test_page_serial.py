"""The page speaks the serial protocol itself: its codec beside Python's, and boards on a stand-in of Web Serial."""

import base64
import socket
from collections import Counter
from typing import Any

import numpy as np
import pytest
from kws_host.frame import Frame
from kws_host.project import RELEASED_BUNDLE
from kws_reference.audio.conditioning import Conditioner
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline
from kws_reference.protocol import messages
from kws_reference.protocol.messages import MessageType

from tests.support import clip_files, firmware, link_fuzz
from tests.support.chromium import chromium, page_of
from tests.support.link_vectors import VECTORS
from tests.support.serial_bridge import STAND_IN, Bridge, bridge
from tests.support.waiting import until

FUZZ_CASES = 100_000
COMPARE = """async () => {
  const text = await (await fetch("/text")).text();
  return (await import("/tests/link_vectors.js")).compare(location.origin + "/", text);
}"""
RUN = """([options, tasks]) => {
  const base = location.origin + "/";
  const result = import("/tests/run_device.js").then(({ run }) => run(base, "serial", "SerialDevice", options, tasks));
  result.catch(() => {}); // who asks for it is told
  window.resultOfTest = result;
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def program():
    return firmware.real_firmware()


@pytest.fixture(scope="module")
def board(program):
    with firmware.running(program) as board:
        yield board


@pytest.fixture(scope="module")
def reference():
    return Pipeline(Bundle.load(RELEASED_BUNDLE))


@pytest.fixture
def web(board):
    with bridge(board.port) as server:
        yield server


class Serial:
    """A page that does with a `SerialDevice` what `run_device.js` says."""

    def __init__(self, page: Any):
        self._page = page

    def begin(self, *tasks: dict, source: str = "page") -> None:
        """Opens the device, from a click as it must be, and begins the tasks."""
        self._page.click("p")
        self._page.evaluate(RUN, [{"source": source}, tasks])

    def wait_for(self, handler: str, times: int = 1) -> None:
        """Waits until a handler was called so often."""
        count = "([name, times]) => (window.callsOfTest ?? []).filter(([handler]) => handler === name).length >= times"
        self._page.wait_for_function(count, arg=[handler, times])

    def wait_for_steps(self, count: int) -> None:
        """Waits until so many steps of the take have come."""
        self._page.wait_for_function("(count) => window.takesOfTest?.at(-1).length >= count", arg=count)

    def end(self) -> dict:
        """Waits for the tasks' end. Returns what the device said."""
        return self._page.evaluate("window.resultOfTest")

    def refusal(self) -> str:
        """Waits for the error that opening ends with."""
        return self._page.evaluate("window.resultOfTest.then(() => '', (error) => error.message)")


@pytest.fixture
def serial(browser, web):
    with _serial(browser, web) as serial:
        yield serial


class _serial:
    def __init__(self, browser: Any, web: Bridge):
        self._page_of = page_of(browser, f"{web.url}tests/blank.html", scripts=[STAND_IN])

    def __enter__(self) -> Serial:
        return Serial(self._page_of.__enter__())

    def __exit__(self, *error: Any) -> None:
        self._page_of.__exit__(*error)


def _feed(pcm: np.ndarray) -> dict:
    return {"feed": base64.b64encode(np.asarray(pcm, "<i2").tobytes()).decode()}


def _equals(take: list[dict], reference: Pipeline, pcm: np.ndarray) -> None:
    """Asserts that every integer is the reference's."""
    seen = [
        (
            step["step"],
            step["audioCrc"],
            step["scores"],
            step["features"],
            (step["topLabel"], step["topSmoothedQ15"]),
            step["detection"] and (step["detection"]["label"], step["detection"]["smoothedQ15"]),
        )
        for step in take
    ]
    wanted = [
        (
            step.index,
            step.audio_crc,
            step.scores.tolist(),
            step.features.ravel().tolist(),
            (step.top_label, step.top_smoothed_q15),
            step.detection and (step.detection.label, step.detection.smoothed_q15),
        )
        for step in reference.run(pcm)
    ]
    assert wanted and seen == wanted


# The codec.


def test_codec_agrees_with_the_table_of_vectors(browser, web):
    web.text = VECTORS.read_text()
    kinds = Counter(line.split()[0] for line in web.text.splitlines() if not line.startswith("#"))
    with page_of(browser, f"{web.url}tests/blank.html") as page:
        assert page.evaluate(COMPARE) == {"counts": dict(kinds), "wrong": []}


def test_codec_with_a_changed_table_says_where(browser, web):
    lines = VECTORS.read_text().splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("crc 00 "))
    lines[at] = lines[at][:-1] + ("0" if lines[at][-1] != "0" else "1")
    web.text = "\n".join(lines)
    with page_of(browser, f"{web.url}tests/blank.html") as page:
        (wrong,) = page.evaluate(COMPARE)["wrong"]
    assert wrong.startswith(f"line {at + 1}: crc 00")


def test_codec_judges_random_and_damaged_bytes_as_python_does(browser, web):
    web.text = link_fuzz.cases(FUZZ_CASES, seed=20261128)
    with page_of(browser, f"{web.url}tests/blank.html") as page:
        assert page.evaluate(COMPARE) == {"counts": {"once": FUZZ_CASES}, "wrong": []}
    reasons = Counter(word.split(",")[1] for word in web.text.split() if word.startswith("drop,"))
    assert min(reasons[reason] for reason in ("bad_cobs", "bad_crc", "too_short", "too_long")) > FUZZ_CASES // 100


# Boards.


def test_board_gives_every_integer_of_the_reference_and_says_its_thresholds(serial, reference):
    words = np.concatenate([clip_files.spoken(name) for name in ("left/rms.wav", "go/slt.wav", "down/gina.wav")])
    serial.begin(_feed(words), {"reset": True}, _feed(clip_files.noise(4)))
    result = serial.end()
    _equals(result["takes"][0], reference, words)
    _equals(result["takes"][1], reference, clip_files.noise(4))
    info, bundle = result["info"], reference.bundle
    assert (info["device"], info["modelSha256"], info["source"]) == ("native", bundle.model_sha256, "page")
    assert info["labels"] == list(bundle.labels) and info["smoothingSteps"] == bundle.detector.smoothing_steps
    assert info["thresholdsQ15"] == list(bundle.detector.threshold_q15)
    assert result["takes"][0][0]["cost"]["unit"] == "cycles" and result["calls"] == []


def test_live_audio_that_comes_too_fast_is_dropped_by_whole_pieces_and_counted(serial, reference):
    pcm = np.tile(clip_files.noise(4), 2)
    pieces = [_feed(part)["feed"] for part in np.split(pcm, 4)]
    serial.begin({"push": pieces}, _feed(pcm[16000:24000]))
    result = serial.end()
    assert result["calls"] == [["onLoss", 8000, 8000], ["onLoss", 8000, 16000]]
    _equals(result["takes"][0], reference, pcm[:24000])  # two pieces, then what was fed


def test_board_behind_a_noisy_wire_gives_every_integer(browser, board, reference):
    lossy = firmware.noise(3, 3000, ("flip",))
    with firmware.proxy(board.port, to_device=lossy) as wire, bridge(int(wire.url.rsplit(":", 1)[1])) as web:
        with _serial(browser, web) as serial:
            serial.begin(_feed(clip_files.word()))
            _equals(serial.end()["takes"][0], reference, clip_files.word())


def test_board_that_restarts_is_told_and_begins_anew(browser, program, reference):
    wanted = []

    def with_a_restart(data: bytes) -> bytes:
        restart = Frame(MessageType.RESTART, 1, messages.Restart().encode()).encode() if wanted else b""
        wanted.clear()
        return restart + data

    with firmware.running(program) as board, firmware.proxy(board.port, to_device=with_a_restart) as wire:
        with bridge(int(wire.url.rsplit(":", 1)[1])) as web, _serial(browser, web) as serial:
            long = np.tile(clip_files.noise(1), 60)
            serial.begin(_feed(long), {"wait": "onRestart"}, _feed(clip_files.word()))
            serial.wait_for_steps(100)
            wanted.append(True)
            result = serial.end()
    assert ["onState", "The board restarted."] in result["calls"]
    assert ["onRestart", "The board restarted: it begins anew."] in result["calls"]
    assert ["feed", "The board restarted: it begins anew."] in result["calls"]
    _equals(result["takes"][-1], reference, clip_files.word())


def test_board_that_is_unplugged_is_told_and_found_again(serial, web, board, reference):
    serial.begin(_feed(clip_files.noise(1)), {"wait": "onRestart"}, _feed(clip_files.word()))
    serial.wait_for_steps(49)
    web.unplug()
    serial.wait_for("onState")
    web.board_port = board.port
    result = serial.end()
    told = [words for words in result["calls"] if words[0] != "feed"]
    assert told[0][0] == "onState" and told[0][1].startswith("The board is gone: ")
    assert told[-1] == ["onRestart", "The board is back: it begins anew."]
    _equals(result["takes"][-1], reference, clip_files.word())


def test_boards_own_microphone_is_shown_and_heard(browser, program, reference, tmp_path):
    pcm = np.concatenate([clip_files.word(), clip_files.noise(3)])
    pcm.astype("<i2").tofile(tmp_path / "heard.pcm")
    heard = Conditioner(256, True).push(pcm)
    steps = reference.bundle.clock.steps_in(len(heard))
    with firmware.running(program, "microphone heard.pcm 1 0 1", tmp_path) as board, bridge(board.port) as web:
        with _serial(browser, web) as serial:
            serial.begin({"steps": steps, "take": 0}, {"reset": True}, {"steps": steps, "take": 1}, source="board")
            result = serial.end()
    assert result["info"]["source"] == "board"
    for take in result["takes"]:
        _equals(take, reference, heard)
    pieces = [words for words in result["calls"] if words[0] == "onHeard"]
    firsts = [index for index, (_, _, first) in enumerate(pieces) if first == 0]
    told = [sample for _, pcm, _ in pieces[firsts[-1] :] for sample in pcm]
    assert len(firsts) == 2 and told == heard[: len(told)].tolist() and len(told) >= 31000


def test_port_that_does_not_open_and_a_board_without_microphone_are_refused_in_words(serial, web, board):
    serial.begin(source="board")
    assert serial.refusal() == "native has no microphone, or it does not start: let the board hear this page."
    web.board_port = None
    serial.begin()
    assert serial.refusal().startswith("The port does not open: is another program or page connected to it?")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        web.board_port = silent.getsockname()[1]
        serial.begin()
        assert serial.refusal().startswith("No answer from the board in 6 s.")
    web.board_port = board.port
    serial.begin(_feed(clip_files.word()))  # and as ever
    assert len(serial.end()["takes"][0]) == 49


# The page.


def test_page_asks_for_a_click_and_then_shows_the_board(browser, web, reference):
    with page_of(browser, f"{web.url}?device=serial", scripts=[STAND_IN]) as page:
        page.wait_for_selector("#message[data-kind=error]")
        assert page.inner_text("#message") == "Press Listen: the browser asks for the board's port after a click alone."
        page.click("#listen")
        page.wait_for_selector("#stop:enabled")
        until(lambda: page.inner_text("#steps").startswith("2"), "no 20 steps came")
        page.click("#stop")
        facts = page.text_content("#facts") + page.text_content("#numbers")
        assert "native" in facts and reference.bundle.name in facts and "left" in facts


def test_page_in_a_browser_without_web_serial_says_so(browser, web):
    with page_of(browser, f"{web.url}?device=serial", scripts=[]) as page:
        page.evaluate("delete Navigator.prototype.serial")
        page.select_option("#device", "serial-own")
        page.wait_for_selector("#message[data-kind=error]")
        text = page.inner_text("#message")
    assert text == "This browser has no Web Serial: use Chrome or Edge on a computer, or kws-host live."
