"""Proves that a function works on each frame by itself, whatever the frames hold and however many there are.

Trying it on some frames would be a lottery: ``tf.roll(x, 97, 1)`` changes nothing in 97 of them. The graph that
TensorFlow records of the function tells: `axes` follows the axes of batch and time through it, at the clip's own
length. Numbers then tell what a graph of one length cannot, that other lengths mean the same.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kws_training.streaming.axes import BATCH, TIME, Axes, Mixes, Unproven, axes_of, is_elementwise, marked, other

Function = Callable[[list[Any]], Any]
_OPEN = 97  # frames of a clip whose length the model leaves open
_CLIPS = 3


def prove(function: Function, inputs: Sequence[Any], *, time: bool = True) -> None:
    """Follows a function's graph.

    Args:
      function: takes a list of tensors and gives one.
      inputs: Keras's or TensorFlow's symbols for them, ``[batch, time, ...]``, or ``[batch, ...]`` without time.
      time: the inputs have a time axis.

    Raises:
      Mixes: it mixes frames, or clips of a batch; says by what.
      Unproven: it holds an operation that nothing is known of.
    """
    shapes, graph = _clip_shapes(inputs, time), tf.__internal__.FuncGraph("proof")
    try:
        with graph.as_default():
            starts = [tf.compat.v1.placeholder(_dtype(i), shape) for i, shape in zip(inputs, shapes, strict=True)]
            output = tf.convert_to_tensor(function(list(starts)))
    except Exception as error:  # anything that somebody's function may raise
        raise Unproven(f"it does not run on frames alone ({_first_line(error)})") from error
    known = {tensor.name: _axes(shape, time) for tensor, shape in zip(starts, shapes, strict=True)}
    (found,) = axes_of(graph, known, [output], {})
    shape, front = tuple(output.shape), 1 + time
    if found is None:
        value = tf.get_static_value(output)
        alike = value is not None and shape[:front] == shapes[0][:front]
        if not alike or not np.array_equal(value, np.broadcast_to(value[(slice(0, 1),) * front], shape)):
            raise Mixes("it does not depend on the frames")
    elif found[:front] != _axes(shapes[0], time)[:front] or any(marked(axis) for axis in found[front:]):
        raise Mixes("its output has not one row for each frame" if time else "its output has not one row for each clip")


def works_on_each_value(function: Callable[[Any], Any]) -> bool:
    """Whether a function of one tensor is the same for every value, so that the number of axes does not matter."""
    graph = tf.__internal__.FuncGraph("proof")
    try:
        with graph.as_default():
            return is_elementwise(tf.convert_to_tensor(function(tf.compat.v1.placeholder(tf.float32, (3, 5, 7)))))
    except Exception:  # anything that somebody's function may raise
        return False


def try_lengths(whole: Function, step: Function, inputs: Sequence[Any], frames: int) -> None:
    """Compares clips with calls of a few frames, on small, usual and large numbers.

    Args:
      whole: the function on clips.
      step: the same on the frames of a step.
      inputs: symbols, ``[batch, time, ...]``.
      frames: of a step.

    Raises:
      Mixes: they differ.
    """
    length = _clip_shapes(inputs, True)[0][1]
    longer = (length // frames + 1) * frames
    clips = -(-longer // length)
    values = _numbers(inputs, clips * length)
    try:
        wanted = _joined(whole, values, length, clips)
        for count in sorted({frames, 2 * frames, longer}):
            found = _joined(step, values, count, min(max(longer // count, 1), 8))
            _compare(found, wanted[:, : found.shape[1]], "its numbers change with the number of frames")
    except Unproven:
        raise
    except Exception as error:  # anything that somebody's function may raise
        raise Mixes(f"it does not run on any number of frames ({_first_line(error)})") from error


def try_rows(function: Function, inputs: Sequence[Any]) -> None:
    """Compares a function on several clips ``[batch, ...]`` with the same on each of them.

    Raises:
      Mixes: they differ.
    """
    values = [value[:, 0] for value in _numbers([_with_time(symbol) for symbol in inputs], 1)]
    try:
        together = np.asarray(function([tf.constant(value) for value in values]))
        alone = [np.asarray(function([tf.constant(value[i : i + 1]) for value in values])) for i in range(_CLIPS)]
        _compare(np.concatenate(alone), together, "its numbers change with the batch")
    except Unproven:
        raise
    except Exception as error:  # anything that somebody's function may raise
        raise Mixes(f"it does not run on one clip ({_first_line(error)})") from error


def _numbers(inputs: Sequence[Any], frames: int) -> list[np.ndarray]:
    """Random clips whose frames are small, usual or large."""
    random = np.random.default_rng(0)
    scales = 10.0 ** random.uniform(-2, 2, (_CLIPS, frames))
    found = []
    for symbol in inputs:
        values = random.standard_normal((_CLIPS, frames, *symbol.shape[2:]))
        values = values * scales.reshape(_CLIPS, frames, *[1] * (values.ndim - 2))
        kind = _dtype(symbol)
        values = values if kind.is_floating else values > 0  # 0 and 1 fit whatever integers index
        found.append(values.astype(kind.as_numpy_dtype))
    return found


def _joined(function: Function, inputs: list[np.ndarray], frames: int, calls: int) -> np.ndarray:
    parts = []
    for call in range(calls):
        here = slice(call * frames, (call + 1) * frames)
        output = np.asarray(function([tf.constant(clip[:, here]) for clip in inputs]))
        if output.shape[:2] != (_CLIPS, min(frames, inputs[0].shape[1] - call * frames)):
            raise Mixes(f"of {frames} frames it makes {output.shape[1] if output.ndim > 1 else 'none'}")
        parts.append(output)
    return np.concatenate(parts, 1)


def _compare(found: np.ndarray, wanted: np.ndarray, why: str) -> None:
    if found.shape != wanted.shape:
        raise Mixes(why)
    # A value on the edge of a rounding may fall to either side: with other lengths, sums come in another order.
    close = np.isclose(np.float64(found), np.float64(wanted), rtol=1e-3, atol=1e-6, equal_nan=True)
    if close.size and close.mean() < 0.995:
        raise Mixes(why)


def _clip_shapes(inputs: Sequence[Any], time: bool) -> list[tuple[int, ...]]:
    shapes = [tuple(symbol.shape) for symbol in inputs]
    if any(len(shape) < 1 + time or None in shape[1 + time :] for shape in shapes):
        raise Unproven("its input has an open dimension")
    return [(_CLIPS, *([shape[1] or _OPEN] if time else []), *shape[1 + time :]) for shape in shapes]


def _dtype(symbol: Any) -> tf.DType:
    return tf.as_dtype(symbol.dtype)


def _with_time(symbol: Any) -> tf.TensorSpec:
    return tf.TensorSpec((None, 1, *symbol.shape[1:]), _dtype(symbol))


def _axes(shape: Sequence[int], time: bool) -> Axes:
    labels = (BATCH, TIME)[: 1 + time]
    front = [((label, size),) if size > 1 else () for label, size in zip(labels, shape, strict=False)]
    return (*front, *map(other, shape[1 + time :]))


def _first_line(error: Exception) -> str:
    text = re.sub(r"\{\{.*?\}\} ?", "", f"{type(error).__name__}: {error}")
    return text.splitlines()[0][:200].rstrip(".: ")
