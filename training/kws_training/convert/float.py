"""Streaming ``.tflite`` files that compute in floating point."""

import tensorflow as tf

from kws_training.convert.converter import converted
from kws_training.streaming import StreamingModel


def float_tflite(model: StreamingModel, steps: int = 1) -> bytes:
    """Returns the float32 ``.tflite`` of `steps` streaming steps; see `StreamingModel.concrete_function`."""
    return converted(tf.lite.TFLiteConverter.from_concrete_functions([model.concrete_function(steps)], model))


def dynamic_tflite(model: StreamingModel) -> bytes:
    """Quantizes the weights to int8 and leaves the activations float ("dynamic range"): `TfliteRunner` runs it."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([model.concrete_function()], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converted(converter)
