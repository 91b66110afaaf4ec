"""Operators as kernel calls, in the order of the graph."""

from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Op

from kws_codegen.buffers import Held
from kws_codegen.checks import refuse
from kws_codegen.ir import KeptState, Module
from kws_codegen.kernels.copy import Copy
from kws_codegen.lower.int16.operators import LOWERINGS, has_int16
from kws_codegen.lower.layout import Layout
from kws_codegen.lower.lowering import Lowering
from kws_codegen.lower.operators import HINTS, OPERATORS
from kws_codegen.passes.compiler_pass import Pass
from kws_codegen.places import Scores, StateRows, whole
from kws_codegen.program import Program


def refusals(module: Module) -> dict[int, str]:
    """Why operators cannot be lowered, by their index; empty when all can."""
    lowering, found = Lowering(module, Layout(module)), {}
    for op in module.graph.ops:
        try:
            _lower(lowering, op)
        except KwsError as error:
            found[op.index] = str(error)
            for index in op.outputs:
                lowering.write(index)  # so that its readers are judged for themselves
        except (IndexError, KeyError, ValueError, ZeroDivisionError, OverflowError) as error:
            found[op.index] = f"{module.graph.describe(op)} is damaged ({type(error).__name__}: {error})"
            for index in op.outputs:
                lowering.write(index)
    return found


def _lower(lowering: Lowering, op: Op) -> None:
    operator = OPERATORS.get(op.kind)
    if operator is None:
        hint = f"; {HINTS[op.kind]}" if op.kind in HINTS else ""
        refuse(lowering.graph, op, f"this operator is not supported{hint}")
    lowering.follow(op)
    lower = LOWERINGS.get(op.kind, operator.lower) if has_int16(lowering.graph, op) else operator.lower
    lower(lowering, op)


def run(module: Module) -> Module:
    """Makes kernel calls of all operators, and of what must be copied at the end of a step.

    Raises:
      KwsError: an operator is unknown, or refused by its lowering.
    """
    layout = Layout(module)
    lowering = Lowering(module, layout)
    for op in module.graph.ops:
        _lower(lowering, op)
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
