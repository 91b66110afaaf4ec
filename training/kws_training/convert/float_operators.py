"""Operators of a ``.tflite`` that compute in floating point, which no firmware does."""

import dataclasses
from collections.abc import Sequence

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
    from ai_edge_litert import schema_py_generated as schema

    floats = {
        value
        for name, value in vars(schema.TensorType).items()
        if isinstance(value, int) and (name.startswith(("FLOAT", "COMPLEX")) or name == "BFLOAT16")
    }
    kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    model, found = schema.Model.GetRootAs(data, 0), []
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        for position in range(graph.OperatorsLength()):
            operator = graph.Operators(position)
            code = model.OperatorCodes(operator.OpcodeIndex())
            results = [operator.Outputs(i) for i in range(operator.OutputsLength())]
            tensors = [operator.Inputs(i) for i in range(operator.InputsLength())] + results
            if any(index >= 0 and graph.Tensors(index).Type() in floats for index in tensors):
                kind = kinds.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "custom operator")
                name = graph.Tensors(results[0]).Name() if results else b""
                found.append(FloatOperator(kind, (name or b"").decode(errors="replace")))
    return [item for item in found if item.kind not in ("QUANTIZE", "DEQUANTIZE")] or found


def named(operators: Sequence[FloatOperator]) -> str:
    """How many, and the first of them: "2 operators in float (ELU 'elu', NEG 'minus')"."""
    text = ", ".join(map(str, operators[:_SHOWN])) + (", ..." if len(operators) > _SHOWN else "")
    return f"{len(operators)} operator{'s' if len(operators) > 1 else ''} in float ({text})"
