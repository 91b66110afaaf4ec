"""Which elements SLICE and STRIDED_SLICE keep."""

import dataclasses

from kws_reference.tflite.graph import Graph, Op

from kws_codegen import checks
from kws_codegen.checks import refuse


@dataclasses.dataclass(frozen=True)
class Kept:
    """What is kept of one dimension: `count` positions from `first` on, `stride` apart."""

    first: int
    count: int
    stride: int


def integers(graph: Graph, op: Op, position: int, what: str) -> list[int]:
    """The values of a constant input of INT32.

    Raises:
      KwsError: it is not constant, or of another type.
    """
    return [int(x) for x in checks.constant(graph, op, op.inputs[position], ("INT32",), what).reshape(-1)]


def slice_bounds(graph: Graph, op: Op, shape: tuple[int, ...]) -> list[Kept]:
    """What a SLICE keeps of a tensor of `shape`; a size of -1 is "all that follow".

    Raises:
      KwsError: it reaches beyond the tensor.
    """
    first, sizes = (integers(graph, op, position, "slice bounds") for position in (1, 2))
    kept = [Kept(b, n - b if size == -1 else size, 1) for n, b, size in zip(shape, first, sizes, strict=True)]
    if any(k.first < 0 or k.count < 1 or k.first + k.count > n for n, k in zip(shape, kept, strict=True)):
        refuse(graph, op, f"it keeps {sizes} from {first} on of {list(shape)}")
    return kept


def strided_slice_bounds(graph: Graph, op: Op, shape: tuple[int, ...]) -> list[Kept]:
    """What a STRIDED_SLICE keeps of a tensor of `shape`.

    Raises:
      KwsError: a mask or stride is not supported, or nothing is kept.
    """
    options = op.options
    if options["ellipsis_mask"] or options["new_axis_mask"]:
        refuse(graph, op, "ellipsis and new-axis masks are not supported")
    begin, end, strides = (integers(graph, op, position, "slice bounds") for position in (1, 2, 3))
    if min(strides) < 1:
        refuse(graph, op, f"strides {strides} are not supported, only 1 and more")
    kept = []
    for axis, (n, b, e, stride) in enumerate(zip(shape, begin, end, strides, strict=True)):
        first = 0 if options["begin_mask"] >> axis & 1 else _clamp(b, n)
        last = n if options["end_mask"] >> axis & 1 else _clamp(e, n)
        if options["shrink_axis_mask"] >> axis & 1:
            last = min(first + 1, n)
        count = -(-(last - first) // stride)
        if count < 1:
            refuse(graph, op, f"it keeps nothing: {begin} to {end} of {list(shape)}")
        kept.append(Kept(first, count, stride))
    return kept


def _clamp(position: int, size: int) -> int:
    """A bound of a dimension; negative ones count from its end."""
    return min(max(position + size if position < 0 else position, 0), size)
