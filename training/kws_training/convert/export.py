"""Streaming ``.tflite`` with external states, float or full-integer int8, and the tensors that the manifest names."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.bundle import State, Tensor
from kws_reference.errors import KwsError
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.tools import flatbuffer_utils

from kws_training import quiet
from kws_training.convert.runner import load
from kws_training.convert.tflite_file import FloatOperator, check_runs, float_operators, named
from kws_training.quantize.matchbox import to_tflite
from kws_training.streaming import StreamingModel
from kws_training.streaming.model import VALID

# Operators that give numbers that they take, in another shape or a part of them.
_SAME_VALUES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "STRIDED_SLICE", "SLICE", "SPLIT", "GATHER")


@dataclasses.dataclass(frozen=True)
class ConvertedModel:
    """A converted model.

    Attributes:
      data: bytes of the ``.tflite``.
      features, scores: its data tensors.
      states: its states, in the order of the streaming model.
      valid: the input that tells which frames are in the clip; None unless the model looks ahead.
      float_operators: those that the converter has no integers for; only there when `convert` was told to allow them.
    """

    data: bytes
    features: Tensor
    scores: Tensor
    states: tuple[State, ...]
    valid: Tensor | None = None
    float_operators: tuple[FloatOperator, ...] = ()


def float_tflite(model: StreamingModel, steps: int = 1) -> bytes:
    """Returns the float32 ``.tflite`` of `steps` streaming steps; see `StreamingModel.concrete_function`."""
    return converted(tf.lite.TFLiteConverter.from_concrete_functions([model.concrete_function(steps)], model))


def dynamic_tflite(model: StreamingModel) -> bytes:
    """Quantizes the weights to int8 and leaves the activations float ("dynamic range"): `TfliteRunner` runs it."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.concrete_function()], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converted(converter)


def converted(converter: tf.lite.TFLiteConverter) -> bytes:
    """Runs a converter, quietly; an interpreter has to take what comes out.

    Raises:
      KwsError: the converter fails, or no interpreter takes its file.
    """
    data = _run(converter.convert)
    check_runs(data)
    return data


def _run(work: Callable[..., Any], *args: Any, **options: Any) -> bytes:
    try:
        with quiet.native_stderr():
            return bytes(work(*args, **options))
    except KwsError:
        raise
    except Exception as error:  # of TensorFlow's many kinds
        raise KwsError(
            f"TensorFlow's converter fails: {' '.join(str(error).split())[:400]}. Change the layer that it names."
        ) from error


def convert_quantized(trained: keras.Model, model: StreamingModel, scale: float) -> ConvertedModel:
    """A streaming step with the integers, scales and zero points of a model that was trained with them.

    Args:
      trained: of `kws_training.quantize.matchbox`.
      model: its streaming model.
      scale: real value of one int8 feature step.
    """
    data = to_tflite(trained, model.frames_per_step)
    check_runs(data)
    return _describe(data, model, scale)


def convert(
    model: StreamingModel, recordings: np.ndarray, scale: float, *, allow_float: bool = False
) -> ConvertedModel:
    """Quantizes a streaming model after training (full integer; weights per channel, activations per tensor).

    The ranges of the activations are those seen while the float model streams the recordings. Features come from the
    front end as int8 steps, so their scale is given and not measured: the representative data is stretched to exactly
    [-128, 127] steps.

    Args:
      model: the float streaming model, with one output.
      recordings: int8 features ``[recordings, frames, ...]``.
      scale: real value of one int8 feature step: 1 / ``feature_steps_per_std`` of the front end.
      allow_float: take a model in which the converter leaves operators in float, between a DEQUANTIZE and a QUANTIZE;
        `ConvertedModel.float_operators` names them. Interpreters run it, `kws-codegen` refuses it.

    Raises:
      KwsError: operators are left in float; the converter did not give the two ends of a state, or the features, the
        quantization that they need; or no interpreter takes its file.
    """
    _check(model, recordings)
    function = model.concrete_function()
    arguments = model, function, lambda: _representative(model, function, recordings, scale)
    data = _run(_int8_converter(*arguments).convert)
    if float_operators(data) or _states_differ(data, model):
        data = _from_ranges(_calibrated(_int8_converter(*arguments)), model)
    data = _relu6_by_range(data)
    left = tuple(float_operators(data))
    if left and not allow_float:
        raise KwsError(
            f"the converter has no int8 for all of this model and leaves {named(left)}: the firmware computes in "
            "integers only. Use another layer there (ReLU for ELU, BatchNormalization for LayerNormalization), or "
            "allow float operators (allow_float=True, --allow-float) for a file that kws-codegen refuses."
        )
    check_runs(data)
    return dataclasses.replace(_describe(data, model, scale), float_operators=left)


def _from_ranges(calibrated: bytes, model: StreamingModel) -> bytes:
    """Quantizes a calibrated model; if something stays in float, once more with its operators in another order."""
    for ordered in (calibrated, _views_first(calibrated)):
        data = _quantized(ordered)
        if _states_differ(data, model):
            data = _with_equal_states(ordered, model)
        if not float_operators(data):
            break
    return data


def _quantized(calibrated: bytes) -> bytes:
    return _run(mlir_quantize, calibrated, input_data_type=tf.int8, output_data_type=tf.int8)


def _views_first(calibrated: bytes) -> bytes:
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


def _relu6_by_range(data: bytes) -> bytes:
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


def _states_differ(data: bytes, model: StreamingModel) -> bool:
    """Whether a state comes out with another quantization than it goes in, as the states of recurrent layers do."""
    return any(source != target for source, target in _ends(data, model))


def _ends(data: bytes, model: StreamingModel) -> list[tuple[tuple[float, int], tuple[float, int]]]:
    runner = load(data, allocate=False).get_signature_runner()
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    return [
        (inputs[f"{name}_in"]["quantization"], outputs[f"output_{position}"]["quantization"])
        for position, name in enumerate(model.state_specs, 1)
    ]


def _with_equal_states(calibrated: bytes, model: StreamingModel) -> bytes:
    """Quantizes a calibrated model, its states going in with the quantization that the converter gave their outputs."""
    target = flatbuffer_utils.convert_bytearray_to_object(bytearray(calibrated))
    for _ in range(3):  # a new range of an input may move an output that shares it
        data = bytes(flatbuffer_utils.convert_object_to_bytearray(target))
        data = _quantized(data)
        for name, (_, (scale, zero_point)) in zip(model.state_specs, _ends(data, model), strict=True):
            source = _input(target, name).quantization
            source.min, source.max = [(-128 - zero_point) * scale], [(127 - zero_point) * scale]
    target = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
    for name, (source, (scale, zero_point)) in zip(model.state_specs, _ends(data, model), strict=True):
        if source[1] == zero_point and np.isclose(source[0], scale, rtol=1e-6, atol=0):  # but for rounding
            _input(target, name).quantization.scale = [scale]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(target))


def _input(target: Any, state: str) -> Any:
    maps = {item.name.decode(): item.tensorIndex for item in target.signatureDefs[0].inputs}
    return target.subgraphs[0].tensors[maps[f"{state}_in"]]


def _check(model: StreamingModel, recordings: np.ndarray) -> None:
    wanted = tuple(model.input_shape[2:])
    if recordings.dtype != np.int8 or recordings.ndim != len(wanted) + 2 or recordings.shape[2:] != wanted:
        raise KwsError(
            f"recordings for calibration must be int8 [recordings, frames, {', '.join(map(str, wanted))}]. "
            f"Received: {recordings.dtype} {list(recordings.shape)}."
        )
    if model.output_count != 1:
        raise KwsError(
            f"an int8 model has one output. Received: {model.output_count} outputs; export a model for each."
        )


def convert_whole_clips(model: StreamingModel, recordings: np.ndarray, scale: float, steps: int) -> bytes:
    """The batch form of `convert`: the same int8 model, quantized with the same ranges, but `steps` steps in one call.

    Its convolutions run over all frames at once. From reset states it gives, bit for bit, what as many calls of the
    streaming model give one after the other; that is what it is for.

    Args:
      model, recordings, scale: as in `convert`.
      steps: at least 2.

    Raises:
      KwsError: the two forms do not have the same tensors, so that one's ranges cannot be given to the other.
    """
    function, whole = model.concrete_function(), model.concrete_function(steps)
    nothing = {tensor.name.split(":")[0]: np.zeros(tensor.shape, np.float32) for tensor in whole.inputs}
    ranges, target = [
        flatbuffer_utils.convert_bytearray_to_object(bytearray(_calibrated(_int8_converter(model, *arguments))))
        for arguments in (
            (function, lambda: _representative(model, function, recordings, scale)),
            (whole, lambda: iter([nothing])),
        )
    ]
    known = {_own_name(tensor): tensor.quantization for tensor in _activations(ranges)}
    for tensor in _activations(target):
        if _own_name(tensor) not in known:
            raise KwsError(f"tensor {_own_name(tensor)} is in the model of {steps} steps only: no range for it.")
        tensor.quantization = known[_own_name(tensor)]
    return _relu6_by_range(_quantized(bytes(flatbuffer_utils.convert_object_to_bytearray(target))))


def _activations(model: Any) -> list[Any]:
    graph = model.subgraphs[0]
    return [t for t in graph.tensors if t.type == schema.TensorType.FLOAT32 and model.buffers[t.buffer].data is None]


def _own_name(tensor: Any) -> str:
    return tensor.name.decode().strip(";")  # the converter joins the names of what it fused, empty ones too


def _calibrated(converter: tf.lite.TFLiteConverter) -> bytes:
    converter._experimental_calibrate_only = True  # the float model with measured ranges: what mlir_quantize takes
    return _run(converter.convert)


def _int8_converter(model: StreamingModel, function: Callable, representative: Callable) -> tf.lite.TFLiteConverter:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter


def _representative(
    model: StreamingModel, function: Callable, recordings: np.ndarray, scale: float
) -> Iterable[dict[str, np.ndarray]]:
    frames = model.frames_per_step
    features = recordings.astype(np.float32)
    features[np.unravel_index(features.argmin(), features.shape)] = -128
    features[np.unravel_index(features.argmax(), features.shape)] = 127
    behind = -(-model.delay_frames // frames) * frames
    for recording in features * np.float32(scale):
        states = model.initial_states()
        heard = len(recording) - len(recording) % frames
        recording = np.pad(recording[:heard], [(0, behind), *[(0, 0)] * (recording.ndim - 1)])
        for start in range(0, len(recording), frames):
            inputs = {"features": recording[start : start + frames].reshape(model.feature_shape)}
            if model.needs_valid:
                inputs[VALID] = (np.arange(start, start + frames) < heard).astype(np.float32)[None]
            inputs |= {f"{name}_in": value for name, value in states.items()}
            yield inputs
            _, *new = function(*map(tf.constant, inputs.values()))
            states = dict(zip(states, (value.numpy() for value in new), strict=True))


def _describe(data: bytes, model: StreamingModel, scale: float) -> ConvertedModel:
    interpreter = load(data, allocate=False)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    signature = interpreter.get_signature_runner()
    input_names, output_names = signature.get_input_details(), signature.get_output_details()

    def tensor(details: list[dict], named: dict[str, dict], name: str) -> Tensor:
        tensor_index = named[name]["index"]
        position = [detail["index"] for detail in details].index(tensor_index)
        detail = details[position]
        if detail["dtype"] != np.int8:
            raise KwsError(
                f"the converter left {detail['name']} as {detail['dtype'].__name__}, not int8. Report this model."
            )
        tensor_scale, zero_point = detail["quantization"]
        return Tensor(position, detail["name"], tuple(map(int, detail["shape"])), float(tensor_scale), int(zero_point))

    features = tensor(inputs, input_names, "features")
    if np.float32(features.scale) != np.float32(scale) or features.zero_point != 0:
        raise KwsError(
            f"the converter quantized the features with scale {features.scale:.6g}, zero point {features.zero_point}; "
            f"the front end gives {scale:.6g}, 0. Pooling and Concatenate share their inputs' scale: put a 1x1 "
            "convolution before the one that takes the features."
        )
    states = []
    for position, name in enumerate(model.state_specs, 1):
        source = tensor(inputs, input_names, f"{name}_in")
        target = tensor(outputs, output_names, f"output_{position}")
        if (source.shape, source.scale, source.zero_point) != (target.shape, target.scale, target.zero_point):
            raise KwsError(
                f"state {name} comes out as {target} and goes in as {source}: it cannot be fed back untouched."
            )
        ends = source.index, target.index
        states.append(State(name, *ends, source.shape, source.scale, source.zero_point, reset_value=source.zero_point))
    valid = tensor(inputs, input_names, VALID) if model.needs_valid else None
    return ConvertedModel(data, features, tensor(outputs, output_names, "output_0"), tuple(states), valid)
