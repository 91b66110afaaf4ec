"""Drivers of the STM32 on a model of its registers: what they do, in which order, and the rates that come of it."""

import functools
import re
import subprocess
from pathlib import Path

import pytest
from kws_firmware.boards import load_board

from tests.support import drivers
from tests.support.paths import ROOT
from tests.support.svd import Svd, load_svd

BOARDS = Path("firmware/boards")
CASES_FOLDER = drivers.FOLDER / "drivers"
DECIMATORS = [BOARDS / "pdm/pdm_decimator.cc", BOARDS / "pdm/sum_decimator.cc"]
# Programs: the test, the board whose board_config.h the driver reads, what is tested.
PROGRAMS = {
    "f4_clocks": ("stm32f4_clocks_test", "stm32f4_discovery", [BOARDS / "stm32f4/clocks.cc"]),
    "netduinoplus2_clocks": ("stm32f4_clocks_test", "netduinoplus2", [BOARDS / "stm32f4/clocks.cc"]),
    "f4_microphone": (
        "stm32f4_microphone_test",
        "stm32f4_discovery",
        [BOARDS / "stm32f4_discovery/microphone.cc", *DECIMATORS],
    ),
}


def source(test: str) -> Path:
    """Of a test's program."""
    return CASES_FOLDER / f"{test}.cc"


CASES = [
    (program, case)
    for program, (test, _, _) in PROGRAMS.items()
    for case in re.findall(r'^    \{"(\w+)", &', (ROOT / source(test)).read_text(encoding="utf-8"), re.MULTILINE)
]


@functools.cache
def build(program: str) -> Path:
    """A test's program."""
    test, board, sources = PROGRAMS[program]
    macros = [f"{name}={value}" for name, value in load_board(board).macros.items()]
    includes = [BOARDS / board, "firmware/src", CASES_FOLDER]
    return drivers.build(f"stm32_{program}", [source(test), *sources], includes=includes, defines=macros)


def run(program: str, case: str) -> str:
    """What a case prints; it passes."""
    result = subprocess.run([build(program), case], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(("program", "case"), CASES)
def test_stm32_driver_on_the_model_of_its_registers(program, case):
    run(program, case)
