"""The STM32F407's image in QEMU's picture of an STM32F405, the same chip but for what the kit does not use.

It has no clocks, no cycle counter and no microphone; what it has is the core, the vector table's place, the serial port
with its interrupt, and sleep.
"""

import numpy as np
import pytest
from kws_host.compare import compare_run
from kws_host.device import Device
from kws_host.emulator import Emulator, EmulatorConfig, qemu
from kws_host.emulator.boards import BoardFacts
from kws_host.link import Link
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.pipeline import Pipeline
from kws_reference.protocol.messages import Config, SetSource, SourceKind

from tests.support import boards, clip_files

pytestmark = pytest.mark.qemu
BOARD = "stm32f4_discovery"
USART2 = 1  # the machine's second serial port


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(qemu, "board_facts", lambda name: BoardFacts(name, "netduinoplus2", USART2, 6, 168_000_000))
    config = EmulatorConfig(BOARD, boards.build(BOARD), port=0)
    with Emulator(config) as emulator, Link(emulator.url) as link:
        yield Device(link)


def test_stm32f407_image_in_qemu_equals_the_reference_and_loses_no_byte(device):
    assert device.info.board == BOARD
    pcm = np.concatenate([clip_files.word(), clip_files.noise(1)])
    bundle = Bundle.load(boards.ROOT / "training" / "zoo" / "matchbox")
    device.configure(Config.FEATURES)
    result = compare_run(bundle, device.run(pcm), Pipeline(bundle).run(pcm))
    assert result.mismatches == 0 and result.integers > 99 * 14
    stats = device.stats()
    assert (stats.serial_overruns, stats.audio_gaps, stats.frames_bad_crc) == (0, 0, 0)


def test_stm32f407_microphone_without_a_clock_is_refused_and_the_host_goes_on(device):
    with pytest.raises(KwsError, match="the microphone of stm32f4_discovery does not start"):
        device.set_source(SetSource(SourceKind.MICROPHONE))
    assert len(device.run(np.zeros(16000, np.int16)).steps) == 49
