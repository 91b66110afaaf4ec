"""Which operators can be at fault when one output of a graph is wrong and others are right."""

from collections.abc import Iterable

from kws_reference.tflite.graph import Graph, Op

MOVES = frozenset(
    ("CONCATENATION", "EXPAND_DIMS", "PACK", "RESHAPE", "SLICE", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE")
    + ("TRANSPOSE", "UNPACK")
)
"""Operators that only move bytes, which hold no weight or table that could be wrong."""


def suspects(graph: Graph, wrong: int, right: Iterable[int]) -> tuple[Op, ...]:
    """Returns the operators that a wrong output depends on and no right one, in execution order.

    Right outputs say something of what lies before the wrong one only: one that is computed later may hide the fault,
    as a clamped sum does. Operators that only move bytes are left out unless there are no others.

    Args:
      graph: of the model.
      wrong: tensor index of the output.
      right: tensor indices of outputs that are right.
    """
    behind = _behind(graph, wrong)
    end = max(behind, default=0)
    known = set().union(
        *(found for found in (_behind(graph, tensor) for tensor in right) if max(found, default=0) < end)
    )
    chosen = [op for op in graph.ops if op.index in (behind - known or behind)]
    computing = [op for op in chosen if op.kind not in MOVES]
    return tuple(computing or chosen)


def written(graph: Graph, op: Op) -> tuple[int, ...]:
    """Tensors that an operator gives, and the variable ones among its inputs, which it changes in place."""
    return (*op.outputs, *(index for index in op.inputs if index >= 0 and graph.tensors[index].is_variable))


def _behind(graph: Graph, tensor: int) -> set[int]:
    """Indices of the operators that a tensor depends on."""
    wanted, found = {tensor}, set()
    for op in reversed(graph.ops):
        if wanted.intersection(written(graph, op)):
            found.add(op.index)
            wanted.update(op.inputs)
    return found
