"""`kws-host live` with an emulated board: every integer, and every value of a byte through the port that QEMU makes."""

import os
import signal

import numpy as np
import pytest
from kws_host.project import RELEASED_BUNDLE
from kws_host.target import Target
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline

from tests.support import boards, clip_files, live
from tests.tools.measure_live import children_of

pytestmark = pytest.mark.qemu


def test_live_emulated_board_gives_every_integer_of_the_reference():
    elf = boards.build("mps2_an386")
    noise = np.random.default_rng(1).integers(-32768, 32768, 8000, dtype=np.int16)
    pcm = np.concatenate([clip_files.word(), noise])
    assert set(pcm.astype("<i2").tobytes()) == set(range(256))
    steps = Pipeline(Bundle.load(RELEASED_BUNDLE)).run(pcm)
    with live.serving(Target(emulate="mps2_an386", elf=elf)) as port, live.Page(port) as page:
        page.wait_ready()
        assert page.board["device"] == "mps2_an386 (emulated)"
        page.reset()
        take = page.stream(pcm)
    assert [(step.audio_crc, step.scores, step.features) for step in take.steps] == [
        (step.audio_crc, step.scores.tobytes(), step.features.tobytes()) for step in steps
    ]
    assert len(take.detections) == sum(step.detection is not None for step in steps) > 0


def test_live_emulator_that_is_killed_is_told_and_started_again():
    target = Target(emulate="mps2_an386", elf=boards.build("mps2_an386"))
    before = set(children_of(os.getpid()))
    with live.serving(target) as port, live.Page(port) as page:
        page.wait_ready()
        (emulator,) = set(children_of(os.getpid())) - before
        os.kill(emulator, signal.SIGKILL)
        page.wait_ready(False)
        assert page.board["message"].startswith("The board is gone: the emulator ended with status -9")
        page.wait_ready()
        page.reset()
        assert len(page.stream(clip_files.word()).steps) == 49
    assert set(children_of(os.getpid())) <= before  # none is left
