"""Changes in a ``.tflite`` that keep what it computes, for a quantizer or an interpreter that needs it another way."""

from typing import Any

from kws_reference.errors import KwsError
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

# Operators that give numbers that they take, in another shape or a part of them.
_SAME_VALUES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "STRIDED_SLICE", "SLICE", "SPLIT", "GATHER")


def views_first(calibrated: bytes) -> bytes:
    """Moves operators that only give another shape, or a part, as far to the front as they can go.

    The quantizer visits operators in their order. Where a tensor is joined with a state and also goes, in another
    shape or a part of it, into an operator of its own, such as a 1x1 convolution beside one that keeps earlier frames,
    it can miss that view if the join comes first, and leaves it and what follows in float.
    """
    target = flatbuffer_utils.convert_bytearray_to_object(bytearray(calibrated))
    graph = target.subgraphs[0]
    kinds = {getattr(schema.BuiltinOperator, name) for name in _SAME_VALUES}

    def is_view(operator: Any) -> bool:
        code = target.operatorCodes[operator.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode) in kinds

    waiting, made = list(graph.operators), {index for operator in graph.operators for index in operator.outputs}
    ordered: list[Any] = []
    while waiting:  # of what needs nothing that is still to be made, a view, or else the first
        ready = [operator for operator in waiting if not made.intersection(operator.inputs)]
        chosen = next(filter(is_view, ready), ready[0])
        ordered.append(chosen)
        waiting = [operator for operator in waiting if operator is not chosen]
        made.difference_update(chosen.outputs)
    graph.operators = ordered
    return bytes(flatbuffer_utils.convert_object_to_bytearray(target))


def relu6_by_range(data: bytes) -> bytes:
    """Writes a RELU6 that no convolution took in as QUANTIZE, whose output's range, within 0 and 6, does the clamping.

    TFLite Micro's RELU6 clamps the integers of its input and does not give them the scale of its output.
    """
    target = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
    codes, graph = target.operatorCodes, target.subgraphs[0]
    kinds = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in codes]
    changed = False
    for operator in graph.operators:
        if kinds[operator.opcodeIndex] != schema.BuiltinOperator.RELU6:
            continue
        source, result = (graph.tensors[ends[0]] for ends in (operator.inputs, operator.outputs))
        if not source.type == result.type == schema.TensorType.INT8 or _quantized_alike(source, result):
            continue
        scale, zero_point = float(result.quantization.scale[0]), int(result.quantization.zeroPoint[0])
        if zero_point != -128 or 255 * scale > 6 * (1 + 1e-6):
            raise KwsError(
                f"RELU6 '{result.name.decode(errors='replace')}' gives a range beyond 0 to 6 and another scale than it "
                "takes, which TFLite Micro does not compute. Put it behind a convolution."
            )
        if schema.BuiltinOperator.QUANTIZE not in kinds:
            code = schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
            code.version = 2  # int8 to int8
            codes.append(code)
            kinds.append(schema.BuiltinOperator.QUANTIZE)
        operator.opcodeIndex = kinds.index(schema.BuiltinOperator.QUANTIZE)
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.NONE, None
        changed = True
    return bytes(flatbuffer_utils.convert_object_to_bytearray(target)) if changed else data


def _quantized_alike(source: Any, result: Any) -> bool:
    """Whether two tensors have one scale and zero point."""
    ends = [(list(tensor.quantization.scale), list(tensor.quantization.zeroPoint)) for tensor in (source, result)]
    return ends[0] == ends[1]
