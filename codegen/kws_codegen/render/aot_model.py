"""Template context of aot_model.cc: kernel calls with the C++ names of everything that they touch."""

import dataclasses
from typing import Any

from kws_reference.tflite.graph import Graph

from kws_codegen.buffers import StateBuffer
from kws_codegen.kernels.call import KernelCall
from kws_codegen.places import Features, NewRows, Part, Place, Scores, ScratchValue, StateRows
from kws_codegen.plan import ALIGNMENT_BYTES, Plan, Work
from kws_codegen.program import Program
from kws_codegen.render.text import camel, snake

_ALWAYS_INCLUDED = {"engine/aot/memory.h", "engine/aot/profiler.h"}
_TAKEN = {"scratch", "profiler", "ready"}  # g_... of the template


@dataclasses.dataclass(frozen=True)
class _Where:
    """C++ expressions of what a call touches.

    Attributes:
      constant: name of the call's constants, without the leading k and their suffixes.
      reads, writes: pointers to the operands.
      work: pointer to the working memory, ``nullptr`` where the kernel needs none.
      buffer: variable of the state that the kernel itself keeps; "" where it keeps none.
    """

    constant: str
    reads: tuple[str, ...]
    writes: str
    work: str
    buffer: str


@dataclasses.dataclass(frozen=True)
class _Call:
    """A call as the templates see it: the call itself, where it works, and a comment on its origin."""

    k: KernelCall
    at: _Where
    comment: str


def context(graph: Graph, program: Program, plan: Plan) -> dict[str, Any]:
    """What the template needs."""
    variables = _variables(program.buffers)
    calls = _calls(graph, program, plan, variables)
    constants = [constant for call in program.calls for constant in call.constants]
    parts: list[KernelCall | StateBuffer] = [*program.calls, *program.buffers]
    return {
        "calls": calls,
        "buffers": [{"s": buffer, "variable": variables[buffer.index]} for buffer in program.buffers],
        "headers": sorted(_ALWAYS_INCLUDED | {part.header for part in parts}),
        "alignment_bytes": ALIGNMENT_BYTES,
        "scratch_bytes": max(plan.scratch_bytes, 16),
        "weights_bytes": sum(constant.values.nbytes for constant in constants),
        "macs": program.macs,
    }


def _variables(buffers: tuple[StateBuffer, ...]) -> list[str]:
    """A variable for each buffer, named after its state."""
    taken, result = set(_TAKEN), []
    for buffer in buffers:
        name = snake(buffer.name) or "state"
        while name in taken:
            name += "_"
        taken.add(name)
        result.append(f"g_{name}")
    return result


def _pointer(place: Place, plan: Plan, variables: list[str]) -> str:
    match place:
        case Part(of, offset):
            return f"{_pointer(of, plan, variables)} + {offset}"
        case Features():
            return "features"
        case Scores():
            return "scores"
        case ScratchValue():
            return f"g_scratch + {plan.offset(place)}"
        case StateRows(state):
            return f"{variables[state]}.Rows()"
        case NewRows(state):
            return f"{variables[state]}.NewRows()"


def _typed(pointer: str, is_int16: bool) -> str:
    return f"aot::Int16({pointer})" if is_int16 else pointer


def _calls(graph: Graph, program: Program, plan: Plan, variables: list[str]) -> list[_Call]:
    names: set[str] = set()
    result = []
    for index, call in enumerate(program.calls):
        constant = camel(call.name)
        while constant in names:
            constant += "_"
        names.add(constant)
        where = _Where(
            constant=constant,
            reads=tuple(_typed(_pointer(place, plan, variables), call.reads_int16) for place in call.reads),
            writes=_typed(_pointer(call.writes, plan, variables), call.writes_int16),
            work=f"g_scratch + {plan.offset(Work(index))}" if call.scratch_bytes else "nullptr",
            buffer=variables[call.buffer.index] if call.buffer else "",
        )
        result.append(_Call(call, where, graph.describe(call.op) if call.op else ""))
    return result
