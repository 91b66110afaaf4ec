"""Reads a ``.tflite`` into a `Graph`: the kit's only reader, for everybody who asks what is in a file."""

import struct
from typing import Any

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.tflite import schema
from kws_reference.tflite.graph import Graph, Op, Tensor
from kws_reference.tflite.schema import ACTIVATIONS, PADDINGS, generated

_NUMPY_TYPES = {
    "BOOL": np.bool_,
    "FLOAT16": np.float16,
    "FLOAT32": np.float32,
    "FLOAT64": np.float64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
}


def read(model: bytes) -> Graph:
    """Reads a model of one subgraph whose operators run as they stand.

    Args:
      model: bytes of a ``.tflite`` of schema version 3 with one subgraph.

    Returns:
      The graph. Constants of types that NumPy has not (strings, resources) are kept without data.

    Raises:
      KwsError: the bytes are no such model.
    """
    graphs = read_subgraphs(model)
    if len(graphs) != 1:
        raise KwsError(f"model.tflite has {len(graphs)} subgraphs, exactly one is supported.")
    _check_order(graphs[0])
    return graphs[0]


def read_subgraphs(model: bytes) -> list[Graph]:
    """Reads all subgraphs of a model, as converters write them for loops and branches.

    Raises:
      KwsError: the bytes are no ``.tflite`` of schema version 3, or damaged.
    """
    if len(model) < 8 or model[4:8] != schema.IDENTIFIER:
        raise KwsError(
            "model.tflite is not a TensorFlow Lite model (identifier TFL3 not found). Export the bundle again."
        )
    try:
        return _read(model)
    except KwsError:
        raise
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise KwsError(f"model.tflite is damaged ({type(error).__name__}: {error}). Export the bundle again.") from None


def unpack_int4(packed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """int8 values of a packed tensor: two per byte in row-major order, the earlier one in the low half.

    Args:
      packed: uint8 ``[(elements + 1) // 2]``.
      shape: of the tensor.
    """
    size = int(np.prod(shape, dtype=np.int64))
    if packed.size != (size + 1) // 2:
        raise ValueError(f"{packed.size} bytes cannot hold {list(shape)} INT4 values")
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:size]
    return ((nibbles ^ 8).astype(np.int8) - 8).astype(np.int8).reshape(shape)


def _read(data: bytes) -> list[Graph]:
    model = generated.Model.GetRootAs(data, 0)
    if model.Version() != schema.VERSION:
        raise KwsError(f"model.tflite has schema version {model.Version()}, version {schema.VERSION} is supported.")
    return [_subgraph(model, model.Subgraphs(index)) for index in range(model.SubgraphsLength())]


def _subgraph(model: Any, subgraph: Any) -> Graph:
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
    return Graph(tensors, ops, inputs, outputs, tuple(sorted({op.kind for op in ops})))


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


# --- Tensors ---------------------------------------------------------------------------------------------------------


def _tensor(model: Any, tensor: Any, index: int) -> Tensor:
    name = schema.name_text(tensor.Name())
    shape = tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))
    dtype = schema.type_name(tensor.Type())
    quantization = tensor.Quantization()
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    if quantization is not None and quantization.ScaleLength():
        scales = tuple(float(quantization.Scale(i)) for i in range(quantization.ScaleLength()))
        zero_points = tuple(int(quantization.ZeroPoint(i)) for i in range(quantization.ZeroPointLength()))
        zero_points = zero_points or (0,) * len(scales)
    raw = model.Buffers(tensor.Buffer())
    value = None
    if raw is not None and raw.DataLength():
        value = _constant(raw.DataAsNumpy(), dtype, shape)
    return Tensor(index, name, shape, dtype, scales, zero_points, value, bool(tensor.IsVariable()))


def _constant(raw: np.ndarray, dtype: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """The value of a constant's bytes, without a copy unless they are packed; None if NumPy has no such type."""
    if dtype == "INT4":
        value = unpack_int4(raw, shape)
    elif dtype in _NUMPY_TYPES:
        if min(shape, default=1) < 0:  # which numpy would take for "as many as there are"
            raise ValueError(f"a constant has the shape {list(shape)}")
        stored = raw.view(np.dtype(_NUMPY_TYPES[dtype]).newbyteorder("<"))
        value = stored.reshape(shape).astype(_NUMPY_TYPES[dtype], copy=False)
    else:
        return None
    value.flags.writeable = False
    return value


# --- Operators -------------------------------------------------------------------------------------------------------

_WITHOUT_OUTPUTS = ("ASSIGN_VARIABLE", "CALL_ONCE")


def _op(model: Any, operator: Any, index: int, tensor_count: int) -> Op:
    code = model.OperatorCodes(operator.OpcodeIndex())
    kind = schema.operator_name(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
    if kind == "CUSTOM":
        kind = f"CUSTOM:{schema.name_text(code.CustomCode())}"
    inputs = tuple(int(operator.Inputs(i)) for i in range(operator.InputsLength()))
    outputs = tuple(int(operator.Outputs(i)) for i in range(operator.OutputsLength()))
    if (
        not all(-1 <= i < tensor_count for i in inputs)
        or not all(0 <= i < tensor_count for i in outputs)
        or not (outputs or kind in _WITHOUT_OUTPUTS)
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


def _activation(options: Any) -> dict[str, Any]:
    return {"activation": ACTIVATIONS[options.FusedActivationFunction()]}


def _conv(options: Any) -> dict[str, Any]:
    return {
        "padding": PADDINGS[options.Padding()],
        "stride_h": options.StrideH(),
        "stride_w": options.StrideW(),
        "dilation_h": options.DilationHFactor(),
        "dilation_w": options.DilationWFactor(),
        **_activation(options),
    }


def _depthwise(options: Any) -> dict[str, Any]:
    return {**_conv(options), "depth_multiplier": options.DepthMultiplier()}


def _pool(options: Any) -> dict[str, Any]:
    return {
        "padding": PADDINGS[options.Padding()],
        "stride_h": options.StrideH(),
        "stride_w": options.StrideW(),
        "filter_h": options.FilterHeight(),
        "filter_w": options.FilterWidth(),
        **_activation(options),
    }


def _fully_connected(options: Any) -> dict[str, Any]:
    return {
        **_activation(options),
        "weights_format": options.WeightsFormat(),
        "keep_num_dims": bool(options.KeepNumDims()),
    }


def _batch_matmul(options: Any) -> dict[str, Any]:
    return {"adjoint_a": bool(options.AdjX()), "adjoint_b": bool(options.AdjY())}


def _concatenation(options: Any) -> dict[str, Any]:
    return {"axis": options.Axis(), **_activation(options)}


def _leaky_relu(options: Any) -> dict[str, Any]:
    return {"alpha": options.Alpha()}


def _reducer(options: Any) -> dict[str, Any]:
    return {"keep_dims": bool(options.KeepDims())}


def _softmax(options: Any) -> dict[str, Any]:
    return {"beta": options.Beta()}


def _split(options: Any) -> dict[str, Any]:
    return {"splits": options.NumSplits()}


def _strided_slice(options: Any) -> dict[str, Any]:
    return {
        "begin_mask": options.BeginMask(),
        "end_mask": options.EndMask(),
        "ellipsis_mask": options.EllipsisMask(),
        "new_axis_mask": options.NewAxisMask(),
        "shrink_axis_mask": options.ShrinkAxisMask(),
    }


def _svdf(options: Any) -> dict[str, Any]:
    return {"rank": options.Rank(), **_activation(options)}


def _lstm(options: Any) -> dict[str, Any]:
    return {
        "cell_clip": options.CellClip(),
        "projection_clip": options.ProjClip(),
        "time_major": bool(options.TimeMajor()),
        **_activation(options),
    }


_OPTIONS = {
    "ADD": (generated.AddOptions, _activation),
    "AVERAGE_POOL_2D": (generated.Pool2DOptions, _pool),
    "BATCH_MATMUL": (generated.BatchMatMulOptions, _batch_matmul),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (generated.BidirectionalSequenceLSTMOptions, _activation),
    "BIDIRECTIONAL_SEQUENCE_RNN": (generated.BidirectionalSequenceRNNOptions, _activation),
    "CONCATENATION": (generated.ConcatenationOptions, _concatenation),
    "CONV_2D": (generated.Conv2DOptions, _conv),
    "CONV_3D": (generated.Conv3DOptions, _activation),
    "CONV_3D_TRANSPOSE": (generated.Conv3DOptions, _activation),
    "DEPTHWISE_CONV_2D": (generated.DepthwiseConv2DOptions, _depthwise),
    "DIV": (generated.DivOptions, _activation),
    "FULLY_CONNECTED": (generated.FullyConnectedOptions, _fully_connected),
    "L2_NORMALIZATION": (generated.L2NormOptions, _activation),
    "L2_POOL_2D": (generated.Pool2DOptions, _pool),
    "LEAKY_RELU": (generated.LeakyReluOptions, _leaky_relu),
    "LSTM": (generated.LSTMOptions, _activation),
    "MAX_POOL_2D": (generated.Pool2DOptions, _pool),
    "MEAN": (generated.ReducerOptions, _reducer),
    "MUL": (generated.MulOptions, _activation),
    "REDUCE_MAX": (generated.ReducerOptions, _reducer),
    "RNN": (generated.RNNOptions, _activation),
    "SOFTMAX": (generated.SoftmaxOptions, _softmax),
    "SPLIT": (generated.SplitOptions, _split),
    "SPLIT_V": (generated.SplitVOptions, _split),
    "STRIDED_SLICE": (generated.StridedSliceOptions, _strided_slice),
    "SUB": (generated.SubOptions, _activation),
    "SUM": (generated.ReducerOptions, _reducer),
    "SVDF": (generated.SVDFOptions, _svdf),
    "TRANSPOSE_CONV": (generated.TransposeConvOptions, _activation),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (generated.UnidirectionalSequenceLSTMOptions, _lstm),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (generated.SequenceRNNOptions, _activation),
}
