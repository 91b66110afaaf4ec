"""Drivers of the STM32 on a model of its registers: what they do, in which order, and the rates that come of it."""

import dataclasses
import functools
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from kws_firmware.boards import load_board
from kws_reference.audio.pdm import BITS_PER_SUM, SUM_ORDER, SUMS_PER_SAMPLE, WORD_BITS, WORDS_PER_SAMPLE

from tests.support import drivers
from tests.support.paths import ROOT
from tests.support.svd import Svd, load_svd

BOARDS = Path("firmware/boards")
CASES_FOLDER = drivers.FOLDER / "drivers"


@dataclasses.dataclass(frozen=True)
class Program:
    """A test's program.

    Attributes:
      test: its file, less the ending.
      board: whose `board_config.h` the drivers read.
      sources: what is tested, below `firmware/boards`.
    """

    test: str
    board: str
    sources: tuple[str, ...]


F4, L4, NETDUINO = "stm32f4_discovery", "disco_l475vg_iot01a", "netduinoplus2"
DECIMATORS = ("pdm/pdm_decimator.cc", "pdm/sum_decimator.cc")
F4_SERIAL = ("stm32/serial.cc", "stm32f4/clocks.cc")
PROGRAMS = {
    "f4_clocks": Program("stm32f4_clocks_test", F4, ("stm32f4/clocks.cc",)),
    "netduinoplus2_clocks": Program("stm32f4_clocks_test", NETDUINO, ("stm32f4/clocks.cc",)),
    "f4_microphone": Program("stm32f4_microphone_test", F4, (f"{F4}/microphone.cc", *DECIMATORS)),
    "f4_serial": Program("stm32_serial_test", F4, F4_SERIAL),
    "netduinoplus2_serial": Program("stm32_serial_test", NETDUINO, F4_SERIAL),
    "f4_chip": Program("stm32_chip_test", F4, ("stm32_chip/chip.cc",)),
    "l4_clocks": Program("stm32l4_clocks_test", L4, ("stm32l4/clocks.cc",)),
    "l4_microphone": Program("stm32l4_microphone_test", L4, (f"{L4}/microphone.cc", *DECIMATORS)),
    "l4_serial": Program("stm32_serial_test", L4, ("stm32/serial.cc", "stm32l4/clocks.cc")),
    "l4_chip": Program("stm32_chip_test", L4, ("stm32_chip/chip.cc",)),
}


def source(test: str) -> Path:
    """Of a test's program."""
    return CASES_FOLDER / f"{test}.cc"


CASES = [
    (name, case)
    for name, program in PROGRAMS.items()
    for case in re.findall(
        r'^    \{"(\w+)", &', (ROOT / source(program.test)).read_text(encoding="utf-8"), re.MULTILINE
    )
]


@functools.cache
def build(name: str) -> Path:
    """A test's program."""
    program = PROGRAMS[name]
    macros = [f"{macro}={value}" for macro, value in load_board(program.board).macros.items()]
    return drivers.build(
        f"stm32_{name}",
        [source(program.test), *(BOARDS / path for path in program.sources)],
        includes=[BOARDS / program.board, "firmware/src", CASES_FOLDER],
        defines=macros,
    )


def run(name: str, case: str) -> str:
    """What a case prints; it passes."""
    result = subprocess.run([build(name), case], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def words(said: str) -> dict[str, int]:
    """Registers, and what else stands by name and number in a line."""
    names = said.split()
    return {name: int(value, 0) for name, value in zip(names[::2], names[1::2], strict=True)}


def bits(svd: Svd, peripheral: str, register: str, first: str, last: str, word: int) -> int:
    """Value in a register's word of the field that reaches from one of the vendor's fields to another."""
    (low, _), (high, width) = (svd.field(peripheral, f"{register}:{name}") for name in (first, last))
    return word >> low & (1 << high + width - low) - 1


def ppm(found: Fraction, wanted: int) -> float:
    """How far a rate is off, in parts of a million."""
    return float(1_000_000 * (found / wanted - 1))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_stm32_driver_on_the_model_of_its_registers(name, case):
    run(name, case)


# Rates, computed from the words that the drivers write, by the manuals' formulas and the vendor's places of fields.

LEAST_WAIT_STATES = {
    # RM0090 table 10, 2.7 to 3.6 V: 30 MHz for each; RM0351 table 9, range 1: 16 MHz for each.
    "f4": lambda hz: -(-hz // 30_000_000) - 1,
    "l4": lambda hz: -(-hz // 16_000_000) - 1,
}


@pytest.mark.parametrize("name", ["f4_clocks", "netduinoplus2_clocks"])
def test_stm32f4_core_and_buses_run_as_the_boards_file_says(name):
    """RM0090 7.3.2: VCO = input / PLLM * PLLN; core = VCO / PLLP. 7.3.3: prescalers."""
    svd, found = load_svd("STM32F41x.svd"), words(run(name, "runs_from_the_crystal"))

    def pll(first: str, last: str) -> int:
        return bits(svd, "RCC", "PLLCFGR", first, last, found["PLLCFGR"])

    into_vco = Fraction(found["crystal"], pll("PLLM0", "PLLM5"))
    vco = into_vco * pll("PLLN0", "PLLN8")
    core = vco / (2 * (pll("PLLP0", "PLLP1") + 1))
    assert pll("PLLSRC", "PLLSRC") == 1 and 1_000_000 <= into_vco <= 2_000_000 and 100_000_000 <= vco <= 432_000_000
    assert core == found["core"] == load_board(PROGRAMS[name].board).clock_hz == 168_000_000
    assert bits(svd, "RCC", "CFGR", "HPRE", "HPRE", found["CFGR"]) == 0
    buses = {}
    for bus in ("PPRE1", "PPRE2"):
        code = bits(svd, "RCC", "CFGR", bus, bus, found["CFGR"])
        buses[bus] = core / (2 ** (code - 3) if code >= 4 else 1)
    assert buses == {"PPRE1": 42_000_000, "PPRE2": 84_000_000}, "the most that the buses take"
    assert bits(svd, "FLASH", "ACR", "LATENCY", "LATENCY", found["ACR"]) >= LEAST_WAIT_STATES["f4"](int(core))


def test_stm32l4_core_and_buses_run_as_the_boards_file_says():
    """RM0351 6.4.4: VCO = input / (PLLM + 1) * PLLN; core = VCO / (2 * (PLLR + 1)). MSI: 4 MHz after reset."""
    svd, found = load_svd("STM32L4x5.svd"), words(run("l4_clocks", "runs_from_the_oscillator"))

    def pll(name: str) -> int:
        return bits(svd, "RCC", "PLLCFGR", name, name, found["PLLCFGR"])

    vco = Fraction(4_000_000, pll("PLLM") + 1) * pll("PLLN")
    core = vco / (2 * (pll("PLLR") + 1))
    assert pll("PLLSRC") == 1 and pll("PLLREN") == 1 and 64_000_000 <= vco <= 344_000_000
    assert core == found["core"] == load_board(L4).clock_hz == 80_000_000
    for prescaler in ("HPRE", "PPRE1", "PPRE2"):
        assert bits(svd, "RCC", "CFGR", prescaler, prescaler, found["CFGR"]) == 0
    assert bits(svd, "FLASH", "ACR", "LATENCY", "LATENCY", found["ACR"]) >= LEAST_WAIT_STATES["l4"](int(core))


def test_stm32f4_microphone_rate_of_the_registers_is_16_khz_exactly():
    """RM0090 7.3.24: I2S clock = 1 MHz * PLLI2SN / PLLI2SR; 28.4.4: bit clock = that / (2 * I2SDIV + ODD)."""
    svd = load_svd("STM32F41x.svd")
    found = words(run("f4_microphone", "settings_before_it_is_enabled"))
    clocks = words(run("f4_clocks", "runs_from_the_crystal"))
    into_vco = Fraction(clocks["crystal"], bits(svd, "RCC", "PLLCFGR", "PLLM0", "PLLM5", clocks["PLLCFGR"]))
    vco = into_vco * bits(svd, "RCC", "PLLI2SCFGR", "PLLI2SNx", "PLLI2SNx", found["PLLI2SCFGR"])
    clock = vco / bits(svd, "RCC", "PLLI2SCFGR", "PLLI2SRx", "PLLI2SRx", found["PLLI2SCFGR"])
    assert 100_000_000 <= vco <= 432_000_000 and clock <= 192_000_000
    assert bits(svd, "RCC", "CFGR", "I2SSRC", "I2SSRC", found["CFGR"]) == 0
    divider, odd, master = (
        bits(svd, "SPI2", "I2SPR", name, name, found["I2SPR"]) for name in ("I2SDIV", "ODD", "MCKOE")
    )
    assert divider >= 2 and not master
    bit_clock = clock / (2 * divider + odd)
    rate = bit_clock / (WORDS_PER_SAMPLE * WORD_BITS)
    print(f"I2S2: {float(bit_clock):,.0f} Hz, {float(rate):,.3f} Hz, {ppm(rate, 16_000):+.1f} ppm of 16,000")
    assert rate == 16_000
    assert 1_000_000 <= bit_clock <= 3_250_000, "what an MP45DT02 takes"


@pytest.mark.parametrize(("oscillator", "most_ppm"), [(122 * 32_768, 40), (4_000_000, 620)], ids=["crystal", "free"])
def test_stm32l4_microphone_rate_of_the_registers_is_nearly_16_khz(oscillator, most_ppm):
    """RM0351 6.4.5: audio clock = MSI * PLLSAI1N / 7 or 17; 24.7.1: bit clock = that / (CKOUTDIV + 1)."""
    svd = load_svd("STM32L4x5.svd")
    found = words(run("l4_microphone", "settings_before_it_is_enabled"))

    def pll(name: str) -> int:
        return bits(svd, "RCC", "PLLSAI1CFGR", name, name, found["PLLSAI1CFGR"])

    def fields(register: str, *names: str) -> list[int]:
        word = found["CHCFG0R1" if register == "CHCFG0R1" else "FCR"]
        return [bits(svd, "DFSDM", register, name, name, word) for name in names]

    vco = Fraction(oscillator) * pll("PLLSAI1N")
    assert 64_000_000 <= vco <= 344_000_000 and pll("PLLSAI1PEN") == 1
    assert bits(svd, "RCC", "CCIPR", "SAI1SEL", "SAI1SEL", found["CCIPR"]) == 0
    divider, source_is_audio, enabled = fields("CHCFG0R1", "CKOUTDIV", "CKOUTSRC", "DFSDMEN")
    assert source_is_audio and enabled and divider >= 1
    bit_clock = vco / (17 if pll("PLLSAI1P") else 7) / (divider + 1)
    order, ratio, integrated = fields("DFSDM0_FCR", "FORD", "FOSR", "IOSR")
    assert (order, ratio + 1, integrated + 1) == (SUM_ORDER, BITS_PER_SUM, 1), "the kit's first filter"
    rate = bit_clock / (ratio + 1) / SUMS_PER_SAMPLE
    print(f"DFSDM: {float(bit_clock):,.0f} Hz, {float(rate):,.3f} Hz, {ppm(rate, 16_000):+.1f} ppm of 16,000")
    assert abs(ppm(rate, 16_000)) <= most_ppm
    assert 1_000_000 <= bit_clock <= 3_250_000, "what an MP34DT01 takes"


@pytest.mark.parametrize("name", ["f4_serial", "netduinoplus2_serial", "l4_serial"])
def test_stm32_baud_rate_of_the_register_is_near_enough_to_the_hosts(name):
    """RM0090 30.3.4, RM0351 40.5.4: baud = clock / BRR when each bit is sampled 16 times."""
    found = words(run(name, "pins_and_format"))
    baud = Fraction(found["bus"], found["BRR"])
    print(f"{name}: {float(baud):,.0f} baud, {ppm(baud, 921_600):+,.0f} ppm of 921,600")
    # Sampled in the middle of its last bit, 9.5 bits after the edge, a frame may be off by half a bit; a quarter here,
    # for the host's own clock and the sampling take their share.
    assert abs(ppm(baud, 921_600)) * 9.5 < 250_000


@pytest.mark.parametrize("name", ["f4_chip", "l4_chip"])
def test_stm32_watchdog_waits_for_four_seconds_and_sleep_is_shorter(name):
    """RM0090 21.3, RM0351 36.3: (RLR + 1) clocks of 4 * 2 ** PR of the oscillator of 32 kHz, which has 17 to 47."""
    found = words(run(name, "watchdog_starts_with_the_first_turn"))
    clocks = (found["RLR"] + 1) * 4 * 2 ** found["PR"]
    assert clocks == 4 * 32_000
    wake_s = found["tick"] / (found["core"] / 8)
    assert wake_s == pytest.approx(0.5, abs=1e-6) and wake_s < clocks / 47_000 / 2
    assert found["core"] == load_board(PROGRAMS[name].board).clock_hz
