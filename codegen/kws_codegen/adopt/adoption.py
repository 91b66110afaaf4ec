"""From anybody's ``.tflite`` to one that a bundle can hold."""

import dataclasses
import math

import numpy as np
from kws_reference.bundle import Endpoint
from kws_reference.errors import KwsError
from kws_reference.tflite import schema
from kws_reference.tflite.check import check_model

from kws_codegen.adopt import window
from kws_codegen.adopt.draft import Draft, numbers
from kws_codegen.adopt.ends import int8_input, int8_output, is_probability, reshaped, rows_of
from kws_codegen.adopt.streaming import stream
from kws_codegen.adopt.variables import STATE_TYPES, DraftState, externalise, inner_states


@dataclasses.dataclass(frozen=True)
class AdoptedState:
    """A state: positions among inputs and outputs, name, shape, range, first value, and ``int8`` or ``int16``."""

    name: str
    input: Endpoint
    output: Endpoint
    reset_value: int
    dtype: str

    @property
    def size_bytes(self) -> int:
        """Bytes of the state."""
        return math.prod(self.input.shape) * np.dtype(self.dtype).itemsize

    def initial(self) -> np.ndarray:
        """The state after a reset."""
        return np.full(self.input.shape, self.reset_value, self.dtype)


@dataclasses.dataclass(frozen=True)
class Adopted:
    """A model that a bundle can hold.

    Attributes:
      model: bytes of the ``.tflite``.
      features: ``[1, frames_per_step, 1, coefficients]``.
      scores: ``[1, labels]``.
      is_probability: the scores come out of a softmax or a sigmoid.
      int16_scale: of the original's scores, where a QUANTIZE makes int8 of int16; else None.
      states: external.
      original_frames: frames that a step of the original takes.
      original_outputs: positions of the scores and of the states that the original has outside.
      exact_from: first step whose scores are the original's: those before it lack rows of the window.
      notes: what was changed.
    """

    model: bytes
    features: Endpoint
    scores: Endpoint
    is_probability: bool
    int16_scale: float | None
    states: tuple[AdoptedState, ...]
    original_frames: int
    original_outputs: tuple[int, ...]
    exact_from: int
    notes: tuple[str, ...]


def adopt(data: bytes, coefficients: int, frames_per_step: int | None = None, *, streaming: bool = False) -> Adopted:
    """Makes a model ready for a bundle.

    Resource variables, and what SVDF and LSTM keep inside, become states that come in and go out; QUANTIZE and
    DEQUANTIZE at its ends are left out; its features get the shape of rows; with fewer `frames_per_step` than the model
    takes the others become a state, or, if it is to be `streaming`, those rows of each layer that are needed again.

    Args:
      data: bytes of a ``.tflite`` with one input for features and one output of scores; more of both are states.
      coefficients: features of a frame.
      frames_per_step: frames that a step brings; None: as many as the model takes.
      streaming: compute what a step adds, not the whole window.

    Raises:
      KwsError: the file is damaged, or the model has what no bundle can hold.
    """
    try:
        adopted = _adopt(Draft(data), coefficients, frames_per_step, streaming)
    except KwsError:
        raise
    except Exception as error:  # whatever random bytes make flatbuffers do
        raise KwsError(f"the model is damaged ({type(error).__name__}: {error}).") from None
    check_model(adopted.model)
    return adopted


def _adopt(draft: Draft, coefficients: int, frames_per_step: int | None, streaming: bool) -> Adopted:
    states = externalise(draft) + inner_states(draft)
    inputs, outputs = numbers(draft.graph.inputs), numbers(draft.graph.outputs)
    output, given = _given_states(draft, inputs, outputs)
    states += given
    original_outputs = (outputs.index(output), *(outputs.index(state.sink) for state in given))
    features, (scores, int16_scale) = int8_input(draft, inputs[0]), int8_output(draft, output)
    for end in (features, scores):
        if draft.quantization(end) is None:
            raise KwsError(f"{draft.name(end)} has no scale and zero point of its own.")
    frames = rows_of(draft, features, coefficients)
    features = reshaped(draft, features, "features", (1, frames, 1, coefficients), first=True)
    if frames_per_step is not None and frames_per_step < 1:
        raise KwsError(f"a step must bring at least 1 frame. Received: {frames_per_step}.")
    exact_from = 0
    if streaming:
        if states:
            raise KwsError(f"the model has {len(states)} states: it streams already.")
        states = stream(draft, features, frames_per_step or 1)
        exact_from = -(-frames // (frames_per_step or 1)) - 1
    elif frames_per_step is not None and frames_per_step != frames:
        if states:
            raise KwsError(
                f"the model has {len(states)} states, which move on by the {frames} frames of a step: no other step "
                f"can be given. Received: {frames_per_step}."
            )
        features, frames_kept = window.slide(draft, features, frames_per_step)
        states.insert(0, frames_kept)
    labels = int(np.prod(draft.shape(scores), dtype=np.int64))
    probability = is_probability(draft, scores)
    scores = reshaped(draft, scores, "scores", (1, labels), first=False)
    _set_apart(draft, states, scores)
    draft.graph.inputs = [features, *(state.source for state in states)]
    draft.graph.outputs = [scores, *(state.sink for state in states)]
    return Adopted(
        model=draft.pack(),
        features=_end(draft, 0, features),
        scores=_end(draft, 0, scores),
        is_probability=probability,
        int16_scale=int16_scale,
        states=tuple(_state(draft, position, state) for position, state in enumerate(states, 1)),
        original_frames=frames,
        original_outputs=original_outputs,
        exact_from=exact_from,
        notes=tuple(draft.notes),
    )


def _given_states(draft: Draft, inputs: list[int], outputs: list[int]) -> tuple[int, list[DraftState]]:
    """Pairs further inputs with outputs of their shape and range, in their order.

    Returns:
      The output that is left, which holds the scores, and the states.

    Raises:
      KwsError: they do not fit each other.
    """
    if not inputs or not outputs:
        raise KwsError("the model has no input or no output.")
    if len(inputs) != len(outputs):
        raise KwsError(
            f"the model has {len(inputs)} inputs and {len(outputs)} outputs: beside features and scores each state "
            "needs one of both."
        )
    states, left = [], list(outputs)
    for number, source in enumerate(inputs[1:], 1):
        fitting = [sink for sink in left if _is_state(draft, source, sink)]
        if not fitting:
            raise KwsError(
                f"input {number} {draft.name(source)} is no state: no output left shares its shape, scale and zero "
                "point in INT8 or INT16."
            )
        left.remove(fitting[0])
        quantization = draft.quantization(source)
        states.append(DraftState(f"state{number}", source, fitting[0], quantization[1] if quantization else 0))
        draft.notes.append(
            f"input {draft.name(source)} and output {draft.name(fitting[0])} are taken for a state, real zeros at first"
        )
    return left[0], states


def _is_state(draft: Draft, source: int, sink: int) -> bool:
    same = draft.quantization(source) == draft.quantization(sink) is not None and draft.shape(source) == draft.shape(
        sink
    )
    return same and draft.dtype(source) == draft.dtype(sink) in STATE_TYPES


def _set_apart(draft: Draft, states: list[DraftState], scores: int) -> None:
    """Gives states tensors of their own where one leaves the model twice, or as it came in, and names that differ."""
    taken, names = {scores}, set()
    for number, state in enumerate(states, 1):
        if state.sink in taken or (draft.producer(state.sink) is None and not state.is_inner):
            shape = draft.shape(state.sink)
            copy = draft.like(state.sink, f"state{number}_out", shape)
            draft.add("RESHAPE", [state.sink, draft.integers(f"state{number}_out/shape", list(shape))], copy)
            state.sink = copy
        taken.add(state.sink)
        state.name = _short(state.name) or f"state{number}"
        while state.name in names:
            state.name += "_"
        names.add(state.name)


def _short(name: str) -> str:
    """The last part of a variable's name that says something: ``stream_1`` of ``model/stream_1/states``."""
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    if len(parts) > 1 and parts[-1] in ("state", "states"):
        parts.pop()
    return "".join(char for char in (parts or [""])[-1] if 32 < ord(char) < 127)[-60:]


def _end(draft: Draft, position: int, index: int) -> Endpoint:
    quantization = draft.quantization(index)
    assert quantization is not None  # checked, or shared with what was checked
    return Endpoint(position, schema.name_text(draft.tensor(index).name), draft.shape(index), *quantization)


def _state(draft: Draft, position: int, state: DraftState) -> AdoptedState:
    shape = draft.shape(state.source)
    if not 2 <= len(shape) <= 4 or shape[0] != 1:
        raise KwsError(
            f"state {state.name} has shape {list(shape)}: 2 to 4 dimensions can be kept, the first of them 1."
        )
    if not -128 <= state.reset_value <= 127:
        raise KwsError(f"state {state.name} starts with {state.reset_value}, which is not int8.")
    ends = _end(draft, position, state.source), _end(draft, position, state.sink)
    return AdoptedState(state.name, *ends, state.reset_value, draft.dtype(state.source).lower())
