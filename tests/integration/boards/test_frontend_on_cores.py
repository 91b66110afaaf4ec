"""Front end on emulated cores: DSP and Helium instructions give the reference's integers, within their budget."""

import numpy as np
import pytest
from kws_reference.frontend.integer import Mfcc
from kws_reference.frontend.micro import Micro

from tests.support import boards
from tests.support.frontend_cores import run_on
from tests.support.frontend_native import (
    MICRO_CONFIG,
    OTHER_CONFIGS,
    OTHER_MICRO_CONFIGS,
    SPEECH_CONFIG,
)
from tests.support.signals import hostile, micro_hostile, speech_like

pytestmark = pytest.mark.qemu
CONFIGS = {"default": SPEECH_CONFIG, **OTHER_CONFIGS}
# Instructions of one frame; the goal of the default configuration is 60,000 on the M4.
BUDGET = {"mps2_an386": 36_000, "mps2_an500": 35_500, "mps3_an547": 21_000}
BUDGETS = {"default": BUDGET, "log_mel": {"mps2_an386": 30_500, "mps2_an500": 30_500, "mps3_an547": 17_500}}
MICRO_BUDGET = {"mps2_an386": 36_500, "mps2_an500": 36_000, "mps3_an547": 37_500}
MICRO_CONFIGS = {"default": MICRO_CONFIG, "few_channels": OTHER_MICRO_CONFIGS["few_channels"]}


@pytest.fixture(scope="module", autouse=True)
def tools():
    boards.require_tools()


@pytest.mark.parametrize("board", BUDGET)
@pytest.mark.parametrize("config", CONFIGS)
def test_frontend_on_core_equals_reference(board: str, config: str, tmp_path):
    pcm = np.concatenate([*hostile(2000).values(), speech_like(2.0)])
    features, instructions = run_on(board, CONFIGS[config], pcm, tmp_path)
    np.testing.assert_array_equal(features, Mfcc(CONFIGS[config]).frames(pcm))
    if config in BUDGETS:
        assert instructions.max() <= BUDGETS[config][board], (
            f"{instructions.mean():.0f} on average, {instructions.max()} at most"
        )


@pytest.mark.parametrize("board", BUDGET)
def test_frontend_on_core_portable_code_equals_reference(board: str, tmp_path):
    pcm = np.concatenate([*hostile(1000).values()])
    features, instructions = run_on(board, SPEECH_CONFIG, pcm, tmp_path, ["-DKWS_FRONTEND_PORTABLE"])
    np.testing.assert_array_equal(features, Mfcc(SPEECH_CONFIG).frames(pcm))
    assert instructions.mean() > BUDGET[board], "the core's own instructions gain nothing"


@pytest.mark.parametrize("board", MICRO_BUDGET)
@pytest.mark.parametrize("config", MICRO_CONFIGS)
def test_micro_frontend_on_core_equals_reference(board: str, config: str, tmp_path):
    pcm = np.concatenate([*hostile(2000).values(), *micro_hostile(2000).values(), speech_like(2.0)])
    features, instructions = run_on(board, MICRO_CONFIGS[config], pcm, tmp_path)
    np.testing.assert_array_equal(features, Micro(MICRO_CONFIGS[config]).frames(pcm))
    if config == "default":
        assert instructions.max() <= MICRO_BUDGET[board], (
            f"{instructions.mean():.0f} on average, {instructions.max()} at most"
        )


@pytest.mark.parametrize("board", MICRO_BUDGET)
def test_micro_frontend_on_core_portable_code_equals_reference(board: str, tmp_path):
    pcm = np.concatenate([*hostile(1000).values(), *micro_hostile(1000).values()])
    features, instructions = run_on(board, MICRO_CONFIG, pcm, tmp_path, ["-DKWS_FRONTEND_PORTABLE"])
    np.testing.assert_array_equal(features, Micro(MICRO_CONFIG).frames(pcm))
    assert instructions.mean() > MICRO_BUDGET[board], "the core's own instructions gain nothing"
