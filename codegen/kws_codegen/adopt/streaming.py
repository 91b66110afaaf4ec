"""A model that computes a whole window of frames at each step, made to compute what is new.

Each tensor that runs along time keeps its newest rows; an operator that looks back over rows gets the earlier ones as a
state, and so does the one that takes the whole window together. Once the states are filled the scores are those of the
whole window, bit for bit, because every row of it was computed from the same rows by the same operator.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.tflite.schema import PADDINGS, generated

from kws_codegen.adopt.draft import Draft, numbers
from kws_codegen.adopt.stream_slices import take_slice
from kws_codegen.adopt.variables import DraftState


@dataclasses.dataclass(frozen=True)
class _Rows:
    """A tensor along time.

    Attributes:
      axis: of its shape; those before it are 1.
      whole: rows in the window.
      new: rows that a step adds.
    """

    axis: int
    whole: int
    new: int


class _Prevented(KwsError):
    """An operator cannot be streamed."""


def stream(draft: Draft, features: int, frames_per_step: int) -> list[DraftState]:
    """Makes a draft compute only what a step adds.

    Args:
      draft: without states.
      features: its input ``[1, frames, 1, coefficients]``, which becomes ``[1, frames_per_step, 1, coefficients]``.
      frames_per_step: frames that a step brings.

    Returns:
      The states, real zeros at first.

    Raises:
      KwsError: an operator prevents it; the line names it and says why.
    """
    frames = draft.shape(features)[1]
    if not 1 <= frames_per_step < frames:
        raise KwsError(
            f"a step must bring 1 to {frames - 1} of the model's {frames} frames. Received: {frames_per_step}."
        )
    streamer = _Streamer(draft)
    streamer.known[features] = _Rows(1, frames, frames_per_step)
    draft.tensor(features).shape = [1, frames_per_step, *draft.shape(features)[2:]]
    for op in list(draft.graph.operators):
        streamer.take(op)
    return streamer.states


class _Streamer:
    """One walk over the operators of a draft.

    Attributes:
      known: the tensors along time, by index.
      states: made so far.
    """

    def __init__(self, draft: Draft):
        self.draft = draft
        self.known: dict[int, _Rows] = {}
        self.states: list[DraftState] = []
        self._joined: dict[tuple[int, int], int] = {}  # tensor and rows kept -> the tensor joined with them

    def take(self, op: Any) -> None:
        """Changes an operator, and knows its result."""
        if not any(index in self.known for index in numbers(op.inputs)):
            return
        kind = self.draft.kind(op)
        how = _KINDS.get(kind)
        if how is None:
            raise self.prevented(op, _HINTS.get(kind, "it is not known how it runs along time"))
        how(self, op)

    def prevented(self, op: Any, why: str) -> _Prevented:
        """The refusal of an operator."""
        result = self.draft.name(numbers(op.outputs)[0])
        return _Prevented(f"{self.draft.kind(op)} of {result} prevents streaming: {why}.")

    def of(self, op: Any) -> _Rows:
        """The rows of the first input along time; all inputs along time must share them."""
        rows = [self.known[index] for index in numbers(op.inputs) if index in self.known]
        if any(other != rows[0] for other in rows):
            raise self.prevented(op, "its operands run along time in different steps")
        return rows[0]

    def give(self, op: Any, rows: _Rows, output: int = 0) -> None:
        """Lets a result have the rows of a step alone."""
        index = numbers(op.outputs)[output]
        shape = list(self.draft.shape(index))
        if rows.axis >= len(shape) or shape[rows.axis] != rows.whole or any(size != 1 for size in shape[: rows.axis]):
            raise self.prevented(op, f"its result {shape} does not have {rows.whole} rows on axis {rows.axis}")
        if rows.new > rows.whole:
            raise self.prevented(
                op, f"a step adds {rows.new} rows, more than its result has: give fewer --frames-per-step"
            )
        shape[rows.axis] = rows.new
        self.draft.tensor(index).shape = shape
        self.known[index] = rows

    def look_back(self, op: Any, position: int, kept: int) -> None:
        """Lets an operator read `kept` earlier rows before the new ones."""
        index = numbers(op.inputs)[position]
        if kept == 0:
            return
        joined = self._joined.get((index, kept))
        if joined is None:
            joined = self._joined[index, kept] = self._join(op, index, kept)
        op.inputs = [joined if i == position else other for i, other in enumerate(numbers(op.inputs))]

    def _join(self, op: Any, index: int, kept: int) -> int:
        """The tensor with earlier rows before its own; without an axis before them they get one while they are kept."""
        draft, rows = self.draft, self.known[index]
        if rows.axis > 0:
            return self._join_along(op, index, rows, kept)
        shape = draft.shape(index)
        wrapped = self._reshaped(op, index, (1, *shape))
        joined = self._join_along(op, wrapped, dataclasses.replace(rows, axis=1), kept)
        return self._reshaped(op, joined, (kept + rows.new, *shape[1:]))

    def _reshaped(self, op: Any, index: int, shape: tuple[int, ...]) -> int:
        """A tensor under another shape, made right before an operator."""
        draft = self.draft
        name = f"rows{len(self.states) + 1}/view{len(draft.graph.tensors)}"
        result = draft.like(index, name, shape)
        at = next(i for i, other in enumerate(draft.graph.operators) if other is op)
        draft.add("RESHAPE", [index, draft.integers(f"{name}/shape", list(shape))], result, at=at)
        return result

    def _join_along(self, op: Any, index: int, rows: _Rows, kept: int) -> int:
        draft, name = self.draft, f"rows{len(self.states) + 1}"
        shape = list(draft.shape(index))

        def sized(count: int) -> tuple[int, ...]:
            return tuple(count if axis == rows.axis else size for axis, size in enumerate(shape))

        source = draft.like(index, f"{name}_in", sized(kept))
        joined = draft.like(index, f"{name}/joined", sized(kept + rows.new))
        sink = draft.like(index, f"{name}_out", sized(kept))
        at = next(i for i, other in enumerate(draft.graph.operators) if other is op)
        join = generated.ConcatenationOptionsT()
        join.axis = rows.axis
        draft.add("CONCATENATION", [source, index], joined, join, at=at)
        cut = generated.StridedSliceOptionsT()
        cut.beginMask = (1 << len(shape)) - 1 - (1 << rows.axis)
        cut.endMask = (1 << len(shape)) - 1
        begin = [rows.new if axis == rows.axis else 0 for axis in range(len(shape))]
        bounds = {"begin": begin, "end": list(sized(kept + rows.new)), "strides": [1] * len(shape)}
        made = [draft.integers(f"{name}/{what}", values) for what, values in bounds.items()]
        draft.add("STRIDED_SLICE", [joined, *made], sink, cut, at=at + 1)
        quantization = draft.quantization(index)
        self.states.append(DraftState(name, source, sink, quantization[1] if quantization else 0))
        return joined

    def gather(self, op: Any) -> None:
        """Lets an operator read the whole window; its result runs along time no more."""
        for position, index in enumerate(numbers(op.inputs)):
            if index in self.known:
                rows = self.known[index]
                if rows.new > rows.whole:
                    raise self.prevented(op, f"a step adds {rows.new} rows, more than the {rows.whole} that it takes")
                self.look_back(op, position, rows.whole - rows.new)


# How each kind of operator runs along time.


def _each_row(streamer: _Streamer, op: Any) -> None:
    """Operators that compute each row from the same row of their operands."""
    rows, draft = streamer.of(op), streamer.draft
    result = draft.shape(numbers(op.outputs)[0])
    for index in numbers(op.inputs):
        if index in streamer.known or index < 0:
            continue
        if draft.constant(index) is None:
            raise streamer.prevented(
                op, f"its operand {draft.name(index)} is of the whole window, and would change for rows that were kept"
            )
        shape = draft.shape(index)
        axis = rows.axis - (len(result) - len(shape))
        if axis >= 0 and shape[axis] != 1:
            raise streamer.prevented(op, f"its constant {draft.name(index)} differs from row to row")
    streamer.give(op, rows)


def _softmax(streamer: _Streamer, op: Any) -> None:
    rows = streamer.of(op)
    if rows.axis == len(streamer.draft.shape(numbers(op.inputs)[0])) - 1:
        return streamer.gather(op)
    streamer.give(op, rows)


def _reshape(streamer: _Streamer, op: Any) -> None:
    """The rows under another shape, or all of them in one."""
    rows, draft, result = streamer.of(op), streamer.draft, numbers(op.outputs)[0]
    shape = draft.shape(result)
    axis = next((axis for axis, size in enumerate(shape) if size != 1), 0)
    if shape[axis] != rows.whole:
        return streamer.gather(op)
    streamer.give(op, dataclasses.replace(rows, axis=axis))
    if draft.kind(op) == "RESHAPE":
        op.inputs = [numbers(op.inputs)[0], draft.integers(f"shape{result}", list(draft.shape(result)))]
        op.builtinOptions, op.builtinOptionsType = generated.ReshapeOptionsT(), generated.BuiltinOptions.ReshapeOptions


def _window(streamer: _Streamer, op: Any) -> None:
    """Convolutions and pools: they look back over the rows of their kernel."""
    rows, draft = streamer.of(op), streamer.draft
    if rows.axis not in (1, 2):
        raise streamer.prevented(op, f"time is axis {rows.axis} of its input")
    kernel, stride, dilation = _kernel(streamer, op, "HW"[rows.axis - 1])
    extent, result = (kernel - 1) * dilation + 1, draft.shape(numbers(op.outputs)[0])
    given = result[rows.axis]
    if PADDINGS[op.builtinOptions.padding] == "SAME" and (given - 1) * stride + extent > rows.whole:
        raise streamer.prevented(
            op, "it pads time: the rows at the window's ends are computed from zeros that move with it"
        )
    if given == 1:
        return streamer.gather(op)
    if rows.new % stride:
        raise streamer.prevented(
            op,
            f"a step adds {rows.new} of its rows, no multiple of its stride of {stride}: give more --frames-per-step",
        )
    if (rows.whole - extent) % stride:
        raise streamer.prevented(op, "its last rows of the window are read by nothing, and would be in the next step")
    if extent < stride:
        raise streamer.prevented(op, f"its stride of {stride} rows leaves rows out")
    streamer.look_back(op, 0, extent - stride)
    streamer.give(op, _Rows(rows.axis, given, rows.new // stride))


def _kernel(streamer: _Streamer, op: Any, side: str) -> tuple[int, int, int]:
    """Kernel, stride and dilation along one side, H or W."""
    draft, options = streamer.draft, op.builtinOptions
    stride = getattr(options, f"stride{side}")
    if draft.kind(op).endswith("POOL_2D"):
        return getattr(options, "filterHeight" if side == "H" else "filterWidth"), stride, 1
    weights = draft.shape(numbers(op.inputs)[1])
    return weights[1 if side == "H" else 2], stride, getattr(options, f"dilation{side}Factor")


def _dense(streamer: _Streamer, op: Any) -> None:
    """A dense layer of each row, or one of the whole window."""
    rows, draft = streamer.of(op), streamer.draft
    source, weights = numbers(op.inputs)[:2]
    shape = draft.shape(source)
    inner = draft.shape(weights)[-1]
    if source not in streamer.known or any(index in streamer.known for index in numbers(op.inputs)[1:]):
        raise streamer.prevented(op, "its weights are computed")
    if rows.axis == len(shape) - 1 or inner != shape[-1]:
        return streamer.gather(op)
    if op.builtinOptions.keepNumDims:
        return streamer.give(op, rows)
    if any(size != 1 for axis, size in enumerate(shape[:-1]) if axis != rows.axis):
        raise streamer.prevented(op, "it takes several vectors of each row")
    streamer.give(op, dataclasses.replace(rows, axis=0))


def _mean(streamer: _Streamer, op: Any) -> None:
    rows, draft = streamer.of(op), streamer.draft
    axes = draft.constant(numbers(op.inputs)[1])
    rank = len(draft.shape(numbers(op.inputs)[0]))
    if axes is None:
        raise streamer.prevented(op, "its axes are computed")
    over = {int(axis) % rank for axis in axes.view("<i4")}
    if rows.axis in over:
        return streamer.gather(op)
    before = 0 if op.builtinOptions.keepDims else sum(axis < rows.axis for axis in over)
    streamer.give(op, dataclasses.replace(rows, axis=rows.axis - before))


def _concatenation(streamer: _Streamer, op: Any) -> None:
    rows, rank = streamer.of(op), len(streamer.draft.shape(numbers(op.inputs)[0]))
    if op.builtinOptions.axis % rank == rows.axis:
        raise streamer.prevented(op, "it joins along time")
    if any(index not in streamer.known for index in numbers(op.inputs)):
        raise streamer.prevented(op, "it joins rows with what does not run along time")
    streamer.give(op, rows)


def _pad(streamer: _Streamer, op: Any) -> None:
    rows, draft = streamer.of(op), streamer.draft
    widths = draft.constant(numbers(op.inputs)[1])
    if widths is None or np.any(widths.view("<i4").reshape(-1, 2)[rows.axis]):
        raise streamer.prevented(op, "it pads time: the window's ends would be computed from zeros that move with it")
    streamer.give(op, rows)


def _split(streamer: _Streamer, op: Any) -> None:
    rows, draft = streamer.of(op), streamer.draft
    position = 0 if draft.kind(op) == "SPLIT" else 2
    axis = draft.constant(numbers(op.inputs)[position])
    rank = len(draft.shape(numbers(op.outputs)[0]))
    if axis is None or int(axis.view("<i4")[0]) % rank == rows.axis:
        raise streamer.prevented(op, "it splits time")
    for output in range(len(numbers(op.outputs))):
        streamer.give(op, rows, output)


_HINTS = {
    "REDUCE_MAX": "take the maximum by a pool (MAX_POOL_2D), or the mean",
}

_KINDS: dict[str, Callable[[_Streamer, Any], None]] = {
    **dict.fromkeys(("ADD", "SUB", "MUL", "MINIMUM", "MAXIMUM", "PRELU"), _each_row),
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "HARD_SWISH", "ELU"), _each_row),
    **dict.fromkeys(("LOGISTIC", "TANH", "QUANTIZE"), _each_row),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"), _window),
    **dict.fromkeys(("RESHAPE", "EXPAND_DIMS", "SQUEEZE"), _reshape),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    **dict.fromkeys(("SLICE", "STRIDED_SLICE"), take_slice),
    "CONCATENATION": _concatenation,
    "FULLY_CONNECTED": _dense,
    "MEAN": _mean,
    "PAD": _pad,
    "PADV2": _pad,
    "SOFTMAX": _softmax,
}
