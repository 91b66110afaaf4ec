"""Operators of a ``.tflite`` that compute in floating point, which no firmware does."""

import dataclasses
from collections.abc import Sequence

from kws_reference.tflite.reader import read_subgraphs

_FLOATING = ("FLOAT", "COMPLEX", "BFLOAT")
_SHOWN = 4  # operators that a message names


@dataclasses.dataclass(frozen=True)
class FloatOperator:
    """An operator that takes or gives floating-point numbers.

    Attributes:
      kind: as TFLite calls it: ``ELU``.
      tensor: name of what it computes.
    """

    kind: str
    tensor: str

    def __str__(self) -> str:
        return f"{self.kind} '{self.tensor}'"


def float_operators(data: bytes) -> list[FloatOperator]:
    """The operators of a model with a floating-point tensor, in the order of computation.

    DEQUANTIZE and QUANTIZE, which lead there and back, are left out where others do something between them.
    """
    found = []
    for graph in read_subgraphs(data):
        for op in graph.ops:
            types = [graph.tensors[index].dtype for index in (*op.inputs, *op.outputs) if index >= 0]
            if any(name.startswith(_FLOATING) for name in types):
                found.append(FloatOperator(op.kind, graph.tensors[op.outputs[0]].name))
    return [item for item in found if item.kind not in ("QUANTIZE", "DEQUANTIZE")] or found


def named(operators: Sequence[FloatOperator]) -> str:
    """How many, and the first of them: "2 operators in float (ELU 'elu', NEG 'minus')"."""
    text = ", ".join(map(str, operators[:_SHOWN])) + (", ..." if len(operators) > _SHOWN else "")
    return f"{len(operators)} operator{'s' if len(operators) > 1 else ''} in float ({text})"
