"""The vendors' descriptions of chips (CMSIS-SVD), as PyPI's pyocd carries them."""

import functools
import importlib.util
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest


def _decimal_or_hex(text: str) -> int:
    """A number as SVDs write it; some have leading zeros in decimals."""
    text = text.strip()
    return int(text, 16) if text.lower().startswith("0x") else int(text)


def load_svd(name: str) -> "Svd":
    """A vendor's file by its name; skips the test where pyocd is missing."""
    found = importlib.util.find_spec("pyocd")
    if found is None or found.origin is None:
        pytest.skip("missing: pyocd, which carries the vendors' SVD files (pip install .[dev])")
    return _load(Path(found.origin).parent / "debug" / "svd" / "svd_data.zip", name)


@functools.cache
def _load(archive: Path, name: str) -> "Svd":
    with zipfile.ZipFile(archive) as files:
        return Svd(ElementTree.fromstring(files.read(name)))


class Svd:
    """Registers of one chip, by the vendor's names.

    A register of a cluster is ``CLUSTER.REGISTER``, one of several ``NAME[index]``; a field is ``REGISTER:FIELD``, a
    value of it ``REGISTER:FIELD=NAME``.
    """

    def __init__(self, root: ElementTree.Element) -> None:
        self._elements = {peripheral.findtext("name", ""): peripheral for peripheral in root.iter("peripheral")}
        self.bases = {
            name: _decimal_or_hex(element.findtext("baseAddress", "0")) for name, element in self._elements.items()
        }
        self.interrupts = {
            interrupt.findtext("name", ""): _decimal_or_hex(interrupt.findtext("value", "0"))
            for interrupt in root.iter("interrupt")
        }
        self._layouts: dict[str, dict[str, tuple[int, ElementTree.Element]]] = {}

    def offset(self, peripheral: str, path: str) -> int | None:
        """Offset of a register; None if there is no such register."""
        found = self._registers(peripheral).get(path)
        return None if found is None else found[0]

    def stride(self, peripheral: str, path: str) -> int | None:
        """From one of several registers, or clusters of them, to the next; None if there are not several."""
        registers = self._registers(peripheral)
        starts = [
            min(
                (offset for name, (offset, _) in registers.items() if re.match(rf"{re.escape(path)}\[{index}\]", name)),
                default=None,
            )
            for index in (0, 1)
        ]
        return None if starts[0] is None or starts[1] is None else starts[1] - starts[0]

    def field(self, peripheral: str, path: str) -> tuple[int, int] | None:
        """First bit and width of a field; None if there is no such field."""
        element = self._field_element(peripheral, path)
        if element is None:
            return None
        bits = element.findtext("bitRange")
        if bits:
            high, low = (int(bit) for bit in bits.strip("[]").split(":"))
        elif element.findtext("lsb") is not None:
            low, high = (_decimal_or_hex(element.findtext(name, "")) for name in ("lsb", "msb"))
        else:
            low = _decimal_or_hex(element.findtext("bitOffset", ""))
            high = low + _decimal_or_hex(element.findtext("bitWidth", "1")) - 1
        return low, high - low + 1

    def value(self, peripheral: str, path: str) -> int | None:
        """Value of a field by its name; None if the field has no such name."""
        where, _, name = path.partition("=")
        element = self._field_element(peripheral, where)
        values = [] if element is None else element.iter("enumeratedValue")
        return next((_decimal_or_hex(v.findtext("value", "")) for v in values if v.findtext("name") == name), None)

    def descriptions(self, peripheral: str, path: str) -> dict[int, str]:
        """What the values of a field mean, by value."""
        element = self._field_element(peripheral, path)
        values = [] if element is None else element.iter("enumeratedValue")
        return {_decimal_or_hex(v.findtext("value", "")): v.findtext("description", "") for v in values}

    def _field_element(self, peripheral: str, path: str) -> ElementTree.Element | None:
        register, _, name = path.partition(":")
        found = self._registers(peripheral).get(register)
        fields = [] if found is None else found[1].iter("field")
        return next((field for field in fields if field.findtext("name") == name), None)

    def _registers(self, peripheral: str) -> dict[str, tuple[int, ElementTree.Element]]:
        if peripheral not in self._layouts:
            element = self._elements.get(peripheral)
            if element is None:
                return {}
            parent = element.get("derivedFrom")
            layout = dict(self._registers(parent)) if parent else {}
            registers = element.find("registers")
            if registers is not None:
                layout |= _expand(registers, "", 0)
            self._layouts[peripheral] = layout
        return self._layouts[peripheral]


def _expand(parent: ElementTree.Element, prefix: str, base: int) -> dict[str, tuple[int, ElementTree.Element]]:
    found: dict[str, tuple[int, ElementTree.Element]] = {}
    for element in parent:
        if element.tag not in ("register", "cluster"):
            continue
        start = base + _decimal_or_hex(element.findtext("addressOffset", "0"))
        step = _decimal_or_hex(element.findtext("dimIncrement", "0"))
        for index, name in enumerate(_names(element)):
            offset = start + index * step
            if element.tag == "cluster":
                found |= _expand(element, f"{prefix}{name}.", offset)
            else:
                found[prefix + name] = (offset, element)
    return found


def _names(element: ElementTree.Element) -> list[str]:
    name, count = element.findtext("name", ""), element.findtext("dim")
    if count is None:
        return [name]
    indices = element.findtext("dimIndex")
    numbers = range(_decimal_or_hex(count))
    if indices and "-" in indices:
        low, high = (int(number) for number in indices.split("-"))
        words = [str(number) for number in range(low, high + 1)]
    else:
        words = indices.split(",") if indices else [str(number) for number in numbers]
    return [name.replace("%s", word) for word in words]
