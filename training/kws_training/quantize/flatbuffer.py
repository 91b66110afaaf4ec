"""Writes a streaming step of integers as a ``.tflite``: the numbers of the training graph, untouched by a converter."""

from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

TensorId = int
_VERSIONS = {  # those that know int8
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "HARD_SWISH": 1,
    "LEAKY_RELU": 2,
    "LOGISTIC": 2,
    "MAX_POOL_2D": 2,
    "MUL": 2,
    "PAD": 2,
    "QUANTIZE": 2,
    "RELU": 2,
    "RESHAPE": 1,
    "STRIDED_SLICE": 2,
    "SUB": 2,
    "TANH": 2,
}
_OPTIONS = {
    "ADD": schema.AddOptionsT,
    "AVERAGE_POOL_2D": schema.Pool2DOptionsT,
    "CONCATENATION": schema.ConcatenationOptionsT,
    "CONV_2D": schema.Conv2DOptionsT,
    "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptionsT,
    "FULLY_CONNECTED": schema.FullyConnectedOptionsT,
    "HARD_SWISH": schema.HardSwishOptionsT,
    "LEAKY_RELU": schema.LeakyReluOptionsT,
    "MAX_POOL_2D": schema.Pool2DOptionsT,
    "MUL": schema.MulOptionsT,
    "PAD": schema.PadOptionsT,
    "QUANTIZE": schema.QuantizeOptionsT,
    "RESHAPE": schema.ReshapeOptionsT,
    "STRIDED_SLICE": schema.StridedSliceOptionsT,
    "SUB": schema.SubOptionsT,
}
_WITHOUT_OPTIONS = ("LOGISTIC", "RELU", "TANH")
_VERSION_WITH_INT4 = {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 7}


class Builder:
    """Collects tensors and operations.

    Tensors are numbered; an activation has a range (an object with `scale` and `zero_point`, as in `ranges`). States
    come in as ``<name>_in`` and go out behind the model's output, in the order in which they were added.
    """

    def __init__(self, features: tuple[int, ...], features_range: Any):
        self._model = schema.ModelT()
        self._model.version, self._model.description = 3, "kws-kit"
        self._model.buffers = [schema.BufferT()]  # the first is for tensors without data
        self._model.operatorCodes, self._codes = [], {}
        self._graph = schema.SubGraphT()
        self._graph.name, self._graph.tensors, self._graph.operators = "main", [], []
        self.features = self.activation("features", features, features_range)
        self._states: dict[str, tuple[TensorId, TensorId]] = {}
        self._held: dict[str, TensorId] = {}
        self._slices: list[tuple] = []

    def shape(self, tensor: TensorId) -> tuple[int, ...]:
        """Of a tensor."""
        return tuple(self._graph.tensors[tensor].shape)

    def activation(self, name: str, shape: tuple[int, ...], values: Any) -> TensorId:
        """Adds an int8 tensor that an operation computes."""
        scale, zero_point = np.float32(values.scale), int(values.zero_point)
        return self._tensor(name, shape, schema.TensorType.INT8, None, [scale], [zero_point])

    def weights(self, name: str, values: np.ndarray, scales: np.ndarray, bits: int) -> TensorId:
        """Adds int8 weights, packed two in a byte when they have 4 bits; the scales go with the first or last axis."""
        kind, data = schema.TensorType.INT8, values.astype(np.int8).view(np.uint8).reshape(-1)
        if bits == 4:
            data = np.pad(data & 15, (0, data.size % 2))
            kind, data = schema.TensorType.INT4, data[0::2] | data[1::2] << 4
        axis = values.ndim - 1 if values.shape[0] == 1 else 0
        return self._tensor(name, values.shape, kind, data, scales, [0] * len(scales), axis)

    def constant(self, name: str, values: np.ndarray, scales: np.ndarray | None = None) -> TensorId:
        """Adds an int32 constant."""
        data = np.ascontiguousarray(values, np.int32).view(np.uint8).reshape(-1)
        zeros = None if scales is None else [0] * len(scales)
        return self._tensor(name, values.shape, schema.TensorType.INT32, data, scales, zeros)

    def operation(self, kind: str, inputs: list[TensorId], outputs: list[TensorId], *, relu: bool = False, **options):
        """Adds an operation; convolutions and pooling have no padding and, unless it is given, no stride."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind, [self._graph.tensors[tensor].type for tensor in inputs])
        operator.inputs, operator.outputs = inputs, outputs
        self._graph.operators.append(operator)
        if kind in _WITHOUT_OPTIONS:
            return
        table = _OPTIONS[kind]()
        if hasattr(table, "fusedActivationFunction"):
            functions = schema.ActivationFunctionType
            table.fusedActivationFunction = functions.RELU if relu else functions.NONE
        if hasattr(table, "padding"):
            options = {"padding": schema.Padding.VALID, "strideH": 1, "strideW": 1} | options
        if kind == "DEPTHWISE_CONV_2D":
            options = {"depthMultiplier": 1} | options
        for name, value in options.items():
            setattr(table, name, value)
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(table).__name__.removesuffix("T"))
        operator.builtinOptions = table

    def reshape(self, name: str, inputs: TensorId, shape: tuple[int, ...], values: Any) -> TensorId:
        """The same values in another shape."""
        outputs = self.activation(name, shape, values)
        self.operation("RESHAPE", [inputs, self.constant(f"{name}/shape", np.array(shape))], [outputs], newShape=shape)
        return outputs

    def of_one_rank(self, tensors: list[TensorId]) -> list[TensorId]:
        """The same tensors, those where time has ended as ``[1, channels]`` if they are not all of one rank."""
        if len({len(self.shape(tensor)) for tensor in tensors}) == 1:
            return tensors
        return [self._row(tensor) for tensor in tensors]

    def _row(self, tensor: TensorId) -> TensorId:
        known = self._graph.tensors[tensor]
        if len(known.shape) == 2:
            return tensor
        name, shape = f"{known.name}/row", (1, int(np.prod(known.shape)))
        about = known.quantization
        outputs = self._tensor(name, shape, known.type, None, about.scale, about.zeroPoint)
        self.operation("RESHAPE", [tensor, self.constant(f"{name}/shape", np.array(shape))], [outputs], newShape=shape)
        return outputs

    def pool(self, name: str, inputs: TensorId, shape: tuple[int, ...], values: Any) -> TensorId:
        """The means of as many groups of rows as `shape` has rows, and of all bins."""
        _, rows, bins, _ = self.shape(inputs)
        outputs, group = self.activation(name, shape, values), rows // shape[1]
        stride = group if shape[1] > 1 else 1
        self.operation("AVERAGE_POOL_2D", [inputs], [outputs], filterHeight=group, filterWidth=bins, strideH=stride)
        return outputs

    def without_first(self, name: str, inputs: TensorId, count: int, values: Any) -> TensorId:
        """All rows but the first `count`."""
        if not count:
            return inputs
        batch, rows, *rest = self.shape(inputs)
        outputs = self.activation(name, (batch, rows - count, *rest), values)
        self._rows_from(name, inputs, outputs, count)
        return outputs

    def pad_bins(self, name: str, inputs: TensorId, before: int, behind: int, values: Any) -> TensorId:
        """Zeros below and above the bins."""
        if not (before or behind):
            return inputs
        batch, rows, bins, channels = self.shape(inputs)
        outputs = self.activation(name, (batch, rows, bins + before + behind, channels), values)
        padding = self.constant(f"{name}/widths", np.array([[0, 0], [0, 0], [before, behind], [0, 0]]))
        self.operation("PAD", [inputs, padding], [outputs])
        return outputs

    def ring(self, name: str, inputs: TensorId, kept: int, new: int, channels: int, values: Any) -> TensorId:
        """Adds a state of `kept` rows; returns these and the `new` rows of `inputs` behind them."""
        if not kept:
            return inputs
        bins = self.shape(inputs)[2]
        state = self.activation(f"{name}_in", (1, kept, bins, channels), values)
        rows = self.activation(f"{name}/rows", (1, kept + new, bins, channels), values)
        self.operation("CONCATENATION", [state, inputs], [rows], axis=1)
        after = self.activation(f"{name}_out", (1, kept, bins, channels), values)
        self._states[name] = state, after
        self._slices.append((name, rows, after, new))
        return rows

    def state(self, name: str, shape: tuple[int, ...], values: Any) -> TensorId:
        """Adds a state that is no row of frames; `keep` says what it becomes."""
        self._held[name] = self.activation(f"{name}_in", shape, values)
        return self._held[name]

    def keep(self, name: str, tensor: TensorId) -> None:
        """The tensor that a state is after the step."""
        self._states[name] = self._held[name], tensor

    def frame(self, name: str, inputs: TensorId, place: int, values: Any) -> TensorId:
        """One frame of several, as a row ``[1, channels]``."""
        _, _, bins, channels = self.shape(inputs)
        outputs = self.activation(f"{name}/frame", (1, 1, bins, channels), values)
        rows = (("begin", [0, place, 0, 0]), ("end", [0, place + 1, 0, 0]), ("strides", [1, 1, 1, 1]))
        bounds = [self.constant(f"{name}/{end}", np.array(row)) for end, row in rows]
        masks = {"beginMask": 0b1101, "endMask": 0b1101, "ellipsisMask": 0, "newAxisMask": 0, "shrinkAxisMask": 0}
        self.operation("STRIDED_SLICE", [inputs, *bounds], [outputs], **masks)
        return self.reshape(f"{name}/row", outputs, (1, bins * channels), values)

    def beside(self, name: str, frames: list[TensorId], values: Any) -> TensorId:
        """Frames, one behind the other."""
        if len(frames) == 1:
            return frames[0]
        _, _, *rest = self.shape(frames[0])
        outputs = self.activation(name, (1, len(frames), *rest), values)
        self.operation("CONCATENATION", frames, [outputs], axis=1)
        return outputs

    def finish(self, scores: TensorId) -> bytes:
        """Returns the ``.tflite``; its signature names ``features``, the states, and ``output_0``, ..."""
        for name, rows, after, new in self._slices:
            self._rows_from(name, rows, after, new)
        inputs = {"features": self.features} | {f"{name}_in": ends[0] for name, ends in self._states.items()}
        outputs = [scores, *(ends[1] for ends in self._states.values())]
        self._graph.inputs, self._graph.outputs = list(inputs.values()), outputs
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs = [_named(name, tensor) for name, tensor in inputs.items()]
        signature.outputs = [_named(f"output_{number}", tensor) for number, tensor in enumerate(outputs)]
        self._model.subgraphs, self._model.signatureDefs = [self._graph], [signature]
        return bytes(flatbuffer_utils.convert_object_to_bytearray(self._model))

    def _rows_from(self, name: str, inputs: TensorId, outputs: TensorId, first: int) -> None:
        bounds = [self.constant(f"{name}/{end}", np.array(row)) for end, row in _bounds(first)]
        masks = {"beginMask": 0b1101, "endMask": 0b1111, "ellipsisMask": 0, "newAxisMask": 0, "shrinkAxisMask": 0}
        self.operation("STRIDED_SLICE", [inputs, *bounds], [outputs], **masks)

    def _tensor(self, name, shape, kind, data, scales, zero_points, axis=0) -> TensorId:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, [int(size) for size in shape], kind, 0
        if data is not None:
            tensor.buffer = len(self._model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.ascontiguousarray(data, np.uint8)
            self._model.buffers.append(buffer)
        if scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.asarray(scales, np.float32)
            tensor.quantization.zeroPoint = np.asarray(zero_points, np.int64)
            tensor.quantization.quantizedDimension = axis
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _code(self, kind: str, types: list[int]) -> int:
        version = _VERSION_WITH_INT4[kind] if schema.TensorType.INT4 in types else _VERSIONS[kind]
        if (kind, version) not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
            code.version = version
            self._codes[kind, version] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(code)
        return self._codes[kind, version]


def _bounds(first: int) -> list[tuple[str, list[int]]]:
    return [("begin", [0, first, 0, 0]), ("end", [0, 0, 0, 0]), ("strides", [1, 1, 1, 1])]


def _named(name: str, tensor: TensorId) -> Any:
    item = schema.TensorMapT()
    item.name, item.tensorIndex = name, tensor
    return item
