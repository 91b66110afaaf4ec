"""Writes a graph as a ``.tflite``: tests make small models and faulty ones without TensorFlow."""

from typing import Any

import flatbuffers
import numpy as np
from kws_reference.tflite.graph import Graph, Op, Tensor
from kws_reference.tflite.schema import generated as tflite

_BUILTIN = {name: value for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
_TYPE = {name: value for name, value in vars(tflite.TensorType).items() if isinstance(value, int)}
_ACTIVATION = {name: value for name, value in vars(tflite.ActivationFunctionType).items() if isinstance(value, int)}
_PADDING = {name: value for name, value in vars(tflite.Padding).items() if isinstance(value, int)}


def write(graph: Graph, *, version: int = 3, identifier: bytes = b"TFL3") -> bytes:
    """Serialises `graph` as a model with one subgraph. What `kws_reference.tflite.reader.read` gives can be written."""
    builder = flatbuffers.Builder(1 << 16)
    buffers: list[bytes] = [b""]
    tensors = [_tensor(builder, tensor, buffers) for tensor in graph.tensors]
    kinds = sorted({op.kind for op in graph.ops})
    operators = [_operator(builder, op, kinds.index(op.kind)) for op in graph.ops]
    codes = [_code(builder, kind) for kind in kinds]
    stored = [_buffer(builder, data) for data in buffers]

    tensor_vector = _offsets(builder, tflite.SubGraphStartTensorsVector, tensors)
    inputs, outputs = _ints(builder, graph.inputs), _ints(builder, graph.outputs)
    operator_vector = _offsets(builder, tflite.SubGraphStartOperatorsVector, operators)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensor_vector)
    tflite.SubGraphAddInputs(builder, inputs)
    tflite.SubGraphAddOutputs(builder, outputs)
    tflite.SubGraphAddOperators(builder, operator_vector)
    subgraph = tflite.SubGraphEnd(builder)

    subgraphs = _offsets(builder, tflite.ModelStartSubgraphsVector, [subgraph])
    code_vector = _offsets(builder, tflite.ModelStartOperatorCodesVector, codes)
    buffer_vector = _offsets(builder, tflite.ModelStartBuffersVector, stored)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, version)
    tflite.ModelAddOperatorCodes(builder, code_vector)
    tflite.ModelAddSubgraphs(builder, subgraphs)
    tflite.ModelAddBuffers(builder, buffer_vector)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=identifier)
    return bytes(builder.Output())


def _offsets(builder: Any, start: Any, offsets: list[int]) -> int:
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _ints(builder: Any, values: Any) -> int:
    return builder.CreateNumpyVector(np.array(values, np.int32))


def _buffer(builder: Any, data: bytes) -> int:
    vector = builder.CreateNumpyVector(np.frombuffer(data, np.uint8)) if data else None
    tflite.BufferStart(builder)
    if vector is not None:
        tflite.BufferAddData(builder, vector)
    return tflite.BufferEnd(builder)


def _code(builder: Any, kind: str) -> int:
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(_BUILTIN[kind], 127))
    tflite.OperatorCodeAddVersion(builder, 1)
    tflite.OperatorCodeAddBuiltinCode(builder, _BUILTIN[kind])
    return tflite.OperatorCodeEnd(builder)


def _pack(values: np.ndarray) -> bytes:
    """Two values per byte, the earlier one in the low half; the last half may stay empty."""
    flat = np.asarray(values, np.int8).view(np.uint8).reshape(-1) & 15
    flat = np.pad(flat, (0, flat.size % 2))
    return (flat[0::2] | flat[1::2] << 4).astype(np.uint8).tobytes()


def _tensor(builder: Any, tensor: Tensor, buffers: list[bytes]) -> int:
    buffer = 0
    if tensor.data is not None:
        buffer = len(buffers)
        buffers.append(_pack(tensor.data) if tensor.dtype == "INT4" else np.ascontiguousarray(tensor.data).tobytes())
    name = builder.CreateString(tensor.name)
    shape = _ints(builder, tensor.shape)
    quantization = None
    if tensor.scales:
        scales = builder.CreateNumpyVector(np.array(tensor.scales, np.float32))
        zero_points = builder.CreateNumpyVector(np.array(tensor.zero_points, np.int64))
        tflite.QuantizationParametersStart(builder)
        tflite.QuantizationParametersAddScale(builder, scales)
        tflite.QuantizationParametersAddZeroPoint(builder, zero_points)
        axis = [i for i, n in enumerate(tensor.shape) if n == len(tensor.scales)]
        if len(tensor.scales) > 1 and axis:
            # Per channel: convolutions on axis 0, depthwise convolutions on the last one.
            tflite.QuantizationParametersAddQuantizedDimension(builder, axis[-1] if tensor.shape[0] == 1 else axis[0])
        quantization = tflite.QuantizationParametersEnd(builder)
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, _TYPE[tensor.dtype])
    tflite.TensorAddBuffer(builder, buffer)
    tflite.TensorAddName(builder, name)
    tflite.TensorAddIsVariable(builder, tensor.is_variable)
    if quantization is not None:
        tflite.TensorAddQuantization(builder, quantization)
    return tflite.TensorEnd(builder)


def _operator(builder: Any, op: Op, code: int) -> int:
    inputs, outputs = _ints(builder, op.inputs), _ints(builder, op.outputs)
    options = _options(builder, op)
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, options[0])
        tflite.OperatorAddBuiltinOptions(builder, options[1])
    return tflite.OperatorEnd(builder)


_POOL = (
    "Pool2DOptions",
    {
        "padding": "Padding",
        "stride_w": "StrideW",
        "stride_h": "StrideH",
        "filter_w": "FilterWidth",
        "filter_h": "FilterHeight",
        "activation": "FusedActivationFunction",
    },
)
# Table of each kind of op, and the setter of each option of the IR.
_TABLES = {
    "ADD": ("AddOptions", {"activation": "FusedActivationFunction"}),
    "AVERAGE_POOL_2D": _POOL,
    "BATCH_MATMUL": ("BatchMatMulOptions", {"adjoint_a": "AdjX", "adjoint_b": "AdjY"}),
    "CONCATENATION": ("ConcatenationOptions", {"axis": "Axis", "activation": "FusedActivationFunction"}),
    "CONV_2D": (
        "Conv2DOptions",
        {
            "padding": "Padding",
            "stride_w": "StrideW",
            "stride_h": "StrideH",
            "activation": "FusedActivationFunction",
            "dilation_w": "DilationWFactor",
            "dilation_h": "DilationHFactor",
        },
    ),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        {
            "padding": "Padding",
            "stride_w": "StrideW",
            "stride_h": "StrideH",
            "depth_multiplier": "DepthMultiplier",
            "activation": "FusedActivationFunction",
            "dilation_w": "DilationWFactor",
            "dilation_h": "DilationHFactor",
        },
    ),
    "FULLY_CONNECTED": (
        "FullyConnectedOptions",
        {
            "activation": "FusedActivationFunction",
            "weights_format": "WeightsFormat",
            "keep_num_dims": "KeepNumDims",
        },
    ),
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": "Alpha"}),
    "MAXIMUM": ("MaximumMinimumOptions", {}),
    "MAX_POOL_2D": _POOL,
    "MEAN": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "MINIMUM": ("MaximumMinimumOptions", {}),
    "MUL": ("MulOptions", {"activation": "FusedActivationFunction"}),
    "PAD": ("PadOptions", {}),
    "PADV2": ("PadV2Options", {}),
    "REDUCE_MAX": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "SOFTMAX": ("SoftmaxOptions", {"beta": "Beta"}),
    "SPLIT": ("SplitOptions", {"splits": "NumSplits"}),
    "SPLIT_V": ("SplitVOptions", {"splits": "NumSplits"}),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        {
            "begin_mask": "BeginMask",
            "end_mask": "EndMask",
            "ellipsis_mask": "EllipsisMask",
            "new_axis_mask": "NewAxisMask",
            "shrink_axis_mask": "ShrinkAxisMask",
        },
    ),
    "SUB": ("SubOptions", {"activation": "FusedActivationFunction"}),
    "SUM": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "SVDF": ("SVDFOptions", {"rank": "Rank", "activation": "FusedActivationFunction"}),
    "TRANSPOSE": ("TransposeOptions", {}),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        "UnidirectionalSequenceLSTMOptions",
        {
            "activation": "FusedActivationFunction",
            "cell_clip": "CellClip",
            "projection_clip": "ProjClip",
            "time_major": "TimeMajor",
        },
    ),
}
_ENUMERATIONS = {"padding": _PADDING, "activation": _ACTIVATION}


def _options(builder: Any, op: Op) -> tuple[int, int] | None:
    if op.kind not in _TABLES:
        return None
    table, setters = _TABLES[op.kind]
    getattr(tflite, f"{table}Start")(builder)
    for option, setter in setters.items():
        if option in op.options:
            value = op.options[option]
            getattr(tflite, f"{table}Add{setter}")(builder, _ENUMERATIONS.get(option, {}).get(value, value))
    return getattr(tflite.BuiltinOptions, table), getattr(tflite, f"{table}End")(builder)
