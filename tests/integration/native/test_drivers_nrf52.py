"""Drivers of the nRF52 on a model of its registers: what they do, in which order, and the rates that come of it."""

import functools
import re
import subprocess
from pathlib import Path

import pytest
from kws_firmware.boards import load_board

from tests.support import drivers
from tests.support.paths import ROOT
from tests.support.svd import load_svd

NRF52 = "firmware/boards/nrf52"
PROGRAMS = {
    "serial": [f"{NRF52}/serial.cc"],
    "pdm_microphone": ["firmware/boards/nrf52_pdm/pdm_microphone.cc", f"{NRF52}/sample_blocks.cc"],
    "saadc_microphone": ["firmware/boards/nrf52_saadc/analog_microphone.cc", f"{NRF52}/sample_blocks.cc"],
    "system": [f"{NRF52}/{name}.cc" for name in ("clocks", "watchdog", "light", "nrf52")],
}
CASES = [
    (program, case)
    for program in PROGRAMS
    for case in re.findall(r'^    \{"(\w+)", &', (drivers.CASES / f"nrf52_{program}_test.cc").read_text(), re.MULTILINE)
]


@functools.cache
def build(program: str, board: str) -> Path:
    """A test's program with the pins of a board."""
    test = drivers.CASES / f"nrf52_{program}_test.cc"
    macros = [f"{name}={value}" for name, value in load_board(board).macros.items()]
    includes = [f"firmware/boards/{board}", "firmware/src", drivers.CASES]
    return drivers.build(f"nrf52_{program}_{board}", [test, *PROGRAMS[program]], includes=includes, defines=macros)


def run(program: str, board: str, case: str) -> str:
    """What a case prints; it passes."""
    result = subprocess.run([build(program, board), case], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(("program", "case"), CASES)
def test_nrf52_driver_on_the_model_of_its_registers(program, case):
    run(program, "microbit_v2" if program == "saadc_microphone" else "nano33ble_sense", case)


@pytest.mark.parametrize(
    ("program", "case"),
    [
        ("serial", "pins_and_format"),
        ("pdm_microphone", "settings_before_it_is_enabled"),
        ("system", "light_shows_a_detection"),
    ],
)
def test_nrf52_driver_with_the_pins_of_another_board(program, case):
    run(program, "nrf52840_dk", case)


def described(peripheral: str, register: str, field: str, value: int) -> str:
    """What the vendor's file says of a field's value."""
    texts = load_svd("nrf52840.svd").descriptions(peripheral, f"{register}:{field}")
    return texts[value]


def test_nrf52_microphone_rate_of_the_registers_is_16_khz_exactly():
    said = run("pdm_microphone", "nano33ble_sense", "settings_before_it_is_enabled")
    clock, ratio = re.fullmatch(r"PDMCLKCTRL (0x\w+) RATIO (\d)\n", said).groups()
    divisor = re.search(r"32 MHz / (\d+) = ", described("PDM", "PDMCLKCTRL", "FREQ", int(clock, 0)))[1]
    decimation = re.fullmatch(r"Ratio of (\d+)", described("PDM", "RATIO", "RATIO", int(ratio)))[1]
    rate = 32_000_000 / int(divisor) / int(decimation)
    ppm = 1e6 * (rate / 16_000 - 1)
    print(f"PDM: 32 MHz / {divisor} / {decimation} = {rate:,.1f} Hz, {ppm:+,.0f} ppm of 16,000")
    assert ppm == 0


def test_nrf52_analog_microphone_rate_of_the_registers_is_16_khz_exactly():
    said = run("saadc_microphone", "microbit_v2", "settings_and_rate")
    prescaler, compare = map(int, re.fullmatch(r"PRESCALER (\d+) CC (\d+)\n", said).groups())
    rate = 16_000_000 / 2**prescaler / compare
    ppm = 1e6 * (rate / 16_000 - 1)
    print(f"SAADC: 16 MHz / {compare} = {rate:,.1f} Hz, {ppm:+,.0f} ppm of 16,000")
    assert ppm == 0


def test_nrf52_baud_rate_of_the_register_is_near_enough_to_the_hosts():
    said = run("serial", "nano33ble_sense", "pins_and_format")
    text = described("UARTE0", "BAUDRATE", "BAUDRATE", int(said.split()[1], 0))
    nominal, actual = map(int, re.fullmatch(r"(\d+) baud \(actual rate: (\d+)\)", text).groups())
    ppm = 1e6 * (actual / nominal - 1)
    print(f"UARTE: {actual:,} baud, {ppm:+,.0f} ppm of {nominal:,}")
    assert nominal == 921_600
    # Sampled in the middle of its last bit, 9.5 bits after the edge, a frame may be off by half a bit; a quarter here,
    # for the host's own clock and the sampling take their share.
    assert abs(ppm) * 9.5 < 250_000


def test_nrf52_baud_rate_of_the_dk_is_one_that_its_debuggers_port_has():
    """SEGGER's J-Link-OB on SAM3U: 96 MHz / 16 / n, off by 3 % at most; Nordic's guides: not 921,600."""
    said = run("serial", "nrf52840_dk", "pins_and_format")
    assert described("UARTE0", "BAUDRATE", "BAUDRATE", int(said.split()[1], 0)) == "1Mega baud"
    assert 96_000_000 / 16 / 6 == 1_000_000
    config = (ROOT / "platformio.ini").read_text(encoding="utf-8")
    assert re.search(r"\[env:nrf52840_dk\]\n(?:.+\n)*monitor_speed = 1000000\n", config)


def test_nrf52_watchdog_waits_for_four_seconds():
    said = run("system", "nano33ble_sense", "watchdog_starts_with_the_first_turn")
    assert (int(said.split()[1]) + 1) / 32768 == 4
