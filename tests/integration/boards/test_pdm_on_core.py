"""The decimator of pulse density on an emulated M4: the reference's integers, within its budget of instructions."""

from pathlib import Path

import numpy as np
import pytest
from kws_reference.audio.pdm import PdmDecimator

from tests.support import boards, cores
from tests.support.pdm import SOURCES, streams

pytestmark = pytest.mark.qemu
BUDGET = 4_300  # instructions for a millisecond: 2.6 % of an STM32F407 at 168 MHz, if each took a clock
RECORD = np.dtype([("pcm", "<i2", (16,)), ("instructions", "<u4")])


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


def run(words: np.ndarray, folder: Path, flags: tuple[str, ...] = ()) -> np.ndarray:
    """A record for each millisecond."""
    image = cores.compile_for("mps2_an386", ["tests/integration/boards/pdm_runner.cc", *SOURCES], folder, flags=flags)
    return np.frombuffer(cores.run("mps2_an386", image, words.astype("<u2").tobytes(), folder), RECORD)


@pytest.mark.parametrize("flags", [(), ("-DKWS_PDM_PORTABLE",)], ids=["dsp", "portable"])
def test_pdm_decimator_on_core_equals_reference(flags, tmp_path):
    words = np.concatenate(list(streams().values()))
    words = words[: len(words) // 64 * 64]
    records = run(words, tmp_path, flags)
    np.testing.assert_array_equal(records["pcm"].reshape(-1), PdmDecimator().push(words))
    most, mean = records["instructions"].max(), records["instructions"].mean()
    if flags:
        assert mean > BUDGET, "the core's own instructions gain nothing"
    else:
        assert most <= BUDGET, f"{mean:.0f} on average, {most} at most"
