"""Operators as kernel calls, in the order of the graph."""

from kws_codegen.buffers import Held
from kws_codegen.checks import refuse
from kws_codegen.ir import KeptState, Module
from kws_codegen.kernels.copy import Copy
from kws_codegen.lower.layout import Layout
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operators import HINTS, OPERATORS
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.places import Scores, StateRows, whole
from kws_codegen.program import Program


def run(module: Module) -> Module:
    """Makes kernel calls of all operators, and of what must be copied at the end of a step.

    Raises:
      KwsError: an operator is unknown, or refused by its lowering.
    """
    layout = Layout(module)
    lowering = Lowering(module, layout)
    for op in module.graph.ops:
        operator = OPERATORS.get(op.kind)
        if operator is None:
            hint = f"; {HINTS[op.kind]}" if op.kind in HINTS else ""
            refuse(module.graph, op, f"this operator is not supported{hint}")
        lowering.follow(op)
        operator.lower(lowering, op)
    if (place := layout.read(module.scores)) != Scores():
        size = module.graph.tensors[module.scores].size
        lowering.emit(Copy(name="scores.copy", op=None, reads=(place,), writes=Scores(), bytes=size))
    _replace_held(module, lowering)
    return module.replace(program=Program(tuple(lowering.calls), module.buffers, tuple(layout.values)))


def _replace_held(module: Module, lowering: Lowering) -> None:
    """Copies the new values of held states over the old ones, as if all at once.

    A new value that is another state's old one is copied aside before any of them is replaced.
    """
    held = {buffer.index: buffer for buffer in module.buffers if isinstance(buffer, Held)}
    moves: list[Copy] = []
    for index, buffer in held.items():
        state: KeptState = module.states[index]
        source = lowering.read(state.sink)
        if source == StateRows(index):
            continue  # a state that never changes
        kept = whole(source)
        if isinstance(kept, StateRows) and kept.state in held:
            aside = lowering.layout.new_value(buffer.size)
            name = f"{state.name}.aside"
            lowering.emit(Copy(name=name, op=None, reads=(source,), writes=aside, bytes=buffer.size))
            source = aside
        name = f"{state.name}.keep"
        moves.append(Copy(name=name, op=None, reads=(source,), writes=StateRows(index), bytes=buffer.size))
    for move in moves:
        lowering.emit(move)


LOWER_GRAPH = Pass("lower_graph", run)
