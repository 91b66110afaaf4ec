"""How slices run along time: those that go on with it, late by the rows behind them, and those that take rows out."""

import dataclasses
from typing import TYPE_CHECKING, Any

from kws_codegen.adopt.draft import numbers

if TYPE_CHECKING:
    from kws_codegen.adopt.streaming import _Streamer


@dataclasses.dataclass(frozen=True)
class _Cut:
    """What a slice takes of each axis of its input.

    Attributes:
      begin, end: first index and the one behind the last.
      dropped: axes that its result lacks, of which it takes one index.
    """

    begin: tuple[int, ...]
    end: tuple[int, ...]
    dropped: frozenset[int] = frozenset()


def take_slice(streamer: "_Streamer", op: Any) -> None:
    """SLICE and STRIDED_SLICE."""
    rows, draft, source = streamer.of(op), streamer.draft, numbers(op.inputs)[0]
    shape = [rows.whole if axis == rows.axis else size for axis, size in enumerate(draft.shape(source))]
    cut = (_slice if draft.kind(op) == "SLICE" else _strided_slice)(streamer, op, shape)
    first, last = cut.begin[rows.axis], cut.end[rows.axis]
    goes_on = rows.axis not in cut.dropped and last - first > rows.new
    # The rows behind those that it takes make it late; one that takes rows out needs all from its first one on.
    kept = rows.whole - last if goes_on else max(0, rows.whole - first - rows.new)
    streamer.look_back(op, 0, kept)
    there = kept + rows.new
    begin = 0 if goes_on else there - (rows.whole - first)
    end = rows.new if goes_on else there - (rows.whole - last)
    _write(streamer, op, cut, rows.axis, (begin, end))
    if goes_on:
        axis = rows.axis - sum(dropped < rows.axis for dropped in cut.dropped)
        streamer.give(op, dataclasses.replace(rows, axis=axis, whole=last - first))


def _slice(streamer: "_Streamer", op: Any, shape: list[int]) -> _Cut:
    begin, size = (_integers(streamer, op, position, len(shape)) for position in (1, 2))
    end = [whole if count < 0 else first + count for first, count, whole in zip(begin, size, shape, strict=True)]
    return _Cut(tuple(begin), tuple(end))


def _strided_slice(streamer: "_Streamer", op: Any, shape: list[int]) -> _Cut:
    begin, end, strides = (_integers(streamer, op, position, len(shape)) for position in (1, 2, 3))
    options = op.builtinOptions
    if options.ellipsisMask or options.newAxisMask or getattr(options, "offset", False):
        raise streamer.prevented(op, "it leaves axes out or makes new ones")
    if any(stride != 1 for stride in strides):
        raise streamer.prevented(op, "it leaves elements out")
    firsts, lasts, dropped = [], [], set()
    for axis, whole in enumerate(shape):
        first = 0 if options.beginMask >> axis & 1 else _index(begin[axis], whole)
        last = whole if options.endMask >> axis & 1 else _index(end[axis], whole)
        if options.shrinkAxisMask >> axis & 1:
            first = _index(begin[axis], whole)
            last = first + 1
            dropped.add(axis)
        firsts.append(first)
        lasts.append(last)
    return _Cut(tuple(firsts), tuple(lasts), frozenset(dropped))


def _index(index: int, whole: int) -> int:
    return min(max(index + whole if index < 0 else index, 0), whole)


def _integers(streamer: "_Streamer", op: Any, position: int, count: int) -> list[int]:
    inputs = numbers(op.inputs)
    data = streamer.draft.constant(inputs[position]) if position < len(inputs) else None
    if data is None or len(data) != 4 * count:
        raise streamer.prevented(op, "where it cuts is computed, or is not said of each axis in INT32")
    return [int(value) for value in data.view("<i4")]


def _write(streamer: "_Streamer", op: Any, cut: _Cut, axis: int, rows: tuple[int, int]) -> None:
    """Puts the bounds in the place of the operator's own."""
    draft, name = streamer.draft, f"cut{numbers(op.outputs)[0]}"
    begin, end = list(cut.begin), list(cut.end)
    begin[axis], end[axis] = rows
    source = numbers(op.inputs)[0]
    if draft.kind(op) == "SLICE":
        sizes = [last - first for first, last in zip(begin, end, strict=True)]
        op.inputs = [source, draft.integers(f"{name}/begin", begin), draft.integers(f"{name}/size", sizes)]
        return
    op.builtinOptions.beginMask = op.builtinOptions.endMask = 0
    bounds = {"begin": begin, "end": end, "strides": [1] * len(begin)}
    op.inputs = [source, *(draft.integers(f"{name}/{what}", values) for what, values in bounds.items())]
