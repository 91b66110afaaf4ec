"""Describes a bundle, which is read from its ``.tflite``."""

import struct
from typing import Any

from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.tflite.check import check_model
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from kws_training.inspect.description import INPUT, Description, Layer, size, times

_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
_ACTIVATIONS = {value: name for name, value in vars(schema.ActivationFunctionType).items() if isinstance(value, int)}
_TYPES = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}


def describe_bundle(bundle: Bundle) -> Description:
    """Describes the operators of a bundle's ``.tflite``; batch normalisation is folded into its weights.

    Raises:
      KwsError: the model is damaged, is no ``.tflite`` with one subgraph, or contradicts the manifest.
    """
    try:
        check_model(bundle.model)
    except KwsError as error:
        raise KwsError(f"{bundle.path}: {error}") from None
    try:
        return _described(bundle)
    except (LookupError, TypeError, ValueError, RuntimeError, AttributeError, struct.error) as error:
        raise KwsError(
            f"{bundle.path}: the model is no .tflite with one subgraph and the manifest's inputs and outputs "
            f"({type(error).__name__}: {error}). Export it again."
        ) from None


def _described(bundle: Bundle) -> Description:
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(bundle.model))
    (graph,) = model.subgraphs
    reader = _TfliteReader(model, graph)
    made_by = {int(graph.inputs[bundle.features.index]): INPUT}
    state_of = {int(graph.inputs[state.input_index]): state for state in bundle.states}
    writes_state = {int(graph.outputs[state.output_index]) for state in bundle.states}
    computed, writers = [], []
    for number, operator in enumerate(graph.operators):
        kind, label = reader.kind(operator), f"{number} {reader.kind(operator)}"
        given = [int(tensor) for tensor in operator.inputs if tensor >= 0]
        states = {state_of[tensor].name: state_of[tensor].shape[1:] for tensor in given if tensor in state_of}
        weights = reader.weights(operator)
        output = int(operator.outputs[0])
        made_by[output] = label
        row = Layer(
            name=label,
            kind=kind + reader.activation(operator),
            inputs=tuple(made_by[tensor] for tensor in given if tensor in made_by),
            output=reader.shape(output)[1:],
            parameters=sum(size(reader.shape(tensor)) for tensor in weights),
            macs=reader.macs(operator),
            states=states,
            state_bytes=sum(reader.bytes(tensor) for tensor in given if tensor in state_of),
            weight_bytes=sum(reader.bytes(tensor) for tensor in weights),
        )
        (writers if output in writes_state else computed).append(row)
    return Description(
        bundle.name,
        "bundle",
        (bundle.frames_per_step, bundle.frontend.coefficients),
        (*computed, *writers),
        (made_by[int(graph.outputs[bundle.scores.index])],),
        *times(bundle.frontend),
        model_bytes=len(bundle.model),
    )


class _TfliteReader:
    def __init__(self, model: Any, graph: Any):
        self._model, self._tensors = model, graph.tensors

    def kind(self, operator: Any) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        return _OPERATORS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "CUSTOM")

    @staticmethod
    def activation(operator: Any) -> str:
        name = _ACTIVATIONS.get(getattr(operator.builtinOptions, "fusedActivationFunction", 0), "NONE")
        return "" if name == "NONE" else f" + {name}"

    def shape(self, tensor: int) -> tuple[int, ...]:
        shape = self._tensors[tensor].shape
        return tuple(map(int, shape if shape is not None else ()))

    def bytes(self, tensor: int) -> int:
        kind = _TYPES[self._tensors[tensor].type]
        bits = 4 if kind == "INT4" else int("".join(filter(str.isdigit, kind)) or 8)
        return -(-size(self.shape(tensor)) * bits // 8)

    def weights(self, operator: Any) -> list[int]:
        """Constant inputs, but not the shapes and axes of operators that compute nothing."""
        constants = [int(t) for t in operator.inputs if t >= 0 and self._is_constant(int(t))]
        if self.macs(operator):
            return constants
        return [tensor for tensor in constants if _TYPES[self._tensors[tensor].type] not in ("INT32", "INT64")]

    def _is_constant(self, tensor: int) -> bool:
        data = self._model.buffers[self._tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def macs(self, operator: Any) -> int:
        kind, options = self.kind(operator), operator.builtinOptions
        shapes = [self.shape(int(tensor)) if tensor >= 0 else () for tensor in operator.inputs]
        output = size(self.shape(int(operator.outputs[0])))
        if kind in ("CONV_2D", "FULLY_CONNECTED"):  # weights [out, ...]
            return output * size(shapes[1][1:])
        if kind == "DEPTHWISE_CONV_2D":  # [1, taps, bins, out]
            return output * size(shapes[1][1:3])
        if kind == "TRANSPOSE_CONV":  # shape, weights [out, taps, bins, in], input: each input element spreads
            return size(shapes[2]) * size(shapes[1][:3])
        if kind == "BATCH_MATMUL":
            return output * shapes[0][-2 if options.adjX else -1]
        return 0
