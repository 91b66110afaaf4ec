"""Pass 2: finds every state of the manifest as a sliding window.

That is: the state's input -> CONCATENATION with the new rows -> slice -> the state's output.
"""

import dataclasses

import numpy as np
from kws_reference.bundle import Bundle, State
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph, Op

from kws_codegen import checks
from kws_codegen.checks import quantization_text, refuse, same_quantization
from kws_codegen.lower.windows import CONCATENATION, SLICE, STRIDED_SLICE

_CUTS = (SLICE.kind, STRIDED_SLICE.kind)


@dataclasses.dataclass(frozen=True)
class StatePair:
    """A state's way through the graph.

    Attributes:
      name, reset_value: from the manifest.
      source, sink: tensor indices of the state's input and output.
      concat: the CONCATENATION; its output is `joined`.
      fresh: tensor index of the new rows.
      rows, new_rows: rows kept and rows added in a step.
      row_bytes: int8 elements of a row.
    """

    name: str
    reset_value: int
    source: int
    sink: int
    concat: Op
    joined: int
    fresh: int
    rows: int
    new_rows: int
    row_bytes: int


def pair_states(bundle: Bundle, graph: Graph) -> tuple[StatePair, ...]:
    """Finds every state of the manifest in a checked graph.

    Returns:
      One pair per state, in the manifest's order.

    Raises:
      KwsError: a state is used in another way than as a sliding window.
    """
    return tuple(_pair(graph, state) for state in bundle.states)


def _pair(graph: Graph, state: State) -> StatePair:
    source, sink = graph.inputs[state.input_index], graph.outputs[state.output_index]
    concat = _join(graph, state, source)
    joined, fresh = concat.outputs[0], concat.inputs[1]
    cut = _cut(graph, state, joined, sink)
    rows, new_rows = state.shape[1], graph.tensors[fresh].shape[1]
    start = _first_row(graph, cut)
    if start != new_rows:
        refuse(graph, cut, f"state {state.name} gains {new_rows} rows in a step but loses {start}")
    row_bytes = int(np.prod(state.shape[2:], dtype=np.int64))
    return StatePair(state.name, state.reset_value, source, sink, concat, joined, fresh, rows, new_rows, row_bytes)


def _join(graph: Graph, state: State, source: int) -> Op:
    """The CONCATENATION of a state with its new rows."""
    users = graph.consumers(source)
    if [op.kind for op in users] != [CONCATENATION.kind]:
        found = ", ".join(graph.describe(op) for op in users) or "nothing"
        raise KwsError(
            f"state {state.name}: input '{graph.tensors[source].name}' must feed exactly one CONCATENATION "
            f"with the new rows, it feeds {found}."
        )
    concat = users[0]
    on_rows = concat.options.get("axis") in (1, 1 - len(state.shape))
    if not on_rows or len(concat.inputs) != 2 or concat.inputs[0] != source:
        refuse(graph, concat, f"state {state.name} must be joined on axis 1 as (state, new rows)")
    if concat.options.get("activation", "NONE") != "NONE":
        refuse(graph, concat, f"fused activation {concat.options['activation']} is not supported")
    for index in (concat.outputs[0], concat.inputs[1]):
        tensor = checks.activation(graph, concat, index)
        if not same_quantization(tensor, graph.tensors[source]):
            refuse(
                graph,
                concat,
                f"tensor '{tensor.name}' ({quantization_text(tensor)}) and state {state.name} "
                f"({quantization_text(graph.tensors[source])}) must share scale and zero point",
            )
    return concat


def _cut(graph: Graph, state: State, joined: int, sink: int) -> Op:
    """The slice that makes the state's output of the joined rows."""
    cut = graph.producer(sink)
    if cut is None or cut.kind not in _CUTS or cut.inputs[0] != joined:
        found = graph.describe(cut) if cut else "no operator"
        raise KwsError(
            f"state {state.name}: output '{graph.tensors[sink].name}' must be a slice of "
            f"'{graph.tensors[joined].name}', it comes from {found}."
        )
    if graph.consumers(sink):
        refuse(graph, graph.consumers(sink)[0], f"it reads the state output '{graph.tensors[sink].name}'")
    return cut


def _first_row(graph: Graph, op: Op) -> int:
    """First row of a slice that keeps the last rows of axis 1 and everything else whole."""
    source = graph.tensors[op.inputs[0]]
    shape, wanted = source.shape, graph.tensors[op.outputs[0]].shape
    begin, end = _slice_bounds(graph, op, shape) if op.kind == SLICE.kind else _strided_bounds(graph, op, shape)
    kept = tuple(e - b for b, e in zip(begin, end, strict=True))
    others = [axis for axis in range(len(shape)) if axis != 1]
    if kept != wanted or end[1] != shape[1] or any(begin[axis] or end[axis] != shape[axis] for axis in others):
        refuse(
            graph, op, f"a state must keep the last rows of '{source.name}', it keeps {begin} to {end} of {list(shape)}"
        )
    return begin[1]


def _bounds(graph: Graph, op: Op, position: int) -> list[int]:
    return [int(x) for x in checks.constant(graph, op, op.inputs[position], ("INT32",), "slice bounds")]


def _slice_bounds(graph: Graph, op: Op, shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """First element and the one behind the last, for each axis of a SLICE; a size of -1 is "all that follow"."""
    begin, sizes = _bounds(graph, op, 1), _bounds(graph, op, 2)
    return begin, [n if size == -1 else b + size for n, b, size in zip(shape, begin, sizes, strict=True)]


def _strided_bounds(graph: Graph, op: Op, shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """As `_slice_bounds`, of a STRIDED_SLICE."""
    begin = _bounds(graph, op, 1)
    if op.options["ellipsis_mask"] or op.options["new_axis_mask"] or op.options["shrink_axis_mask"]:
        refuse(graph, op, "ellipsis, new-axis and shrink-axis masks are not supported")
    end, strides = _bounds(graph, op, 2), _bounds(graph, op, 3)
    if any(stride != 1 for stride in strides):
        refuse(graph, op, f"strides {strides} are not supported, only 1")
    for axis, n in enumerate(shape):
        b = 0 if op.options["begin_mask"] >> axis & 1 else begin[axis]
        e = n if op.options["end_mask"] >> axis & 1 else end[axis]
        begin[axis] = min(max(b + n if b < 0 else b, 0), n)
        end[axis] = min(max(e + n if e < 0 else e, 0), n)
    return begin, end
