"""Which operation of the streaming model a Keras layer or function becomes, and which have none."""

import functools
import operator
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kws_training.streaming.axes import Mixes, Unproven
from kws_training.streaming.keras_graph import Made
from kws_training.streaming.layer import StateSpec, Streaming, refuse
from kws_training.streaming.lowering import (
    Classifier,
    Layer,
    Linear,
    Memoryless,
    Operation,
    Scale,
    WindowMean,
    is_keras_activation,
    takes_any_rank,
)
from kws_training.streaming.macs import count_macs
from kws_training.streaming.patterns import STATE, WINDOWS, Recurrent, Remainder, Ring, Window, pattern_for
from kws_training.streaming.proof import prove, try_lengths, try_rows
from kws_training.streaming.recent import Recent
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
    if isinstance(layer, layers.BatchNormalization) and is_keras_own(layer):
        return Scale(*gain_and_offset(layer), rank)
    if isinstance(layer, layers.Normalization) and is_keras_own(layer) and _is_for_channels(layer):
        return Scale(*_normalization(layer), rank)
    if _is_dense(layer) and rank <= 4:
        _check_activation(layer, layer.activation, made.tensor.shape, frames, ended)
        if ended and rank == 2:
            return Classifier(layer)
        linear = Linear(layer, None, rank)
        rows = shape[1:-1] if ended else (frames, *shape[2:-1])
        linear.macs = linear.kernel.size * int(np.prod(rows))
        return linear
    if isinstance(layer, _CONVOLUTIONS) and not ended:
        return _bare_convolution(made, shape, frames)
    if ended:
        _check_rows(made)
    elif getattr(layer, "frame_by_frame", False):
        _check_promise(made, frames)
    else:
        _check_frame_by_frame(made, shape, tuple(made.tensor.shape), frames)
    return _memoryless(made, frames, ended)


def gain_and_offset(norm: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """What a batch normalisation multiplies by and adds after training, float64 ``[channels]``."""

    def value(variable: Any, default: float) -> np.ndarray:
        if variable is None:
            return np.full(norm.moving_mean.shape, default, np.float64)
        return np.asarray(variable, np.float64)

    gain = value(norm.gamma, 1.0) / np.sqrt(value(norm.moving_variance, 1.0) + norm.epsilon)
    return gain, value(norm.beta, 0.0) - value(norm.moving_mean, 0.0) * gain


def _is_for_channels(norm: layers.Normalization) -> bool:
    return all(size == 1 for size in norm.mean.shape[:-1])


def _normalization(norm: layers.Normalization) -> tuple[np.ndarray, np.ndarray]:
    """What it multiplies by and adds, float64 ``[channels]`` or ``[1]``."""
    mean = np.ravel(np.asarray(norm.mean, np.float64))
    deviation = np.maximum(np.sqrt(np.ravel(np.asarray(norm.variance, np.float64))), keras.config.epsilon())
    return (deviation, mean) if norm.invert else (1 / deviation, -mean / deviation)


def _is_dense(layer: Any) -> bool:
    """Whether it multiplies the last axis by a matrix: Dense, or an EinsumDense that says the same."""
    if not is_keras_own(layer) or not isinstance(layer, layers.Dense | layers.EinsumDense):
        return False
    if isinstance(layer, layers.Dense):
        return True
    inputs, kernel, output = re.split(",|->", layer.equation.replace(" ", "").replace("...", ""))
    plain_bias = layer.bias is None or len(layer.bias.shape) == 1
    return len(kernel) == 2 and inputs[-1:] == kernel[0] and output == inputs[:-1] + kernel[1] and plain_bias


def _streaming(layer: Streaming, shape: tuple[int | None, ...], frames: int, delay: int, rank: int) -> Operation:
    pattern, cell = (layer.pattern, layer.cell) if isinstance(layer, Stream) else (None, None)
    if cell is not None:
        _check_cell(layer, shape, frames)
    own = type(layer) is Stream and is_keras_own(cell)
    if own and isinstance(pattern, Ring) and isinstance(cell, _CONVOLUTIONS) and getattr(cell, "groups", 1) == 1:
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
        own
        and isinstance(pattern, Window)
        and isinstance(cell, layers.GlobalAveragePooling1D)
        and pattern.frames % frames == 0
        and delay % frames == 0
    ):
        return WindowMean(pattern, shape[-1], frames)
    return Layer(layer, shape, frames, delay, rank)


def _check_cell(layer: Stream, shape: tuple[int | None, ...], frames: int) -> None:
    """Refuses cells whose own functions, or own class, may see more than the frames that the pattern gives them."""
    cell, pattern = layer.cell, layer.pattern
    if isinstance(pattern, Recent):
        window = tf.TensorSpec((None, *pattern.padded_shape(shape)[1:]), tf.float32)
        _check_clips(layer, lambda tensors: cell(tensors[0]), [window])
        return
    if not is_keras_own(cell):
        if isinstance(pattern, Recurrent | Remainder):
            refuse(layer, "a class of your own may do something else than Keras's: write it as a StreamingLayer")
        if isinstance(pattern, Ring):
            _try_windows(layer, shape, frames)
    if isinstance(cell, layers.RNN):
        _check_cells(layer, shape[-1], frames)
    else:
        output = layer.compute_output_shape(shape)
        count = max(frames * layer.upsampling // layer.stride, 1)
        _check_activation(layer, getattr(cell, "activation", None), output, count, layer.ends_time)


def _check_cells(layer: Stream, channels: int, frames: int) -> None:
    """Refuses cells, or activations of cells, of somebody's own that let the clips of a batch reach each other."""
    cell = layer.cell.cell
    cells = getattr(cell, "cells", [cell])
    if all(is_keras_own(each) for each in cells):
        for each in cells:
            for function in (each.activation, getattr(each, "recurrent_activation", None)):
                _check_activation(layer, function, (None, each.units), frames, True)
        return
    sizes = list(cell.state_size) if isinstance(cell.state_size, list | tuple) else [cell.state_size]
    symbols = [tf.TensorSpec((None, size), tf.float32) for size in (channels, *keras.tree.flatten(sizes))]
    _check_clips(layer, lambda given: cell(given[0], keras.tree.pack_sequence_as(sizes, list(given[1:])))[0], symbols)


def _check_clips(layer: Stream, run: Callable[[list[Any]], Any], symbols: list[tf.TensorSpec]) -> None:
    """Refuses somebody's own cell or function that lets windows, or the clips of a batch, reach each other."""
    try:
        try:
            prove(run, symbols, time=False)
        except Mixes:
            raise
        except Unproven:
            try_rows(run, symbols)
    except Unproven as error:
        refuse(layer, f"it mixes the clips of a batch, or windows ({error}): let each row of its output have its own")


def _try_windows(layer: Stream, shape: tuple[int | None, ...], frames: int) -> None:
    """Refuses a convolution or pooling of one's own that gives other numbers for a window than for the whole."""
    ring, stride = layer.pattern, layer.stride
    count = max(frames // stride, 1)
    starts = 8 * count
    rows = np.random.default_rng(0).standard_normal((2, starts * stride + ring.context_frames, *shape[2:]))
    run = lambda part: np.asarray(layer.cell(ring._pad(tf.constant(part, tf.float32), 0, 0)))  # noqa: E731
    try:
        whole = run(rows)
        for first in range(0, starts, count):
            begin = first * stride
            part = run(rows[:, begin : begin + (count - 1) * stride + ring.context_frames + 1])
            if not np.allclose(part, whole[:, first : first + count], atol=1e-4):
                refuse(layer, "its numbers for a few frames are not those for the whole clip: write a StreamingLayer")
    except (ValueError, TypeError, tf.errors.OpError) as error:
        refuse(layer, f"it does not run on a few frames ({str(error).splitlines()[0]})")


def _check_activation(owner: Any, function: Any, shape: Any, frames: int, ended: bool) -> None:
    """Refuses an activation of somebody's own that lets frames, or the clips of a batch, reach each other."""
    if function is None or is_keras_activation(function):
        return
    symbol = tf.TensorSpec(tuple(shape), tf.float32)

    def run(tensors: list[Any]) -> Any:
        output = function(tensors[0])
        if len(output.shape) != len(tensors[0].shape):  # Keras takes it that an activation keeps the shape
            raise ValueError(f"it makes {len(output.shape)} axes of {len(tensors[0].shape)}")
        return output

    try:
        prove(run, [symbol], time=not ended)
        if not ended:
            try_lengths(run, run, [symbol], frames)
    except Unproven as error:
        refuse(owner, f"its activation mixes frames, or may do so ({error}): put it into a StreamingLayer of your own")


def _bare_convolution(made: Made, shape: tuple[int | None, ...], frames: int) -> Operation:
    layer, output = made.operation, tuple(made.tensor.shape)
    if layer.kernel_size[0] != 1 or layer.strides[0] != 1:
        refuse(layer, "it mixes frames: wrap it in Stream(...)")
    _check_activation(layer, layer.activation, output, frames, False)
    if not is_keras_own(layer):
        _check_promise(made, frames)
    if getattr(layer, "groups", 1) != 1 or not is_keras_own(layer):
        return _memoryless(made, frames, False)
    # The ring of one tap keeps nothing; it knows the padding in frequency.
    linear = Linear(layer, pattern_for(type(layer).from_config(layer.get_config()), 0, None), len(output))
    linear.macs = linear.kernel.size * frames * (output[2] if len(output) == 4 else 1)
    return linear


def _memoryless(made: Made, frames: int, ended: bool) -> Operation:
    layer, call = made.operation, made.call
    run = _call_of(made, ended)

    def count() -> int:
        symbols = call.input_tensors
        shapes = [(1, *symbol.shape[1:]) if ended else (1, frames, *symbol.shape[2:]) for symbol in symbols]
        return count_macs(lambda *tensors: run(tensors), *shapes)

    multiplies = getattr(layer, "weights", None) or type(layer).__name__ in ("Matmul", "Einsum", "Dot", "Tensordot")
    return Memoryless(run, len(made.tensor.shape), _takes_any_rank(made), count if multiplies else lambda: 0)


def _takes_any_rank(made: Made) -> bool:
    """Whether it gives the same numbers when an axis of one stands before the channels."""
    layer = made.operation
    if isinstance(layer, layers.Activation):
        return is_keras_own(layer) and takes_any_rank(layer.activation)
    if isinstance(layer, layers.Layer):
        return isinstance(layer, _ELEMENTWISE) and is_keras_own(layer) and not _has_arrays(vars(layer).values())
    arguments = made.call.arguments
    own = [value for name, value in vars(layer).items() if not name.startswith("_")]
    return _is_elementwise_function(layer) and not _has_arrays([*arguments.args, *arguments.kwargs.values(), *own])


def _has_arrays(values: Any) -> bool:
    """Whether some of them hold several numbers."""
    return any(
        isinstance(v, list | tuple | np.ndarray | tf.Tensor | tf.Variable | keras.Variable) and np.ndim(v)
        for v in values
    )


def _call_of(made: Made, ended: bool) -> Callable[[list[tf.Tensor]], tf.Tensor]:
    """The call on other tensors. TensorFlow's own operations, where they say the same, keep exported names short."""
    layer, rank = made.operation, len(made.tensor.shape)
    symbols = made.call.input_tensors
    if _is_reshape(layer) and not ended and _keeps_frames(made):
        return lambda tensors: tf.reshape(tensors[0], (*tensors[0].shape[:2], *made.tensor.shape[2:]))
    alike = is_keras_own(layer) and {len(symbol.shape) for symbol in symbols} == {rank}
    if alike and len({symbol.dtype for symbol in symbols}) == 1:
        if isinstance(layer, layers.Concatenate):
            axis = layer.axis if layer.axis % rank != rank - 1 else -1
            return lambda tensors: tf.concat(tensors, axis)
        if isinstance(layer, layers.Add):
            return lambda tensors: functools.reduce(operator.add, tensors)
        if isinstance(layer, layers.ReLU) and layer.max_value is None and not (layer.negative_slope or layer.threshold):
            return lambda tensors: tf.nn.relu(tensors[0])
    return _as_trained(made)


def _as_trained(made: Made) -> Callable[[list[tf.Tensor]], tf.Tensor]:
    """The call on other tensors, as the training model makes it."""
    layer, call = made.operation, made.call
    position = [id(output) for output in call.outputs].index(id(made.tensor))

    def run(tensors: list[tf.Tensor]) -> tf.Tensor:
        known = {id(symbol): value for symbol, value in zip(call.input_tensors, tensors, strict=True)}
        args, kwargs = call.arguments.fill_in(known)
        return keras.tree.flatten(layer(*args, **kwargs))[position]

    return run


def is_keras_own(layer: Any) -> bool:
    """Whether it computes what Keras's class does: a subclass may do something else, or to another kernel."""
    kind = type(layer)
    return kind.__module__.startswith("keras.") or getattr(getattr(kind, "call", None), "equals_keras", False)


def _is_elementwise_function(function: Any) -> bool:
    return type(function).__name__ in _ELEMENTWISE_FUNCTIONS and type(function).__module__.startswith("keras.")


def _is_reshape(layer: Any) -> bool:
    return type(layer).__name__ == "Reshape" and is_keras_own(layer)


def _keeps_frames(made: Made) -> bool:
    """Whether a reshaping leaves batch and time as they are, and each frame its values."""
    before, after = tuple(made.call.input_tensors[0].shape), tuple(made.tensor.shape)
    if len(before) < 3 or len(after) < 3 or None in (*before[2:], *after[2:]):
        return False
    same_time = before[1] == after[1] or isinstance(made.operation, layers.Reshape)  # it never touches the batch
    return after[0] is None and same_time and np.prod(after[2:]) == np.prod(before[2:])


# Checks


def _prove_frame_by_frame(made: Made, frames: int) -> None:
    """Raises `Unproven` for what does not surely work on each frame by itself."""
    symbols, whole = made.call.input_tensors, _as_trained(made)
    if len(made.tensor.shape) < 3:
        raise Mixes(f"its output {tuple(made.tensor.shape)} has not the axes of batch, time and values")
    prove(whole, symbols)
    if not _is_elementwise_function(made.operation):
        try_lengths(whole, _call_of(made, False), symbols, frames)


def _check_function(made: Made, frames: int) -> None:
    try:
        _prove_frame_by_frame(made, frames)
    except Unproven as error:
        refuse(
            made.operation,
            f"this function mixes frames, or may do so ({error}): let it work on the last axis, or write a "
            "StreamingLayer of your own",
        )


def _check_promise(made: Made, frames: int) -> None:
    """Refuses a layer of somebody's own that says ``frame_by_frame``, if that is seen to be untrue."""
    symbols, run = made.call.input_tensors, _as_trained(made)
    try:
        prove(run, symbols)
    except Mixes as error:
        refuse(made.operation, f"it mixes frames ({error}): write it as a StreamingLayer")
    except Unproven:
        try:
            try_lengths(run, run, symbols, frames)
        except Unproven as error:
            refuse(made.operation, f"it mixes frames ({error}): write it as a StreamingLayer")


def _check_rows(made: Made) -> None:
    """Refuses what lets the clips of a batch reach each other; time has ended."""
    layer = made.operation
    if isinstance(layer, (*_ELEMENTWISE, *_NORMALISATIONS, layers.Concatenate, layers.Reshape)) and is_keras_own(layer):
        if not isinstance(layer, layers.Activation):
            return
    symbols, run = made.call.input_tensors, _as_trained(made)
    try:
        try:
            prove(run, symbols, time=False)
        except Mixes:
            raise
        except Unproven:
            try_rows(run, symbols)
    except Unproven as error:
        refuse(layer, f"it mixes the clips of a batch ({error})")


def _check_elementwise(made: Made, frames: int) -> None:
    layer, ranks = made.operation, [len(tensor.shape) for tensor in made.call.input_tensors]
    if len(set(ranks)) > 1:
        refuse(layer, f"its inputs have {' and '.join(map(str, ranks))} axes: Reshape them to the same number of axes")
    if isinstance(layer, layers.Activation):
        _check_activation(layer, layer.activation, made.tensor.shape, frames, False)
        return
    if _takes_any_rank(made):
        return
    arguments = made.call.arguments
    for constant in (*arguments.args, *arguments.kwargs.values()):
        shape = np.shape(constant) if isinstance(constant, np.ndarray | tf.Tensor | keras.Variable) else ()
        if len(shape) >= ranks[0] - 1 and shape[1 - ranks[0]] != 1:
            refuse(layer, f"its constant {shape} has a time axis of {shape[1 - ranks[0]]}: a stream has no first frame")
    _check_function(made, frames)


def _check_frame_by_frame(
    made: Made, shape: tuple[int | None, ...], output: tuple[int | None, ...], frames: int
) -> None:
    layer, rank = made.operation, len(shape)
    if not isinstance(layer, layers.Layer):
        if _is_elementwise_function(layer):
            _check_elementwise(made, frames)
        else:
            _check_function(made, frames)
    elif not is_keras_own(layer) or isinstance(layer, layers.Lambda):
        pattern_for(layer, None, 1 if isinstance(layer, WINDOWS) else None)  # refuses what no wrapping helps
        refuse(layer, "it mixes frames, or may do so: wrap it in Stream(...)")
    elif isinstance(layer, _ELEMENTWISE):
        _check_elementwise(made, frames)
    elif isinstance(layer, layers.Concatenate):
        if layer.axis % rank in (0, 1):
            refuse(layer, "it must join the last axis, or another one behind time: axis=-1")
    elif isinstance(layer, layers.GroupNormalization):
        refuse(layer, "it normalises over time; LayerNormalization does not")
    elif isinstance(layer, _NORMALISATIONS):
        axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
        if any(axis % rank in (0, 1) for axis in axes):
            refuse(layer, "it normalises over time")
    elif isinstance(layer, layers.Reshape):
        if not _keeps_frames(made):
            refuse(layer, "it must keep the frames: Reshape((-1, ...)) with as many values in each")
    elif isinstance(layer, layers.Permute):
        if layer.dims[0] != 1:
            refuse(layer, "it moves the time axis")
    elif isinstance(layer, layers.PReLU):
        if not layer.shared_axes or 1 not in layer.shared_axes:
            refuse(layer, "it has other weights for each frame; give shared_axes=[1]")
    elif isinstance(layer, layers.Masking) or getattr(layer, "mask_zero", False):
        refuse(layer, "it marks frames that later layers leave out, which a stream does not: leave it out")
    elif isinstance(layer, layers.TimeDistributed):
        _check_inner(made, shape)
    else:
        _check_layer(made, frames)


def _check_inner(made: Made, shape: tuple[int | None, ...]) -> None:
    """Of TimeDistributed: its layer sees one frame of each clip."""
    inner, symbol = made.operation.layer, tf.TensorSpec((None, *shape[2:]), tf.float32)

    def run(tensors: list[Any]) -> Any:
        return inner(tensors[0])

    try:
        try:
            prove(run, [symbol], time=False)
        except Mixes:
            raise
        except Unproven:
            try_rows(run, [symbol])
    except Unproven as error:
        refuse(made.operation, f"its {inner.name} mixes the clips of a batch ({error})")


def _check_layer(made: Made, frames: int) -> None:
    """Of Keras's other layers, accepts those that are seen to work on each frame by itself."""
    layer = made.operation
    try:
        _prove_frame_by_frame(made, frames)
    except Unproven as error:
        why = f"it mixes frames, or may do so ({error}); write it as a StreamingLayer"
        pattern_for(layer, None, 1 if isinstance(layer, WINDOWS) else None, why)  # refuses what no wrapping helps
        refuse(layer, "it mixes frames: wrap it in Stream(...)")
