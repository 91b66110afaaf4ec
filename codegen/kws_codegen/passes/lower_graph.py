"""Pass 5: turns operators into kernel calls, in the order of the graph."""

from kws_reference.bundle import Bundle
from kws_reference.tflite.graph import Graph

from kws_codegen.buffers import StateBuffer
from kws_codegen.checks import refuse
from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.copy import Copy
from kws_codegen.lower.layout import Layout
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operators import HINTS, OPERATORS
from kws_codegen.options import Options
from kws_codegen.passes.pair_states import StatePair
from kws_codegen.places import Scores


def lower_graph(
    bundle: Bundle,
    graph: Graph,
    pairs: tuple[StatePair, ...],
    buffers: tuple[StateBuffer, ...],
    layout: Layout,
    options: Options,
) -> list[KernelCall]:
    """Kernel calls of a step. `layout` gains the scratch values that they write.

    Raises:
      KwsError: an operator is unknown, or refused by its lowering.
    """
    lowering = Lowering(graph, layout, options)
    for pair, buffer in zip(pairs, buffers, strict=True):
        lowering.add_state(pair.concat, pair.fresh, pair.sink, buffer)
    for op in graph.ops:
        operator = OPERATORS.get(op.kind)
        if operator is None:
            hint = f"; {HINTS[op.kind]}" if op.kind in HINTS else ""
            refuse(graph, op, f"this operator is not supported{hint}")
        operator.lower(lowering, op)
    scores = graph.outputs[bundle.scores.index]
    if (place := layout.read(scores)) != Scores():
        size = graph.tensors[scores].size
        lowering.emit(Copy(name="scores.copy", op=None, reads=(place,), writes=Scores(), bytes=size))
    return lowering.calls
