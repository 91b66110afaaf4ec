"""Which part of its input each output of SLICE, STRIDED_SLICE, SPLIT and SPLIT_V is."""

import dataclasses

import numpy as np
from kws_reference.tflite.graph import Graph, Op

SLICES = ("SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V")


@dataclasses.dataclass(frozen=True)
class Region:
    """A box out of a tensor, with steps of one.

    Attributes:
      source: tensor index of the input.
      shape: of the input.
      begin, size: first element and number of elements of each axis.
    """

    source: int
    shape: tuple[int, ...]
    begin: tuple[int, ...]
    size: tuple[int, ...]

    @property
    def is_contiguous(self) -> bool:
        """Whether its elements lie one behind the other in the input."""
        cut = [axis for axis, (n, size) in enumerate(zip(self.shape, self.size, strict=True)) if n != size]
        return not cut or all(size == 1 for size in self.size[: cut[-1]])

    @property
    def offset(self) -> int:
        """Elements of the input before its first one."""
        strides = np.cumprod((1, *self.shape[:0:-1]), dtype=np.int64)[::-1]
        return int((np.array(self.begin, np.int64) * strides).sum())


def region_of(graph: Graph, op: Op, output: int) -> Region | None:
    """The region that output number `output` of an operator is.

    Returns:
      None for another operator, bounds that are computed, other steps than one, masks that change the number of axes,
      or bounds that contradict the output's shape.
    """
    find = {"SLICE": _slice, "STRIDED_SLICE": _strided_slice, "SPLIT": _split, "SPLIT_V": _split_v}.get(op.kind)
    if find is None:
        return None
    position = 1 if op.kind == "SPLIT" else 0
    shape = graph.tensors[op.inputs[position]].shape
    bounds = find(graph, op, shape, output)
    if bounds is None:
        return None
    begin, size = bounds
    inside = all(0 <= b and n >= 1 and b + n <= whole for b, n, whole in zip(begin, size, shape, strict=True))
    if not inside or tuple(size) != graph.tensors[op.outputs[output]].shape:
        return None
    return Region(op.inputs[position], shape, tuple(begin), tuple(size))


_Bounds = tuple[list[int], list[int]]


def _constants(graph: Graph, op: Op, position: int, count: int | None = None) -> list[int] | None:
    """Integers of a constant input, None if it is none or not so many."""
    if position >= len(op.inputs) or op.inputs[position] < 0:
        return None
    data = graph.tensors[op.inputs[position]].data
    if data is None or data.dtype.kind != "i" or (count is not None and data.size != count):
        return None
    return [int(value) for value in data.reshape(-1)]


def _slice(graph: Graph, op: Op, shape: tuple[int, ...], output: int) -> _Bounds | None:
    begin, size = _constants(graph, op, 1, len(shape)), _constants(graph, op, 2, len(shape))
    if begin is None or size is None:
        return None
    return begin, [n - b if wanted == -1 else wanted for n, b, wanted in zip(shape, begin, size, strict=True)]


def _strided_slice(graph: Graph, op: Op, shape: tuple[int, ...], output: int) -> _Bounds | None:
    begin, end, strides = (_constants(graph, op, position, len(shape)) for position in (1, 2, 3))
    other_axes = op.options["ellipsis_mask"] or op.options["new_axis_mask"] or op.options["shrink_axis_mask"]
    if begin is None or end is None or strides is None or other_axes or any(stride != 1 for stride in strides):
        return None
    size = []
    for axis, n in enumerate(shape):
        first = 0 if op.options["begin_mask"] >> axis & 1 else begin[axis]
        last = n if op.options["end_mask"] >> axis & 1 else end[axis]
        begin[axis] = min(max(first + n if first < 0 else first, 0), n)
        size.append(min(max(last + n if last < 0 else last, 0), n) - begin[axis])
    return begin, size


def _split(graph: Graph, op: Op, shape: tuple[int, ...], output: int) -> _Bounds | None:
    axis = _constants(graph, op, 0, 1)
    if axis is None or not -len(shape) <= axis[0] < len(shape) or shape[axis[0]] % len(op.outputs):
        return None
    part = shape[axis[0]] // len(op.outputs)
    return _along(shape, axis[0] % len(shape), output * part, part)


def _split_v(graph: Graph, op: Op, shape: tuple[int, ...], output: int) -> _Bounds | None:
    sizes, axis = _constants(graph, op, 1, len(op.outputs)), _constants(graph, op, 2, 1)
    if sizes is None or axis is None or not -len(shape) <= axis[0] < len(shape):
        return None
    known = sum(size for size in sizes if size >= 0)
    sizes = [shape[axis[0]] - known if size == -1 else size for size in sizes]
    return _along(shape, axis[0] % len(shape), sum(sizes[:output]), sizes[output])


def _along(shape: tuple[int, ...], axis: int, begin: int, size: int) -> _Bounds:
    return [begin if i == axis else 0 for i in range(len(shape))], [
        size if i == axis else n for i, n in enumerate(shape)
    ]
