"""The tensors of an int8 streaming ``.tflite``; those that the firmware could not feed, or feed back, are refused."""

import numpy as np
from kws_reference.bundle import Endpoint, State
from kws_reference.errors import KwsError

from kws_training.convert.converted_model import ConvertedModel
from kws_training.convert.interpreter import load
from kws_training.streaming import StreamingModel
from kws_training.streaming.model import VALID


def describe(data: bytes, model: StreamingModel, scale: float) -> ConvertedModel:
    """Finds features, scores and states.

    Args:
      data: bytes of the ``.tflite``.
      model: the streaming model that it was converted from.
      scale: real value of one int8 feature step.

    Raises:
      KwsError: a tensor is not int8, or features or a state do not have the quantization that they need.
    """
    interpreter = load(data, allocate=False)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    signature = interpreter.get_signature_runner()
    input_names, output_names = signature.get_input_details(), signature.get_output_details()

    def tensor(details: list[dict], named: dict[str, dict], name: str) -> Endpoint:
        tensor_index = named[name]["index"]
        position = [detail["index"] for detail in details].index(tensor_index)
        detail = details[position]
        if detail["dtype"] != np.int8:
            raise KwsError(
                f"the converter left {detail['name']} as {detail['dtype'].__name__}, not int8. Report this model."
            )
        tensor_scale, zero_point = detail["quantization"]
        shape = tuple(map(int, detail["shape"]))
        return Endpoint(position, detail["name"], shape, float(tensor_scale), int(zero_point))

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
