"""Streaming ``.tflite`` files that compute in integers: quantized after training, or trained as such."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.errors import KwsError
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.tools import flatbuffer_utils

from kws_training.convert.converted_model import ConvertedModel
from kws_training.convert.converter import run_quietly
from kws_training.convert.float_operators import FloatOperator, float_operators, named
from kws_training.convert.graph_edits import relu6_by_range, views_first
from kws_training.convert.interpreter import load
from kws_training.convert.representative import check_recordings, representative
from kws_training.convert.tensors import describe
from kws_training.convert.trial import check_runs
from kws_training.quantize.model import to_tflite
from kws_training.streaming import StreamingModel


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
    data, left = quantized(model, recordings, scale)
    if left and not allow_float:
        raise KwsError(
            f"the converter has no int8 for all of this model and leaves {named(left)}: the firmware computes in "
            "integers only. Use another layer there (ReLU for ELU, BatchNormalization for LayerNormalization), or "
            "allow float operators (allow_float=True, --allow-float) for a file that kws-codegen refuses."
        )
    check_runs(data)
    return dataclasses.replace(describe(data, model, scale), float_operators=left)


def quantized(model: StreamingModel, recordings: np.ndarray, scale: float) -> tuple[bytes, tuple[FloatOperator, ...]]:
    """The file of `convert`, which no interpreter has tried yet, and the operators that are left in float in it.

    Args:
      model, recordings, scale: as in `convert`.
    """
    check_recordings(model, recordings)
    function = model.concrete_function()
    arguments = model, function, lambda: representative(model, function, recordings, scale)
    data = run_quietly(_int8_converter(*arguments).convert)
    if float_operators(data) or _states_differ(data, model):
        data = _from_ranges(_calibrated(_int8_converter(*arguments)), model)
    data = relu6_by_range(data)
    return data, tuple(float_operators(data))


def convert_quantized(trained: keras.Model, model: StreamingModel, scale: float) -> ConvertedModel:
    """A streaming step with the integers, scales and zero points of a model that was trained with them.

    Args:
      trained: of layers with a precision (`kws_training.quantize.layers`).
      model: its streaming model.
      scale: real value of one int8 feature step.
    """
    data = to_tflite(trained, model.frames_per_step)
    check_runs(data)
    return describe(data, model, scale)


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
            (function, lambda: representative(model, function, recordings, scale)),
            (whole, lambda: iter([nothing])),
        )
    ]
    known = {_own_name(tensor): tensor.quantization for tensor in _activations(ranges)}
    for tensor in _activations(target):
        if _own_name(tensor) not in known:
            raise KwsError(f"tensor {_own_name(tensor)} is in the model of {steps} steps only: no range for it.")
        tensor.quantization = known[_own_name(tensor)]
    return relu6_by_range(_quantized(bytes(flatbuffer_utils.convert_object_to_bytearray(target))))


def _int8_converter(model: StreamingModel, function: Callable, representative: Callable) -> tf.lite.TFLiteConverter:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter


def _calibrated(converter: tf.lite.TFLiteConverter) -> bytes:
    converter._experimental_calibrate_only = True  # the float model with measured ranges: what mlir_quantize takes
    return run_quietly(converter.convert)


def _from_ranges(calibrated: bytes, model: StreamingModel) -> bytes:
    """Quantizes a calibrated model; if something stays in float, once more with its operators in another order."""
    for ordered in (calibrated, views_first(calibrated)):
        data = _quantized(ordered)
        if _states_differ(data, model):
            data = _with_equal_states(ordered, model)
        if not float_operators(data):
            break
    return data


def _quantized(calibrated: bytes) -> bytes:
    return run_quietly(mlir_quantize, calibrated, input_data_type=tf.int8, output_data_type=tf.int8)


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


def _activations(model: Any) -> list[Any]:
    graph = model.subgraphs[0]
    return [t for t in graph.tensors if t.type == schema.TensorType.FLOAT32 and model.buffers[t.buffer].data is None]


def _own_name(tensor: Any) -> str:
    return tensor.name.decode().strip(";")  # the converter joins the names of what it fused, empty ones too
