"""Kept settings on a model of each chip's flash: what is saved is loaded, wherever the power fails."""

import functools
import re
import subprocess
from pathlib import Path

import pytest
from kws_firmware.boards import load_board

from tests.support import drivers
from tests.support.paths import ROOT

STM32 = ("stm32_chip/open_settings_flash.cc",)
# The chip's own drivers, below firmware/boards, and the model of its flash.
CHIPS = {
    "stm32f4_discovery": (
        ("stm32f4_discovery/settings_flash.cc", *STM32),
        ("stm32f4_flash_model", "stm32_flash_model"),
    ),
    "disco_l475vg_iot01a": (
        ("disco_l475vg_iot01a/settings_flash.cc", *STM32),
        ("stm32l4_flash_model", "stm32_flash_model"),
    ),
    "nano33ble_sense": (("nrf52/settings_flash.cc",), ("nrf52_flash_model",)),
}
TEST = drivers.CASES / "settings_log_test.cc"
CASES = re.findall(r'^    \{"(\w+)", &', TEST.read_text(encoding="utf-8"), re.MULTILINE)


@functools.cache
def build(board: str) -> Path:
    """The program of all cases for a board's chip."""
    own, models = CHIPS[board]
    sources = [TEST, *(drivers.CASES / f"{model}.cc" for model in models)]
    sources += [ROOT / "firmware/boards" / path for path in (*own, "settings_log/settings_log.cc")]
    macros = [f"{name}={value}" for name, value in load_board(board).macros.items()]
    includes = [f"firmware/boards/{board}", "firmware/src", drivers.CASES]
    return drivers.build(f"settings_log_{board}", sources, includes=includes, defines=macros)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("board", CHIPS)
def test_settings_on_a_model_of_the_chips_flash(board, case):
    result = subprocess.run([build(board), case], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr


def test_settings_log_is_tried_on_the_flash_of_every_board_that_has_it():
    folders = [load_board(path.stem).folders for path in (ROOT / "firmware/platform/boards").glob("*.json")]
    paths = {f"{name}/settings_flash.cc" for found in folders if "settings_log" in found for name in found}
    having = {path for path in paths if (ROOT / "firmware/boards" / path).exists()}
    assert having == {own[0] for own, _ in CHIPS.values()}
