"""The schema of ``.tflite`` files, from TFLite Micro's own package (the oracle's), and its enumerations by name."""

from typing import Any

from tflite_micro.tensorflow.lite.micro.python import schema_py_generated

generated: Any = schema_py_generated
"""The tables and enumerations, as flatc made them."""
VERSION = 3
IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of every file."""


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


_OPERATORS = _names(generated.BuiltinOperator)
_TYPES = _names(generated.TensorType)
ACTIVATIONS = _names(generated.ActivationFunctionType)
PADDINGS = _names(generated.Padding)

ELEMENT_BITS = {
    "BOOL": 8,
    "COMPLEX64": 64,
    "COMPLEX128": 128,
    "FLOAT16": 16,
    "FLOAT32": 32,
    "FLOAT64": 64,
    "INT4": 4,
    "INT8": 8,
    "INT16": 16,
    "INT32": 32,
    "INT64": 64,
    "UINT8": 8,
    "UINT16": 16,
    "UINT32": 32,
    "UINT64": 64,
}
"""Size of one element by its type; types without a fixed size, such as STRING, are left out."""


def name_text(raw: bytes | None) -> str:
    """A name out of a file as one line of text: whatever is no printable character becomes ``?``."""
    return "".join(char if char.isprintable() else "?" for char in (raw or b"").decode("utf-8", "replace"))


def short_name(name: str) -> str:
    """A tensor's name for a message: converters join those of all layers that they fused, with semicolons."""
    first = name.split(";")[0]
    return first if len(first) <= 80 else f"{first[:77]}..."


def operator_name(builtin: int) -> str:
    """Name of a builtin operator: ``CONV_2D``, ``CUSTOM``, or ``operator 250`` if unknown."""
    return _OPERATORS.get(builtin, f"operator {builtin}")


def type_name(value: int) -> str:
    """Name of a tensor's type: ``INT8``, or ``type 99`` if unknown."""
    return _TYPES.get(value, f"type {value}")
