"""Variables, made into states that come in and go out.

VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE vanish, and with CALL_ONCE the subgraph that gives the first values. The
variable tensors that SVDF and LSTM change in place stay what they are, and become inputs and outputs as well.
"""

import dataclasses
from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.tflite import schema

from kws_codegen.adopt.draft import Draft, numbers

STATE_TYPES = ("INT8", "INT16")
"""Types that a state can have."""


@dataclasses.dataclass
class DraftState:
    """A state of a draft: tensor indices before and after a step, and the value of all elements at first.

    Attributes:
      is_inner: an operator keeps it: source and sink are one tensor, which no operator gives.
    """

    name: str
    source: int
    sink: int
    reset_value: int
    is_inner: bool = False


@dataclasses.dataclass
class _Variable:
    """What is known of a variable while the operators are followed in their order.

    Attributes:
      name: of the file.
      source: tensor that holds the value of the last step, None while it was not read.
      now: tensor that holds the value now, None: that of the last step.
    """

    name: str
    source: int | None = None
    now: int | None = None


def externalise(draft: Draft) -> list[DraftState]:
    """Takes the variables out of a draft's main subgraph.

    Returns:
      A state for each variable that is read and written, in the order of reading.

    Raises:
      KwsError: a variable is no int8 or int16 tensor, keeps another range than it is read with, starts with different
        values, or is used in another way.
    """
    variables: dict[str, _Variable] = {}
    handles: dict[int, str] = {}
    first: dict[str, np.ndarray] = {}
    order: list[str] = []
    for op in list(draft.graph.operators):
        kind = draft.kind(op)
        if kind == "CALL_ONCE":
            first |= _first_values(draft, op)
        elif kind == "VAR_HANDLE":
            key = _key(op)
            handles[numbers(op.outputs)[0]] = key
            variables.setdefault(key, _Variable(key))
        elif kind == "READ_VARIABLE":
            variable = _of(draft, op, handles, variables)
            _read(draft, op, variable)
            if variable.name not in order:
                order.append(variable.name)
        elif kind == "ASSIGN_VARIABLE":
            _of(draft, op, handles, variables).now = numbers(op.inputs)[1]
        else:
            _check_other(draft, op, kind, handles)
            continue
        draft.drop(op)
    for name, variable in variables.items():
        if variable.source is None:
            draft.notes.append(f"variable {name} is never read: left out")
    return [_state(draft, variables[name], first.get(name)) for name in order]


_INNER = {"SVDF": {4: "memory"}, "UNIDIRECTIONAL_SEQUENCE_LSTM": {18: "hidden", 19: "cell"}}
"""Operator -> position of each state that it keeps among its inputs, and the state's name."""


def inner_states(draft: Draft) -> list[DraftState]:
    """The states that operators keep inside, in the order of the operators.

    Each is named after its operator's result. Its first value is the interpreter's at a reset: real zeros.

    Raises:
      KwsError: a state has no quantization of its own, another type than INT8 and INT16, or two operators.
    """
    found: list[DraftState] = []
    for op in draft.graph.operators:
        inputs = numbers(op.inputs)
        for position, what in _INNER.get(draft.kind(op), {}).items():
            if position < len(inputs) and inputs[position] >= 0 and draft.tensor(inputs[position]).isVariable:
                found.append(_inner_state(draft, op, inputs[position], what))
        if draft.kind(op) == "UNIDIRECTIONAL_SEQUENCE_LSTM" and len(draft.shape(inputs[0])) == 3:
            _note_frames(draft, op, max(draft.shape(inputs[0])[:2]))
    return found


def _note_frames(draft: Draft, op: Any, frames: int) -> None:
    """Says what a model of whole windows may not expect: it was trained with zeros before each of them."""
    if frames > 1:
        draft.notes.append(
            f"{draft.kind(op)} of {draft.name(numbers(op.outputs)[0])} goes on with its states from one step of "
            f"{frames} frames to the next, as in TensorFlow Lite Micro"
        )


def _inner_state(draft: Draft, op: Any, index: int, what: str) -> DraftState:
    result = numbers(op.outputs)[0]
    named = f"{draft.kind(op)} of {draft.name(result)}: its state {draft.name(index)}"
    quantization, dtype = draft.quantization(index), draft.dtype(index)
    if quantization is None or dtype not in STATE_TYPES:
        raise KwsError(f"{named} has type {dtype}, only INT8 and INT16 with a scale can be kept.")
    if len(draft.consumers(index)) > 1 or index in (*numbers(draft.graph.inputs), *numbers(draft.graph.outputs)):
        raise KwsError(f"{named} is used by more than that operator.")
    name = f"{schema.short_name(schema.name_text(draft.tensor(result).name))}_{what}"
    return DraftState(name, index, index, quantization[1] if dtype == "INT8" else 0, is_inner=True)


def _key(op: Any) -> str:
    options = op.builtinOptions
    parts = [getattr(options, field, None) for field in ("container", "sharedName")]
    return "/".join(schema.name_text(part) for part in parts if part)


def _of(draft: Draft, op: Any, handles: dict[int, str], variables: dict[str, _Variable]) -> _Variable:
    inputs = numbers(op.inputs)
    if not inputs or inputs[0] not in handles:
        raise KwsError(f"{draft.kind(op)} reads a handle that no VAR_HANDLE before it gives.")
    return variables[handles[inputs[0]]]


def _read(draft: Draft, op: Any, variable: _Variable) -> None:
    result = numbers(op.outputs)[0]
    if draft.dtype(result) not in STATE_TYPES or draft.quantization(result) is None:
        raise KwsError(
            f"variable {variable.name} is read as {draft.dtype(result)}, only INT8 or INT16 with a scale can be kept."
        )
    if variable.now is not None:
        _check_range(draft, variable.name, result, variable.now)
        draft.read_instead(result, variable.now)
    elif variable.source is None:
        variable.source = result
    else:
        _check_range(draft, variable.name, result, variable.source)
        draft.read_instead(result, variable.source)


def _check_range(draft: Draft, name: str, a: int, b: int) -> None:
    same = draft.quantization(a) == draft.quantization(b) and draft.dtype(a) == draft.dtype(b)
    if not same or draft.shape(a) != draft.shape(b):
        raise KwsError(
            f"variable {name} holds {draft.name(b)} ({draft.quantization(b)}, {list(draft.shape(b))}) and is read as "
            f"{draft.name(a)} ({draft.quantization(a)}, {list(draft.shape(a))}): they must share type, shape, scale "
            "and zero point."
        )


def _check_other(draft: Draft, op: Any, kind: str, handles: dict[int, str]) -> None:
    used = [index for index in numbers(op.inputs) if index in handles]
    if used:
        raise KwsError(
            f"{kind} reads variable {handles[used[0]]}: only READ_VARIABLE and ASSIGN_VARIABLE can be taken."
        )


def _state(draft: Draft, variable: _Variable, first: np.ndarray | None) -> DraftState:
    assert variable.source is not None  # it is in the order of reading
    if first is None:
        raise KwsError(f"variable {variable.name} has no first value: no CALL_ONCE gives it one.")
    dtype = np.dtype(draft.dtype(variable.source).lower())
    if first.nbytes != dtype.itemsize * int(np.prod(draft.shape(variable.source), dtype=np.int64)):
        raise KwsError(f"variable {variable.name} has a first value of another size.")
    values = first.view(dtype)
    if values.min() != values.max():
        raise KwsError(
            f"variable {variable.name} starts with different values, {values.min()} to {values.max()}: a state has one."
        )
    if values.dtype == np.int16 and values[0] != 0:
        raise KwsError(f"variable {variable.name} starts with {values[0]}: one of INT16 can start with 0 only.")
    sink = variable.source if variable.now is None else variable.now
    _check_range(draft, variable.name, variable.source, sink)
    return DraftState(variable.name, variable.source, sink, int(values[0]))


def _first_values(draft: Draft, op: Any) -> dict[str, np.ndarray]:
    """Bytes that a subgraph called once gives to variables, by their keys.

    Raises:
      KwsError: it does something else than to assign constants.
    """
    number = op.builtinOptions.initSubgraphIndex if op.builtinOptions is not None else -1
    if not 0 < number < len(draft.model.subgraphs):
        raise KwsError(f"CALL_ONCE names subgraph {number} of {len(draft.model.subgraphs)}.")
    graph = draft.model.subgraphs[number]
    handles: dict[int, str] = {}
    found: dict[str, np.ndarray] = {}
    for step in graph.operators or []:
        kind, inputs = draft.kind(step), numbers(step.inputs)
        if kind == "VAR_HANDLE":
            handles[numbers(step.outputs)[0]] = _key(step)
        elif kind == "ASSIGN_VARIABLE" and len(inputs) == 2 and inputs[0] in handles:
            data = draft.model.buffers[graph.tensors[inputs[1]].buffer].data
            if data is None or len(data) == 0:
                raise KwsError(f"the first value of variable {handles[inputs[0]]} is computed, not a constant.")
            found[handles[inputs[0]]] = np.asarray(data, np.uint8)
        else:
            raise KwsError(f"CALL_ONCE calls a subgraph with {kind}: only constants can be assigned there.")
    return found
