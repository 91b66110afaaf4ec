"""Reads a ``.tflite`` into the graph IR. The schema comes from PyPI ``tflite``; TensorFlow is not needed."""

import struct
from typing import Any

import numpy as np
import tflite
from kws_reference.errors import KwsError

from kws_codegen.ir import Graph, Op, Tensor

SCHEMA_VERSION = 3
_DTYPES = {"INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "FLOAT32": np.float32}


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


_OPERATORS = _names(tflite.BuiltinOperator)
_TYPES = _names(tflite.TensorType)
_ACTIVATIONS = _names(tflite.ActivationFunctionType)
_PADDINGS = _names(tflite.Padding)


def _conv(options: Any) -> dict[str, Any]:
    return {
        "padding": _PADDINGS[options.Padding()],
        "stride_h": options.StrideH(),
        "stride_w": options.StrideW(),
        "dilation_h": options.DilationHFactor(),
        "dilation_w": options.DilationWFactor(),
        "activation": _ACTIVATIONS[options.FusedActivationFunction()],
    }


def _depthwise(options: Any) -> dict[str, Any]:
    return {**_conv(options), "depth_multiplier": options.DepthMultiplier()}


def _pool(options: Any) -> dict[str, Any]:
    return {
        "padding": _PADDINGS[options.Padding()],
        "stride_h": options.StrideH(),
        "stride_w": options.StrideW(),
        "filter_h": options.FilterHeight(),
        "filter_w": options.FilterWidth(),
        "activation": _ACTIVATIONS[options.FusedActivationFunction()],
    }


def _fully_connected(options: Any) -> dict[str, Any]:
    return {
        "activation": _ACTIVATIONS[options.FusedActivationFunction()],
        "weights_format": options.WeightsFormat(),
        "keep_num_dims": bool(options.KeepNumDims()),
    }


def _add(options: Any) -> dict[str, Any]:
    return {"activation": _ACTIVATIONS[options.FusedActivationFunction()]}


def _concatenation(options: Any) -> dict[str, Any]:
    return {"axis": options.Axis(), "activation": _ACTIVATIONS[options.FusedActivationFunction()]}


def _strided_slice(options: Any) -> dict[str, Any]:
    return {
        "begin_mask": options.BeginMask(),
        "end_mask": options.EndMask(),
        "ellipsis_mask": options.EllipsisMask(),
        "new_axis_mask": options.NewAxisMask(),
        "shrink_axis_mask": options.ShrinkAxisMask(),
    }


_OPTIONS = {
    "ADD": (tflite.AddOptions, _add),
    "AVERAGE_POOL_2D": (tflite.Pool2DOptions, _pool),
    "CONCATENATION": (tflite.ConcatenationOptions, _concatenation),
    "CONV_2D": (tflite.Conv2DOptions, _conv),
    "DEPTHWISE_CONV_2D": (tflite.DepthwiseConv2DOptions, _depthwise),
    "FULLY_CONNECTED": (tflite.FullyConnectedOptions, _fully_connected),
    "STRIDED_SLICE": (tflite.StridedSliceOptions, _strided_slice),
}


def read(model: bytes) -> Graph:
    """Reads a model.

    Args:
      model: bytes of a ``.tflite`` of schema version 3 with one subgraph.

    Returns:
      The graph. Constants of types that the generator never uses are kept without data.

    Raises:
      KwsError: the bytes are no such model.
    """
    if len(model) < 8 or model[4:8] != b"TFL3":
        raise KwsError(
            "model.tflite is not a TensorFlow Lite model (identifier TFL3 not found). Export the bundle again."
        )
    try:
        return _read(model)
    except KwsError:
        raise
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise KwsError(f"model.tflite is damaged ({type(error).__name__}: {error}). Export the bundle again.") from None


def _read(data: bytes) -> Graph:
    model = tflite.Model.GetRootAs(data, 0)
    if model.Version() != SCHEMA_VERSION:
        raise KwsError(f"model.tflite has schema version {model.Version()}, version {SCHEMA_VERSION} is supported.")
    if model.SubgraphsLength() != 1:
        raise KwsError(f"model.tflite has {model.SubgraphsLength()} subgraphs, exactly one is supported.")
    subgraph = model.Subgraphs(0)
    tensors = tuple(_tensor(model, subgraph.Tensors(index), index) for index in range(subgraph.TensorsLength()))
    ops = tuple(
        _op(model, subgraph.Operators(index), index, len(tensors)) for index in range(subgraph.OperatorsLength())
    )
    inputs = tuple(int(subgraph.Inputs(index)) for index in range(subgraph.InputsLength()))
    outputs = tuple(int(subgraph.Outputs(index)) for index in range(subgraph.OutputsLength()))
    if not all(0 <= index < len(tensors) for index in inputs + outputs):
        raise KwsError(
            "model.tflite is damaged (an input or output names a tensor that is not there). Export it again."
        )
    graph = Graph(tensors, ops, inputs, outputs, tuple(sorted({op.kind for op in ops})))
    _check_order(graph)
    return graph


def _check_order(graph: Graph) -> None:
    """Every tensor has one origin, and that before anyone reads it: engines run the operators as they stand."""
    known = {tensor.index for tensor in graph.tensors if tensor.data is not None} | set(graph.inputs)
    written: set[int] = set()
    for op in graph.ops:
        for index in op.inputs:
            if graph.producer(index) is not None and index not in written:
                raise KwsError(
                    f"model.tflite is damaged ({graph.describe(op)} reads '{graph.tensors[index].name}' before any "
                    "operator wrote it). Export it again."
                )
        for index in op.outputs:
            if index in known | written:
                raise KwsError(
                    f"model.tflite is damaged ({graph.describe(op)} writes over '{graph.tensors[index].name}'). "
                    "Export it again."
                )
            written.add(index)
    for index in graph.outputs:
        if index not in known | written:
            name = graph.tensors[index].name
            raise KwsError(f"model.tflite is damaged (no operator writes the output '{name}'). Export it again.")


def _tensor(model: Any, tensor: Any, index: int) -> Tensor:
    name = (tensor.Name() or b"").decode("utf-8", "replace")
    shape = tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))
    dtype = _TYPES.get(tensor.Type(), f"type {tensor.Type()}")
    quantization = tensor.Quantization()
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    if quantization is not None and quantization.ScaleLength():
        scales = tuple(float(quantization.Scale(i)) for i in range(quantization.ScaleLength()))
        zero_points = tuple(int(quantization.ZeroPoint(i)) for i in range(quantization.ZeroPointLength()))
        zero_points = zero_points or (0,) * len(scales)
    raw = model.Buffers(tensor.Buffer())
    value = None
    if raw is not None and raw.DataLength() and dtype == "INT4":
        value = _unpack_int4(raw.DataAsNumpy(), shape)
        value.flags.writeable = False
    elif raw is not None and raw.DataLength() and dtype in _DTYPES:
        if min(shape, default=1) < 0:  # which numpy would take for "as many as there are"
            raise ValueError(f"a constant has the shape {list(shape)}")
        flat = np.frombuffer(raw.DataAsNumpy().tobytes(), np.dtype(_DTYPES[dtype]).newbyteorder("<"))
        value = flat.reshape(shape).astype(_DTYPES[dtype])
        value.flags.writeable = False
    return Tensor(index, name, shape, dtype, scales, zero_points, value)


def _unpack_int4(packed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """int8 values of a packed tensor: two per byte in row-major order, the earlier one in the low half."""
    size = int(np.prod(shape, dtype=np.int64))
    if packed.size != (size + 1) // 2:
        raise ValueError(f"{packed.size} bytes cannot hold {list(shape)} INT4 values")
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:size]
    return ((nibbles ^ 8).astype(np.int8) - 8).astype(np.int8).reshape(shape)


def _op(model: Any, operator: Any, index: int, tensor_count: int) -> Op:
    code = model.OperatorCodes(operator.OpcodeIndex())
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = _OPERATORS.get(builtin, f"operator {builtin}")
    if kind == "CUSTOM":
        kind = f"CUSTOM:{(code.CustomCode() or b'').decode('utf-8', 'replace')}"
    inputs = tuple(int(operator.Inputs(i)) for i in range(operator.InputsLength()))
    outputs = tuple(int(operator.Outputs(i)) for i in range(operator.OutputsLength()))
    if (
        not all(-1 <= i < tensor_count for i in inputs)
        or not all(0 <= i < tensor_count for i in outputs)
        or not outputs
    ):
        raise KwsError(
            f"model.tflite is damaged ({kind}, operator {index}, names a tensor that is not there). Export it again."
        )
    options: dict[str, Any] = {}
    if kind in _OPTIONS and operator.BuiltinOptions() is not None:
        table, parse = _OPTIONS[kind]
        parsed = table()
        parsed.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        options = parse(parsed)
    return Op(index, kind, inputs, outputs, options)
