"""Every constant of the register headers is the vendor's: base addresses, offsets, bits, values, interrupt numbers."""

import dataclasses
import re

import pytest
from kws_firmware.boards import FIRMWARE

from tests.support.register_headers import Constant, find_faults, read_header
from tests.support.svd import load_svd

HEADERS = sorted((FIRMWARE / "boards").rglob("*_registers.h"))
IDS = [path.stem for path in HEADERS]

# Peripherals without an SVD: Arm's FPGA images, which application notes describe.
_NO_SVD = {"mps/mps2.h", "mps3_an547/board_config.h"}


def planted(constant: Constant) -> list[Constant]:
    """The constant with each of its numbers a little wrong."""
    if isinstance(constant.value, tuple):
        position, width = constant.value
        return [
            dataclasses.replace(constant, value=(position + 1, width)),
            dataclasses.replace(constant, value=(position, width + 1)),
        ]
    step = {"base": 0x1000, "offset": 4, "stride": 4}.get(constant.kind, 1)
    return [dataclasses.replace(constant, value=constant.value + step)]


@pytest.mark.parametrize("path", HEADERS, ids=IDS)
def test_register_header_every_line_is_a_declaration_of_a_known_form(path):
    header = read_header(path)
    assert header.faults == () and header.constants


@pytest.mark.parametrize("path", HEADERS, ids=IDS)
def test_register_header_every_constant_is_the_vendors(path):
    header = read_header(path)
    for name in header.svds:
        assert find_faults(header.constants, load_svd(name)) == [], name


@pytest.mark.parametrize("path", HEADERS, ids=IDS)
def test_register_header_each_number_changed_is_found(path):
    header = read_header(path)
    svd, count = load_svd(header.svds[0]), 0
    for constant in header.constants:
        if constant.exception:
            continue
        for wrong in planted(constant):
            faults = find_faults([wrong], svd)
            assert len(faults) >= 1 and faults[0].startswith(constant.name), wrong
            count += 1
    assert count >= len([constant for constant in header.constants if not constant.exception])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("constexpr uintptr_t kX = 0x40002000;  // PDM", "PDM is 0x4001d000. Received: base 0x40002000"),
        ("constexpr uint32_t kX = 30;  // interrupt PDM", "PDM is 0x1d. Received: interrupt 0x1e"),
        ("constexpr uintptr_t kX = 0x40002000;  // PMD", "the SVD has no PMD. Received: base 0x40002000"),
        ("namespace n {  // PDM\nconstexpr uintptr_t kX = 0x520;  // RATE", "the SVD has no PDM RATE"),
        ("namespace n {  // PDM\nconstexpr uintptr_t kX = 0x524;  // RATIO", "PDM RATIO is 0x520. Received: offset"),
        ("namespace n {  // P0\nconstexpr uintptr_t kX = 8;  // stride PIN_CNF", "P0 PIN_CNF is 0x4. Received: stride"),
        ("namespace n {  // PDM\nconstexpr Field kX{0, 1};  // MODE:EDGE", "PDM MODE:EDGE is (1, 1). Received: field"),
        ("namespace n {  // PDM\nconstexpr uint32_t kX = 2;  // RATIO:RATIO=Ratio80", "RATIO:RATIO=Ratio80 is 0x1"),
        (
            "namespace n {  // PDM\nconstexpr uint32_t kX = 2;  // RATIO:RATIO=Ratio96 unlisted: PS 6.15",
            "PDM RATIO:RATIO=Ratio96 does not fit 1 bits. Received: value 0x2",
        ),
        (
            "namespace n {  // PDM\nconstexpr uint32_t kX = 1;  // RATIO:RATIO=Ratio80 unlisted: PS 6.15",
            "PDM RATIO:RATIO=Ratio80 is no exception, the SVD has it",
        ),
        (
            "namespace n {  // PDM\nconstexpr uintptr_t kX = 0x520;  // RATIO against the SVD: PS 6.15",
            "PDM RATIO is no exception, the SVD agrees",
        ),
    ],
)
def test_find_faults_of_a_wrong_constant_says_what_is_right(tmp_path, line, message):
    path = tmp_path / "x_registers.h"
    path.write_text(f"// svd: nrf52840.svd\n{line}\n", encoding="utf-8")
    header = read_header(path)
    assert header.faults == ()
    faults = [fault for name in header.svds for fault in find_faults(header.constants, load_svd(name))]
    assert any(message in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("// svd: a.svd\nconstexpr uintptr_t kX = 0x40002000;\n", "line 2 is of no known form"),
        ("// svd: a.svd\nconstexpr uintptr_t kX = kY + 4;  // PDM\n", "line 2 is of no known form"),
        ("// svd: a.svd\nconstexpr uint32_t kX = 4;  // PDM\n", "line 2: the names are of another kind"),
        ("// svd: a.svd\nconstexpr Field kX{0, 1};  // RATIO:RATIO\n", "line 2: the names are of another kind"),
        ("// svd: a.svd\ninline int Two() { return 2; }\n", "line 2 is of no known form"),
        ("#pragma once\n", "no line '// svd: FILE'"),
    ],
)
def test_read_header_what_it_cannot_read_is_a_fault(tmp_path, text, message):
    path = tmp_path / "x_registers.h"
    path.write_text(text, encoding="utf-8")
    assert message in "; ".join(read_header(path).faults)


def test_board_source_names_no_peripheral_address_outside_of_a_register_header():
    address = re.compile(r"\b0x[45][0-9A-Fa-f]{7}\b")
    found = set()
    for path in sorted((FIRMWARE / "boards").rglob("*.[ch]*")):
        if path not in HEADERS and address.search(path.read_text(encoding="utf-8")):
            found.add(path.relative_to(FIRMWARE / "boards").as_posix())
    assert found == _NO_SVD
