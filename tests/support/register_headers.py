"""Reads the constants of a register header (`firmware/boards/**/*_registers.h`), compares them with the vendor's SVD.

A header is a declaration: every line of it is one of these forms, or a comment, or empty. What a constant is called is
free; the comment behind it is the vendor's name, and is what is checked.

    // svd: nrf52840.svd nrf52833.svd             the files that every constant is looked up in
    constexpr uintptr_t kUarte0 = 0x40002000;     // UARTE0                     base address of a peripheral
    constexpr uint32_t kUarte0Line = 2;           // interrupt UARTE0_UART0     number of an interrupt
    namespace uarte {                             // UARTE0 UARTE1              peripherals with the layout that follows
    constexpr uintptr_t kRxdPtr = 0x534;          // RXD.PTR                    offset of a register
    constexpr uintptr_t kPinCnf = 0x700;          // PIN_CNF[0]                 the first one of several
    constexpr uintptr_t kPinCnfStride = 0x4;      // stride PIN_CNF             from one of several to the next
    constexpr Field kParity{1, 3};                // CONFIG:PARITY              first bit and width of a field
    constexpr uint32_t kParityIncluded = 7;       // CONFIG:PARITY=Included     value of a field
    }

Several names stand for several things that must all be so (`INTENSET:END INTENCLR:END`). Behind the names may stand:

    unlisted: RM0090 8.4.1               the SVD does not have it; the manual's place that does
    against the SVD: RM0090 8.4.1        the SVD has it otherwise and is wrong; the manual's place
"""

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.support.svd import Svd

_NUMBER = r"(0x[0-9A-Fa-f]+|\d+)u?"
_CONSTANT = re.compile(
    rf"^constexpr (?P<type>uintptr_t|uint32_t|Field) (?P<name>k\w+)"
    rf"(?: = (?P<value>{_NUMBER})|\{{(?P<position>{_NUMBER}), (?P<width>{_NUMBER})\}});\s*// (?P<comment>.+)$"
)
_NAMESPACE = re.compile(r"^namespace (?P<name>\w+) \{\s*// (?P<peripherals>[\w ]+)$")
_REASON = re.compile(r"^(?P<names>.*?)\s*(?P<kind>unlisted|against the SVD): (?P<reason>\S.*)$")
_FRAME = re.compile(
    r"^(#pragma once|#include (<cstdint>|\"cortex_m/field\.h\")|namespace kws::board \{|\}  // namespace \S+|)$"
)


@dataclasses.dataclass(frozen=True)
class Constant:
    """One constant of a header.

    Attributes:
      name: in C++.
      kind: ``"base"``, ``"interrupt"``, ``"offset"``, ``"stride"``, ``"field"`` or ``"value"``.
      value: the number, or position and width of a field.
      peripherals: with whose layout it belongs; none of a base address or an interrupt.
      paths: the vendor's names.
      exception: ``""``, ``"unlisted"`` or ``"against the SVD"``.
      line: in the header.
    """

    name: str
    kind: str
    value: int | tuple[int, int]
    peripherals: tuple[str, ...]
    paths: tuple[str, ...]
    exception: str
    line: int


@dataclasses.dataclass(frozen=True)
class Header:
    """A header as it was read.

    Attributes:
      svds: the files that it names.
      constants: in its order.
      faults: lines that are of no known form.
    """

    svds: tuple[str, ...]
    constants: tuple[Constant, ...]
    faults: tuple[str, ...]


def read_header(path: Path) -> Header:
    """Reads a header."""
    svds: tuple[str, ...] = ()
    constants, faults, peripherals = [], [], ()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("// svd: "):
            svds = tuple(line.removeprefix("// svd: ").split())
        elif line.startswith("//"):
            continue
        elif match := _NAMESPACE.match(line):
            peripherals = tuple(match["peripherals"].split())
        elif match := _CONSTANT.match(line):
            constant = _constant(match, peripherals, number)
            if constant is None:
                faults.append(f"line {number}: the names are of another kind than the type. Received: {line}")
            else:
                constants.append(constant)
        elif line.startswith("}"):
            peripherals = ()
            if not _FRAME.match(line):
                faults.append(f"line {number} is of no known form. Received: {line}")
        elif not _FRAME.match(line):
            faults.append(f"line {number} is of no known form. Received: {line}")
    if not svds:
        faults.append("no line '// svd: FILE' names what to compare with")
    return Header(svds, tuple(constants), tuple(faults))


def _constant(match: re.Match[str], peripherals: tuple[str, ...], line: int) -> Constant | None:
    comment, exception = match["comment"], ""
    if reason := _REASON.match(comment):
        comment, exception = reason["names"], reason["kind"]
    words = tuple(comment.split())
    if not words:
        return None
    special = words[0] if words[0] in ("interrupt", "stride") else ""
    paths = words[1:] if special else words
    value: int | tuple[int, int] = (
        (int(match["position"].rstrip("u"), 0), int(match["width"].rstrip("u"), 0))
        if match["position"]
        else int(match["value"].rstrip("u"), 0)
    )
    marks = {(":" in path, "=" in path) for path in paths}
    shape = marks.pop() if len(marks) == 1 else None
    kind = {
        ("uintptr_t", "", (False, False)): "offset" if peripherals else "base",
        ("uintptr_t", "stride", (False, False)): "stride",
        ("uint32_t", "interrupt", (False, False)): "interrupt",
        ("Field", "", (True, False)): "field",
        ("uint32_t", "", (True, True)): "value",
    }.get((match["type"], special, shape))
    outside = kind in ("base", "interrupt")
    is_field = isinstance(value, tuple)
    if kind is None or outside == bool(peripherals) or is_field != (kind == "field"):
        return None
    return Constant(match["name"], kind, value, peripherals, paths, exception, line)


def find_faults(constants: Iterable[Constant], svd: Svd) -> list[str]:
    """What a vendor's file says otherwise, one line each that names the constant."""
    return [
        f"{constant.name} (line {constant.line}): {fault}" for constant in constants for fault in _of(constant, svd)
    ]


def _of(constant: Constant, svd: Svd) -> list[str]:
    if constant.kind in ("base", "interrupt"):
        table = svd.bases if constant.kind == "base" else svd.interrupts
        return [
            fault for path in constant.paths for fault in _compare(constant, path, table.get(path), _place(constant))
        ]
    lookup: dict[str, Callable[[str, str], int | tuple[int, int] | None]] = {
        "offset": svd.offset,
        "stride": svd.stride,
        "field": svd.field,
        "value": svd.value,
    }
    faults = []
    for peripheral in constant.peripherals:
        for path in constant.paths:
            found = lookup[constant.kind](peripheral, path)
            faults += _compare(constant, f"{peripheral} {path}", found, _place(constant))
            if constant.kind == "value":
                faults += _fits(constant, svd, peripheral, path)
    return faults


def _place(constant: Constant) -> str:
    shown = constant.value if isinstance(constant.value, tuple) else hex(constant.value)
    return f"{constant.kind} {shown}"


def _compare(constant: Constant, path: str, found: int | tuple[int, int] | None, received: str) -> list[str]:
    if constant.exception == "unlisted":
        return [f"{path} is no exception, the SVD has it: {found}"] if found is not None else []
    if found is None:
        return [f"the SVD has no {path}. Received: {received}"]
    if constant.exception:
        return [f"{path} is no exception, the SVD agrees"] if found == constant.value else []
    if found != constant.value:
        shown = found if isinstance(found, tuple) else hex(found)
        return [f"{path} is {shown}. Received: {received}"]
    return []


def _fits(constant: Constant, svd: Svd, peripheral: str, path: str) -> list[str]:
    """Also a value that the SVD does not list must fit a field that it does list."""
    field = svd.field(peripheral, path.partition("=")[0])
    if field is None:
        return [] if constant.exception else [f"the SVD has no field {peripheral} {path}"]
    if isinstance(constant.value, tuple) or constant.value < 1 << field[1]:
        return []
    return [f"{peripheral} {path} does not fit {field[1]} bits. Received: {_place(constant)}"]
