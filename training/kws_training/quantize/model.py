"""What can be done with every model of layers with a precision: measure its ranges, write its streaming step."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kws_training.quantize.flatbuffer import Builder
from kws_training.quantize.layers import Features, QuantizedLinear
from kws_training.quantize.ranges import ranges_of
from kws_training.streaming.keras_graph import KerasGraph

CALIBRATION_BATCH = 50


def calibrate(model: keras.Model, features: np.ndarray) -> None:
    """Measures the ranges of all activations in float, and chooses the first scales of the weights.

    Args:
      model: of layers with a precision.
      features: float ``[clips, frames, coefficients]``.
    """
    ranges = ranges_of(model)
    for item in ranges:
        item.calibrating = True
    try:
        for first in range(0, len(features), CALIBRATION_BATCH):
            _observe(model, features[first : first + CALIBRATION_BATCH])
    finally:
        for item in ranges:
            item.calibrating = False
            item.settle()
    for layer in model._flatten_layers():
        if isinstance(layer, QuantizedLinear):
            layer.settle()


def _observe(model: keras.Model, features: np.ndarray) -> None:
    graph = KerasGraph(model)
    values: dict[Any, tf.Tensor] = {}
    for made in graph.calls:
        if made.operation is None:
            values[made.key] = tf.constant(features, tf.float32)
            continue
        inputs = [values[key] for key in made.sources]
        values[made.key] = made.operation.call(inputs if len(inputs) > 1 else inputs[0])


def to_tflite(model: keras.Model, frames: int) -> bytes:
    """One streaming step of the trained integers.

    Args:
      model: of layers with a precision, a `Features` first.
      frames: of a step.

    Returns:
      The int8 ``.tflite``; its states have the names and the order that `to_streaming` gives them.
    """
    graph = KerasGraph(model)
    coefficients = model.input_shape[2]
    numbers: dict[Any, int] = {}
    builder = None
    for made in graph.calls:
        if made.operation is None:
            continue
        if isinstance(made.operation, Features):
            builder = Builder((1, frames, 1, coefficients), made.operation.outputs)
            numbers[made.key] = builder.features
            continue
        inputs = builder.of_one_rank([numbers[key] for key in made.sources])
        rows = builder.shape(inputs[0])[1]  # fewer than `frames` behind a stride
        numbers[made.key] = made.operation.emit(builder, inputs if len(inputs) > 1 else inputs[0], rows)
    return builder.finish(numbers[graph.outputs[0]])
