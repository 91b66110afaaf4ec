"""Numbers, bytes and names as C++ text: the filters of the templates."""

from collections.abc import Iterable

import numpy as np

LINE_LENGTH = 118


def numbers(values: Iterable[int], indent: int = 4) -> str:
    """Integers as comma-separated lines, without a trailing line break."""
    lines, line = [], " " * indent
    for value in np.asarray(values).reshape(-1).tolist():
        text = f"{value}," if value != -(2**31) else "INT32_MIN,"
        if len(line) + len(text) > LINE_LENGTH:
            lines.append(line.rstrip())
            line = " " * indent
        line += text + " "
    return "\n".join([*lines, line.rstrip()])


def c_type(values: np.ndarray) -> str:
    """C++ type of an integer array's elements."""
    assert values.dtype.kind in "iu", values.dtype
    return f"{values.dtype.name}_t"


def hex_bytes(values: bytes, indent: int = 4) -> str:
    """Bytes as lines of hexadecimal numbers."""
    per_line = (LINE_LENGTH - indent) // 5
    rows = [values[i : i + per_line] for i in range(0, len(values), per_line)]
    return "\n".join(" " * indent + ",".join(f"0x{byte:02x}" for byte in row) + "," for row in rows)


def c_string(text: str) -> str:
    """A C string literal in ASCII."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127 and char != "?":
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def comment(text: str) -> str:
    """Text that is safe behind ``//``: no line is continued, not even by a trigraph."""
    return "".join(char if 32 <= ord(char) < 127 and char not in "\\?" else "_" for char in text)


def camel(name: str) -> str:
    """A C++ constant's name without its ``k``: ``block1.depthwise`` -> ``Block1Depthwise``."""
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in name).split()
    return "".join(word[0].upper() + word[1:] for word in words)


def snake(name: str) -> str:
    """A C++ variable's name: ``Block 1`` -> ``block_1``."""
    return "_".join("".join(c.lower() if c.isascii() and c.isalnum() else " " for c in name).split())
