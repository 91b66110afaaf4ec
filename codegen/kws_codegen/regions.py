"""Which part of its input each output of SLICE, STRIDED_SLICE, SPLIT and SPLIT_V is."""

import dataclasses
import math

from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph, Op

from kws_codegen.kernels.axes import contiguous
from kws_codegen.lower.slices import Kept, integers, slice_bounds, strided_slice_bounds

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
        return sum(first * stride for first, stride in zip(self.begin, contiguous(self.shape), strict=True))


def region_of(graph: Graph, op: Op, output: int) -> Region | None:
    """The region that output number `output` of an operator is.

    Returns:
      None for another operator, and for what the operator's lowering refuses or cannot be a box: computed bounds, other
      steps than one, bounds that contradict the output's size.
    """
    if op.kind not in SLICES:
        return None
    source = op.inputs[1 if op.kind == "SPLIT" else 0]
    shape = graph.tensors[source].shape
    try:
        kept = _kept(graph, op, shape, output)
    except (KwsError, IndexError, KeyError, ValueError, ZeroDivisionError):
        return None
    size = tuple(k.count for k in kept)
    inside = all(0 <= k.first and k.count >= 1 and k.first + k.count <= n for k, n in zip(kept, shape, strict=True))
    steps = all(k.stride == 1 or k.count == 1 for k in kept)
    if not inside or not steps or math.prod(size) != graph.tensors[op.outputs[output]].size:
        return None
    return Region(source, shape, tuple(k.first for k in kept), size)


def _kept(graph: Graph, op: Op, shape: tuple[int, ...], output: int) -> list[Kept]:
    if op.kind == "SLICE":
        return slice_bounds(graph, op, shape)
    if op.kind == "STRIDED_SLICE":
        return strided_slice_bounds(graph, op, shape)
    if op.kind == "SPLIT":
        (axis,) = integers(graph, op, 0, "the axis")
        sizes = [shape[axis] // len(op.outputs)] * len(op.outputs)
    else:
        sizes, (axis,) = integers(graph, op, 1, "sizes"), integers(graph, op, 2, "the axis")
        if sizes.count(-1) == 1:
            sizes[sizes.index(-1)] = shape[axis] - sum(sizes) - 1
    kept = [Kept(0, n, 1) for n in shape]
    kept[axis] = Kept(sum(sizes[:output]), sizes[output], 1)
    return kept
