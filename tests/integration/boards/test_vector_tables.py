"""The vector table of each image: where the chip looks for it, stack in RAM, handlers of the lines that are used."""

import functools
import struct

import pytest
from elftools.elf.elffile import ELFFile
from kws_firmware.boards import FOLDER, load_board

from tests.support import boards
from tests.support.svd import load_svd

pytestmark = pytest.mark.qemu

CORE_EXCEPTIONS = 16  # words before the first line: the stack pointer and 15 exceptions of the core
# Of chips that a vendor's file describes: the interrupt that each handler is for.
HANDLERS = {
    "nrf52840_dk": ("nrf52840.svd", {"KwsSerialInterrupt": "UARTE0_UART0", "KwsMicrophoneInterrupt": "PDM"}),
    "microbit_v2": ("nrf52833.svd", {"KwsSerialInterrupt": "UARTE0_UART0", "KwsMicrophoneInterrupt": "SAADC"}),
    "nano33ble_sense": ("nrf52840.svd", {"KwsSerialInterrupt": "UARTE0_UART0", "KwsMicrophoneInterrupt": "PDM"}),
    "netduinoplus2": ("STM32F41x.svd", {"KwsSerialInterrupt": "USART6_IRQ"}),
    "stm32f4_discovery": (
        "STM32F41x.svd",
        {"KwsSerialInterrupt": "USART2_IRQ", "KwsMicrophoneInterrupt": "DMA1_Stream3_IRQ"},
    ),
    "disco_l475vg_iot01a": (
        "STM32L4x5.svd",
        {"KwsSerialInterrupt": "USART1", "KwsMicrophoneInterrupt": "DMA1_Channel4"},
    ),
}


class Image:
    """An image's vector table, memory and symbols."""

    def __init__(self, env: str) -> None:
        with boards.build(env).open("rb") as handle:
            elf = ELFFile(handle)
            table = elf.get_section_by_name(".symtab")
            self.symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
            text = elf.get_section_by_name(".text")
            self.start = text["sh_addr"]
            size = next(s["st_size"] for s in table.iter_symbols() if "kVectors" in s.name)
            self.words = struct.unpack(f"<{size // 4}I", text.data()[:size])
            self.address = next(s["st_value"] for s in table.iter_symbols() if "kVectors" in s.name)
            code = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_flags"] & 1]
            self.code = [(s["p_vaddr"], s["p_vaddr"] + s["p_memsz"]) for s in code]

    def is_code(self, address: int) -> bool:
        """Whether an address is Thumb code of the image."""
        return bool(address & 1) and any(low <= address < high for low, high in self.code)


@functools.cache
def image(env: str) -> Image:
    return Image(env)


@pytest.mark.parametrize("env", boards.COMPILED)
def test_vector_table_lies_where_the_chip_looks_for_it(env):
    found, manifest = image(env), (FOLDER / f"{env}.json").read_text(encoding="utf-8")
    assert found.address == found.start
    if '"offset_address"' in manifest:
        assert f'"offset_address": "{found.address:#010x}"' in manifest
    # VTOR takes multiples of the table's size, rounded up to a power of two.
    assert found.address % (1 << (4 * len(found.words) - 1).bit_length()) == 0
    binary = boards.BUILD / env / "firmware.bin"
    assert binary.read_bytes()[: 4 * len(found.words)] == struct.pack(f"<{len(found.words)}I", *found.words)


@pytest.mark.parametrize("env", boards.COMPILED)
def test_vector_table_stack_is_in_ram_and_reset_and_handlers_are_code(env):
    found = image(env)
    symbols = found.symbols
    assert found.words[0] == symbols["__handler_stack_top"] and found.words[0] % 8 == 0
    assert symbols["__handler_stack_low"] < found.words[0] <= symbols["__bss_start"]
    assert found.words[1] == symbols["Reset_Handler"]
    assert all(found.is_code(word) for word in found.words[1:])


@pytest.mark.parametrize("env", boards.COMPILED)
def test_vector_table_has_each_handler_of_the_image_in_one_place_and_faults_elsewhere(env):
    found = image(env)
    handlers = {address: name for name, address in found.symbols.items() if name.endswith("Interrupt")}
    used = [handlers[word] for word in found.words if word in handlers]
    assert sorted(used) == sorted(handlers.values())
    others = {word for word in found.words[2:] if word not in handlers}
    assert others == {found.symbols["KwsFaultHandler"]}


@pytest.mark.parametrize("env", boards.COMPILED)
def test_vector_table_handlers_of_the_core_are_at_the_architectures_numbers(env):
    found = image(env)
    for handler, exception in {"KwsNonMaskableInterrupt": 2, "KwsTickInterrupt": 15}.items():
        if handler in found.symbols:
            assert found.words[exception] == found.symbols[handler]


@pytest.mark.parametrize("env", HANDLERS)
def test_vector_table_handlers_are_at_the_vendors_lines(env):
    svd, wanted = HANDLERS[env]
    found = image(env)
    for handler, interrupt in wanted.items():
        line = load_svd(svd).interrupts[interrupt]
        assert found.words[CORE_EXCEPTIONS + line] == found.symbols[handler], interrupt
    most = max(load_svd(svd).interrupts.values())
    lines = len(found.words) - CORE_EXCEPTIONS
    # ST's files leave the last ones out, that of the floating point unit among them.
    assert lines >= most + 1 if svd.startswith("STM32") else lines == most + 1


def test_vector_table_is_checked_for_every_board_that_only_a_chip_runs():
    chips = {name for name in boards.COMPILED if not load_board(name).is_emulated}
    assert chips <= set(HANDLERS)
