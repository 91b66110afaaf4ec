"""A quantized Matchbox: the float model's configuration and weights, batch normalisation folded, ranges calibrated."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.errors import KwsError

from kws_training.models.matchbox import MatchboxConfig
from kws_training.quantize.flatbuffer import Builder
from kws_training.quantize.layers import Add, Dense, Depthwise, Features, Pointwise, QuantizedLinear, WindowMean
from kws_training.quantize.precision import Precision
from kws_training.quantize.ranges import ActivationRange, FixedRange, ranges_of
from kws_training.streaming.keras_graph import KerasGraph
from kws_training.streaming.rules import gain_and_offset

CALIBRATION_BATCH = 50


def build(config: MatchboxConfig, precision: Precision, features_scale: float) -> keras.Model:
    """The training model: float features ``[batch, frames, coefficients]`` in, logits ``[batch, labels]`` out.

    Args:
      config: of the float model.
      precision: of every layer.
      features_scale: real value of one int8 feature step; the zero point is 0.

    Raises:
      KwsError: the model looks ahead, or its window is no whole number of steps.
    """
    if not config.causal:
        raise KwsError("this Matchbox looks ahead: the firmware's engines take causal models. Quantize a causal one.")
    if config.pool_frames % config.frames_per_step:
        raise KwsError(
            "a quantized Matchbox averages over whole steps: pool_frames must be a multiple of frames_per_step. "
            f"Received: {config.pool_frames} and {config.frames_per_step}."
        )

    def values(name: str) -> ActivationRange:
        return ActivationRange(precision.learned, f"{name}_range")

    inputs = keras.Input((config.pool_frames, config.coefficients), name="features")
    about: ActivationRange | FixedRange = FixedRange(features_scale)
    x = Features(precision, about, name="quantize")(inputs)
    channels = config.coefficients
    for index, block in enumerate(config.blocks, 1):
        name, shortcut, before, width = f"block{index}", x, about, channels
        channels = block.filters * config.width
        if block.kernel > 1:  # of one tap: folded into the convolution behind it
            after = values(f"{name}_depthwise")
            x = Depthwise(width, block.kernel, block.dilation, precision, about, after, name=name)(x)
            about = after
        after = values(f"{name}_pointwise")
        relu = not block.residual
        x = Pointwise(width, channels, precision, about, after, relu=relu, name=f"{name}_pointwise")(x)
        about = after
        if block.residual:
            residual, total = values(f"{name}_residual"), values(f"{name}_add")
            shortcut = Pointwise(width, channels, precision, before, residual, relu=False, name=f"{name}_residual")(
                shortcut
            )
            x = Add(precision, (after, residual), total, name=f"{name}_add")([x, shortcut])
            about = total
    x = WindowMean(config.pool_frames, config.frames_per_step, precision, about, name="pool")(x)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    outputs = Dense(channels, config.labels, precision, about, values("logits"), name="logits")(x)
    return keras.Model(inputs, outputs, name="matchbox")


def start_from(model: keras.Model, trained: keras.Model, config: MatchboxConfig, features: np.ndarray) -> None:
    """Gives a quantized model its first weights and ranges.

    Args:
      model: of `build`.
      trained: the float model of the same configuration.
      config: of both.
      features: float ``[clips, frames, coefficients]``, whose activations give the ranges.
    """

    def pointwise(name: str, norm: str, taps: np.ndarray | float = 1.0) -> None:
        gain, offset = gain_and_offset(trained.get_layer(norm))
        kernel = np.asarray(trained.get_layer(name).kernel, np.float64)[0] * np.reshape(taps, (-1, 1)) * gain
        model.get_layer(name).kernel.assign(kernel.astype(np.float32))
        model.get_layer(name).bias.assign(offset.astype(np.float32))

    for index, block in enumerate(config.blocks, 1):
        name = f"block{index}"
        kernel = np.asarray(trained.get_layer(name).cell.kernel, np.float64)[..., 0]
        if block.kernel > 1:
            model.get_layer(name).kernel.assign(kernel.astype(np.float32))
        pointwise(f"{name}_pointwise", f"{name}_norm", kernel if block.kernel == 1 else 1.0)
        if block.residual:
            pointwise(f"{name}_residual", f"{name}_residual_norm")
    logits = trained.get_layer("logits")
    model.get_layer("logits").kernel.assign(logits.kernel)
    model.get_layer("logits").bias.assign(logits.bias)
    calibrate(model, features)


def calibrate(model: keras.Model, features: np.ndarray) -> None:
    """Measures the ranges of all activations in float, and chooses the first scales of the weights."""
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
    for layer in model.layers:
        if isinstance(layer, QuantizedLinear):
            layer.settle()


def _observe(model: keras.Model, features: np.ndarray) -> None:
    graph = KerasGraph(model)
    values: dict[Any, tf.Tensor] = {}
    for made in graph.calls:
        if made.operation is None or isinstance(made.operation, Features):
            values[made.key] = tf.constant(features, tf.float32)
            continue
        inputs = [values[key] for key in made.sources]
        values[made.key] = made.operation.call(inputs if len(inputs) > 1 else inputs[0])


def to_tflite(model: keras.Model, frames: int) -> bytes:
    """One streaming step of the trained integers.

    Args:
      model: of `build`.
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
        inputs = [numbers[key] for key in made.sources]
        numbers[made.key] = made.operation.emit(builder, inputs if len(inputs) > 1 else inputs[0], frames)
    return builder.finish(numbers[graph.outputs[0]])
