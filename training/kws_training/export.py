"""Full-integer int8 streaming ``.tflite`` with external states, and the tensors that the manifest names."""

import dataclasses
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from kws_reference.bundle import State, Tensor
from kws_reference.errors import KwsError

from kws_training.models.matchbox import StreamingStep


@dataclasses.dataclass(frozen=True)
class StreamingModel:
    """A converted model.

    Attributes:
      data: bytes of the ``.tflite``.
      features, scores: its data tensors.
      states: its states, in the order of the model's configuration.
    """

    data: bytes
    features: Tensor
    scores: Tensor
    states: tuple[State, ...]


def convert(step: StreamingStep, recordings: np.ndarray, scale: float) -> StreamingModel:
    """Quantizes a streaming step after training (full integer; weights per channel, activations per tensor).

    The ranges of the activations are those seen while the float step streams the recordings. Features come from the
    front end as int8 steps, so their scale is given and not measured: the representative data is stretched to exactly
    [-128, 127] steps.

    Args:
      step: the float streaming model.
      recordings: int8 features ``[recordings, frames, coefficients]``.
      scale: real value of one int8 feature step: 1 / ``feature_steps_per_std`` of the front end.

    Raises:
      KwsError: the converter did not give the two ends of a state, or the features, the quantization that they need.
    """
    concrete = step.__call__.get_concrete_function(*step.signature())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], step)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representative(step, recordings, scale)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return _describe(converter.convert(), step, scale)


def _representative(step: StreamingStep, recordings: np.ndarray, scale: float) -> Iterable[dict[str, np.ndarray]]:
    frames = step.config.frames_per_step
    features = recordings.astype(np.float32)
    features[np.unravel_index(features.argmin(), features.shape)] = -128
    features[np.unravel_index(features.argmax(), features.shape)] = 127
    names = list(step.config.state_shapes)
    for recording in features * np.float32(scale):
        states = step.initial_states()
        for start in range(0, len(recording) - frames + 1, frames):
            x = recording[None, start : start + frames, None]
            yield {"features": x, **{f"{name}_in": value for name, value in states.items()}}
            _, *new = step(tf.constant(x), *map(tf.constant, states.values()))
            states = dict(zip(names, (value.numpy() for value in new), strict=True))


def _describe(data: bytes, step: StreamingStep, scale: float) -> StreamingModel:
    interpreter = tf.lite.Interpreter(model_content=data)
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
            f"the converter quantized the features with scale {features.scale}, zero point {features.zero_point}; the "
            f"front end gives {scale}, 0."
        )
    states = []
    for position, name in enumerate(step.config.state_shapes, 1):
        source = tensor(inputs, input_names, f"{name}_in")
        target = tensor(outputs, output_names, f"output_{position}")
        if (source.shape, source.scale, source.zero_point) != (target.shape, target.scale, target.zero_point):
            raise KwsError(
                f"state {name} comes out as {target} and goes in as {source}: it cannot be fed back untouched."
            )
        ends = source.index, target.index
        states.append(State(name, *ends, source.shape, source.scale, source.zero_point, reset_value=source.zero_point))
    return StreamingModel(data, features, tensor(outputs, output_names, "output_0"), tuple(states))
