"""MLPerf Tiny's client on emulated boards, spoken to as its runner does: a serial device, 115,200 bit/s."""

import re
import subprocess
import sys
import time

import numpy as np
import pytest
from kws_firmware.boards import load_board
from kws_firmware.tables import load_measured
from kws_host.emulator import Emulator, EmulatorConfig
from kws_host.emulator.boards import board_facts
from kws_host.emulator.pseudo_terminal import PseudoTerminal
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.detector.integer import detector_tables
from kws_reference.frontend.integer import Mfcc

from tests.support import boards, mlperf
from tests.support.paths import ROOT

pytestmark = pytest.mark.qemu
ENVIRONMENTS = ("mps2_an386_mlperf", "netduinoplus2_mlperf")
WORD = ROOT / "host/demo/words/left/slt.wav"


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def board(request):
    """Environment, and a terminal whose greeting is over."""
    elf = boards.build(request.param)
    with (
        Emulator(EmulatorConfig(request.param, elf, port=0)) as emulator,
        PseudoTerminal("127.0.0.1", emulator.port) as terminal,
    ):
        deadline = time.monotonic() + 60
        while not terminal.lost.endswith(b"m-ready\r\n") and time.monotonic() < deadline:
            time.sleep(0.01)
        yield request.param, terminal


@pytest.fixture
def runner(board):
    with mlperf.Runner(board[1].device) as runner:
        yield runner


@pytest.fixture(scope="module")
def bundle(bundle_path):
    return Bundle.load(bundle_path)


@pytest.fixture(scope="module")
def clip(bundle):
    """A spoken word's steps, int8 ``[49, 2, 40]``."""
    frames = Mfcc(bundle.frontend, bundle.features.zero_point).frames(read_wav(WORD)[:16000])
    return frames[: len(frames) // 2 * 2].reshape(-1, bundle.frames_per_step, frames.shape[1])


def test_board_greets_as_the_reference_does_and_says_its_name(board, runner):
    environment, terminal = board
    lines = terminal.lost.decode().split("\r\n")
    assert lines[0] == "m-timestamp-mode-performance" and re.fullmatch(r"m-lap-us-[0-9]+", lines[1])
    assert lines[2:] == ["m-init-done", "m-ready", ""]
    assert runner.ask("name") == [f"m-name-dut-[kws-kit {board_facts(environment).name}]"]
    assert "m-model-[kws01]" in runner.ask("profile")


def test_board_on_one_step_equals_the_interpreter(runner, bundle):
    rng = np.random.default_rng(4)
    for _ in range(5):
        features = rng.integers(-128, 128, (1, *bundle.features.shape[1:])).astype(np.int8)
        assert runner.load(features.tobytes())[-1] == ["m-load-done"]
        found = runner.infer(1, 0)
        assert np.array_equal(found.scores, mlperf.expected(bundle, features))
        assert found.results == mlperf.results_of(found.scores, detector_tables(bundle))


def test_board_on_a_spoken_word_equals_the_interpreter_and_hears_it(runner, bundle, clip):
    assert len(clip) == 49
    runner.load(clip.tobytes())
    found = runner.infer(2, 1)
    assert np.array_equal(found.scores, mlperf.expected(bundle, clip))
    assert found.results == mlperf.results_of(found.scores, detector_tables(bundle))
    assert bundle.labels[np.argmax([float(value) for value in found.results])] == "left"


def test_board_goes_through_the_runners_sequence(board, bundle, clip):
    """Accuracy, then speed: five windows of one input, as its scripts for keyword spotting have them."""
    with mlperf.StrictRunner(board[1].device) as runner:
        assert runner.clear().endswith("m-ready\r\n")
        assert runner.identify()["model"] == "kws01"
        accuracy = runner.measure(clip.tobytes(), 1, 0)
        windows = [runner.measure(clip[:1].tobytes(), 20, 2) for _ in range(5)]
    wanted = mlperf.results_of(mlperf.expected(bundle, clip), detector_tables(bundle))
    assert accuracy.results == [float(value) for value in wanted]
    assert all(window.inferences == 1 and window.elapsed_us > 0 for window in windows)
    # Between the laps lies the first one's line, whose digits become more.
    assert max(window.elapsed_us for window in windows) - min(window.elapsed_us for window in windows) <= 5


def test_board_laps_are_the_instructions_of_the_engine(board, runner, bundle):
    name = board_facts(board[0]).name
    runner.load(bytes(np.prod(bundle.features.shape)))
    few, many = runner.infer(10, 0), runner.infer(1010, 3)
    instructions = (many.elapsed_us - few.elapsed_us) / 1000 * load_board(name).clock_hz / 1e6
    # An inference resets the states first, which is not in the measured mean of a step: 3.4 % of it.
    assert 1 < instructions / load_measured().boards[name]["engine"] < 1.05
    # Instructions are exact; each lap is rounded to a microsecond.
    assert abs(runner.infer(1010, 0).elapsed_us - many.elapsed_us) <= 1
    if name == "mps2_an386":
        page = (ROOT / "host" / "MLPERF.md").read_text(encoding="utf-8")
        assert f"{round(instructions):,} instructions on `{name}`" in page


def test_board_after_a_terminal_was_closed_and_opened_answers_again(board, bundle):
    for _ in range(2):
        with mlperf.Runner(board[1].device) as runner:
            assert runner.ask("db load 80") == ["m-[Expecting 80 bytes]"]


def test_emulate_on_a_terminal_serves_who_opens_the_device_that_it_names():
    elf = boards.build("mps2_an386_mlperf")
    words = ["emulate", "--board", "mps2_an386_mlperf", "--elf", str(elf), "--tcp-port", "0", "--pty"]
    process = subprocess.Popen([sys.executable, "-m", "kws_host.cli", *words], stdout=subprocess.PIPE, text=True)
    try:
        found = re.fullmatch(r"mps2_an386_mlperf runs on (\S+); Ctrl-C stops it\n", process.stdout.readline())
        with mlperf.Runner(found[1]) as runner:
            assert runner.ask("name") == ["m-name-dut-[kws-kit mps2_an386]"]
    finally:
        process.terminate()
        process.wait()
