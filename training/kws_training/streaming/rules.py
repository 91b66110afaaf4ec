"""Which operation of the streaming model a Keras layer or function becomes, and which have none."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kws_training.streaming.keras_graph import Made
from kws_training.streaming.layer import StateSpec, Streaming, refuse
from kws_training.streaming.lowering import Classifier, Layer, Linear, Memoryless, Operation, Scale, WindowMean
from kws_training.streaming.macs import count_macs
from kws_training.streaming.patterns import STATE, WINDOWS, Ring, Window, pattern_for
from kws_training.streaming.stream import Stream

_ELEMENTWISE = (
    layers.Activation,
    layers.Add,
    layers.Average,
    layers.ELU,
    layers.LeakyReLU,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.ReLU,
    layers.Rescaling,
    layers.Subtract,
)
_ELEMENTWISE_FUNCTIONS = (
    *("Absolute", "Add", "Clip", "Divide", "Elu", "Exp", "Expm1", "Gelu", "HardSigmoid", "HardSilu", "HardTanh"),
    *("LeakyRelu", "Log", "Log1p", "Maximum", "Minimum", "Multiply", "Negative", "Power", "Relu", "Relu6", "Rsqrt"),
    *("Selu", "Sigmoid", "Silu", "Softplus", "Softsign", "Sqrt", "Square", "Subtract", "Tanh", "TrueDivide"),
)
_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_NORMALISATIONS = (
    layers.LayerNormalization,
    layers.RMSNormalization,
    layers.UnitNormalization,
    layers.Softmax,
)


def lower(made: Made, frames: int, delay: int, ended: bool) -> Operation:
    """Chooses the operation for one call of a layer or function.

    Args:
      made: its output.
      frames: frames that a step brings it.
      delay: frames by which its input lags.
      ended: time has ended before it.

    Raises:
      CannotStream: it needs frames that a step does not have.
    """
    layer, rank = made.operation, len(made.tensor.shape)
    shape = tuple(made.call.input_tensors[0].shape)
    if isinstance(layer, Streaming):
        return _streaming(layer, shape, frames, delay, rank)
    if isinstance(layer, layers.BatchNormalization):
        return Scale(*gain_and_offset(layer), rank)
    if isinstance(layer, layers.Dense) and _is_keras_own(layer):
        if ended and rank == 2:
            return Classifier(layer)
        linear = Linear(layer, None, rank)
        rows = shape[1:-1] if ended else (frames, *shape[2:-1])
        linear.macs = linear.kernel.size * int(np.prod(rows))
        return linear
    if isinstance(layer, _CONVOLUTIONS) and not ended:
        return _bare_convolution(layer, shape, made.tensor, frames)
    if not ended and not getattr(layer, "frame_by_frame", False):
        _check_frame_by_frame(made, shape, tuple(made.tensor.shape))
    return _memoryless(made, frames, ended)


def gain_and_offset(norm: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What a batch normalisation multiplies by and adds after training, float64 ``[channels]``."""

    def value(variable: Any, default: float) -> np.ndarray:
        if variable is None:
            return np.full(norm.moving_mean.shape, default, np.float64)
        return np.asarray(variable, np.float64)

    gain = value(norm.gamma, 1.0) / np.sqrt(value(norm.moving_variance, 1.0) + norm.epsilon)
    return gain, value(norm.beta, 0.0) - value(norm.moving_mean, 0.0) * gain


def _streaming(layer: Streaming, shape: tuple[int | None, ...], frames: int, delay: int, rank: int) -> Operation:
    pattern, cell = (layer.pattern, layer.cell) if isinstance(layer, Stream) else (None, None)
    if (
        isinstance(pattern, Ring)
        and isinstance(cell, _CONVOLUTIONS)
        and getattr(cell, "groups", 1) == 1
        and _is_keras_own(cell)
    ):
        linear = Linear(cell, pattern, rank)
        specs = pattern.specs(shape, frames, delay)
        if STATE in specs and rank == 3:
            rows, channels = specs[STATE].shape
            specs = {STATE: StateSpec((rows, 1, channels))}
        linear.taps, taps = pattern.taps(frames, delay), len(linear.kernel)
        linear.skip(pattern.skipped(delay))
        linear.specs, linear.macs = specs, layer.macs(shape, frames) // taps * len(linear.kernel)
        return linear
    if (
        isinstance(pattern, Window)
        and isinstance(cell, layers.GlobalAveragePooling1D)
        and pattern.frames % frames == 0
        and delay % frames == 0
    ):
        return WindowMean(pattern, shape[-1], frames)
    return Layer(layer, shape, frames, delay, rank)


def _bare_convolution(layer: Any, shape: tuple[int | None, ...], output: Any, frames: int) -> Operation:
    rank = len(output.shape)
    if layer.kernel_size[0] != 1 or layer.strides[0] != 1:
        refuse(layer, "it mixes frames: wrap it in Stream(...)")
    if getattr(layer, "groups", 1) != 1 or not _is_keras_own(layer):
        count = functools.partial(count_macs, layer, (1, frames, *shape[2:]))
        return Memoryless(lambda tensors: layer(tensors[0]), rank, False, count)
    # The ring of one tap keeps nothing; it knows the padding in frequency.
    linear = Linear(layer, pattern_for(type(layer).from_config(layer.get_config()), 0, None), rank)
    linear.macs = linear.kernel.size * frames * (output.shape[2] if rank == 4 else 1)
    return linear


def _memoryless(made: Made, frames: int, ended: bool) -> Operation:
    layer, call = made.operation, made.call
    any_rank = isinstance(layer, _ELEMENTWISE) or (
        _is_elementwise_function(layer) and not any(np.ndim(constant) for constant in _constants(call))
    )
    run = _call_of(made, ended)

    def count() -> int:
        symbols = call.input_tensors
        shapes = [(1, *symbol.shape[1:]) if ended else (1, frames, *symbol.shape[2:]) for symbol in symbols]
        return count_macs(lambda *tensors: run(tensors), *shapes)

    multiplies = getattr(layer, "weights", None) or type(layer).__name__ in ("Matmul", "Einsum", "Dot", "Tensordot")
    return Memoryless(run, len(made.tensor.shape), any_rank, count if multiplies else lambda: 0)


def _constants(call: Any) -> list[Any]:
    items = keras.tree.flatten((call.arguments.args, call.arguments.kwargs))
    return [item for item in items if not isinstance(item, keras.KerasTensor | str | None)]


def _call_of(made: Made, ended: bool) -> Callable[[list[tf.Tensor]], tf.Tensor]:
    """The call on other tensors. TensorFlow's own operations, where they say the same, keep exported names short."""
    layer, call = made.operation, made.call
    if isinstance(layer, layers.Reshape) and not ended:
        return lambda tensors: tf.reshape(tensors[0], (*tensors[0].shape[:2], *made.tensor.shape[2:]))
    if isinstance(layer, layers.Concatenate):
        return lambda tensors: tf.concat(tensors, -1)
    if isinstance(layer, layers.Add):
        return lambda tensors: functools.reduce(operator.add, tensors)
    if isinstance(layer, layers.ReLU) and layer.max_value is None and not (layer.negative_slope or layer.threshold):
        return lambda tensors: tf.nn.relu(tensors[0])

    position = [id(output) for output in call.outputs].index(id(made.tensor))

    def run(tensors: list[tf.Tensor]) -> tf.Tensor:
        known = {id(symbol): value for symbol, value in zip(call.input_tensors, tensors, strict=True)}
        args, kwargs = call.arguments.fill_in(known)
        return keras.tree.flatten(layer(*args, **kwargs))[position]

    return run


def _is_keras_own(layer: layers.Layer) -> bool:
    """Whether it computes what Keras's class does: a subclass may do something else to its kernel."""
    call = type(layer).call
    return call.__module__.startswith("keras.") or getattr(call, "equals_keras", False)


def _is_elementwise_function(function: Any) -> bool:
    return type(function).__name__ in _ELEMENTWISE_FUNCTIONS and type(function).__module__.startswith("keras.")


def _try_frame_by_frame(made: Made) -> None:
    """Refuses a function that gives other numbers for frames together than for each frame alone."""
    shapes = [tuple(symbol.shape) for symbol in made.call.input_tensors]
    why = (
        "this function mixes frames, or may do so: let it work on the last axis, or write a StreamingLayer of your own"
    )
    if any(len(shape) < 3 or None in shape[2:] for shape in shapes) or len(made.tensor.shape) < 3:
        refuse(made.operation, why)
    random, run = np.random.default_rng(0), _call_of(made, False)
    clips = [random.standard_normal((2, 4, *shape[2:])).astype(np.float32) for shape in shapes]
    try:
        whole = np.asarray(run([tf.constant(clip) for clip in clips]))
        alone = [np.asarray(run([tf.constant(clip[:, t : t + 1]) for clip in clips])) for t in range(4)]
    except (ValueError, TypeError, tf.errors.OpError):
        refuse(made.operation, why)
    if whole.shape[:2] != (2, 4) or not np.allclose(whole, np.concatenate(alone, 1), atol=1e-4):
        refuse(made.operation, why)


def _check_elementwise(made: Made) -> None:
    layer, ranks = made.operation, [len(tensor.shape) for tensor in made.call.input_tensors]
    if len(set(ranks)) > 1:
        refuse(layer, f"its inputs have {' and '.join(map(str, ranks))} axes: Reshape them to the same number of axes")
    for constant in _constants(made.call) if not isinstance(layer, layers.Layer) else []:
        shape = np.shape(constant)
        if len(shape) >= ranks[0] - 1 and shape[1 - ranks[0]] != 1:
            refuse(layer, f"its constant {shape} has a time axis of {shape[1 - ranks[0]]}: a stream has no first frame")
    if isinstance(layer, layers.Activation) and not layer.activation.__module__.startswith("keras."):
        frames = np.random.default_rng(0).standard_normal((1, 3, *made.tensor.shape[2:])).astype(np.float32)
        whole = np.asarray(layer.activation(tf.constant(frames)))
        alone = np.asarray(layer.activation(tf.constant(frames[:, 1:2])))
        if not np.allclose(whole[:, 1:2], alone, atol=1e-4):
            refuse(layer, "its function mixes frames: put it into a StreamingLayer of your own")


def _check_frame_by_frame(made: Made, shape: tuple[int | None, ...], output: tuple[int | None, ...]) -> None:
    layer, rank = made.operation, len(shape)
    if not isinstance(layer, layers.Layer):
        if _is_elementwise_function(layer):
            _check_elementwise(made)
        else:
            _try_frame_by_frame(made)
    elif isinstance(layer, _ELEMENTWISE) and _is_keras_own(layer):
        _check_elementwise(made)
    elif isinstance(layer, layers.Concatenate):
        if layer.axis % rank != rank - 1:
            refuse(layer, "it must join the last axis: axis=-1")
    elif isinstance(layer, layers.GroupNormalization):
        refuse(layer, "it normalises over time; LayerNormalization does not")
    elif isinstance(layer, _NORMALISATIONS):
        axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
        if any(axis % rank in (0, 1) for axis in axes):
            refuse(layer, "it normalises over time")
    elif isinstance(layer, layers.Reshape):
        if len(output) < 3 or np.prod(output[2:]) != np.prod(shape[2:]):
            refuse(layer, "it must keep the frames: Reshape((-1, ...)) with as many values in each")
    elif isinstance(layer, layers.Permute):
        if layer.dims[0] != 1:
            refuse(layer, "it moves the time axis")
    elif isinstance(layer, layers.PReLU):
        if not layer.shared_axes or 1 not in layer.shared_axes:
            refuse(layer, "it has other weights for each frame; give shared_axes=[1]")
    elif not isinstance(layer, layers.TimeDistributed) or not _is_keras_own(layer):
        pattern_for(layer, None, 1 if isinstance(layer, WINDOWS) else None)  # refuses what no wrapping helps
        refuse(layer, "it mixes frames: wrap it in Stream(...)")
