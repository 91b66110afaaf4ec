"""The proof that an adopted model gives the scores of the original."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.network.interpreter import load
from kws_reference.tflite.fixed_point import quantize_multiplier, requantize
from tflite_micro import runtime

from kws_codegen.adopt.adoption import Adopted

STEPS_PER_KIND = 40
"""Of each kind of features."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was compared.

    Attributes:
      steps: whose scores were equal.
      different: distinct scores among them; a few prove little.
    """

    steps: int
    different: int


def prove(original: bytes, adopted: Adopted, steps: int = STEPS_PER_KIND, seed: int = 0) -> Proof:
    """Runs both models on the same features in TensorFlow Lite Micro's interpreter.

    Args:
      original: as it was given to `adopt`. Where it takes more frames than a step brings it sees all of the last ones.
      steps: of each kind of features (`_features`).

    Raises:
      KwsError: a score differs, or one of them does not run.
    """
    frames, coefficients = adopted.features.shape[1], adopted.features.shape[3]
    window_rows = np.full((adopted.original_frames, coefficients), adopted.features.zero_point, np.int8)
    seen: set[bytes] = set()
    count = 0
    try:
        before, after = load(original), load(adopted.model)
        states = [state.initial() for state in adopted.states]
        given = adopted.states[len(adopted.states) - len(adopted.original_outputs) + 1 :]
        old_states = [state.initial() for state in given]
        for step, new in enumerate(_features(frames, coefficients, steps, adopted.exact_from, seed)):
            window_rows = np.concatenate([window_rows, new])[-adopted.original_frames :]
            expected, old_states = _run_original(before, window_rows, adopted, old_states)
            after.set_input(new.reshape(adopted.features.shape), 0)
            for position, state in enumerate(states, 1):
                after.set_input(state, position)
            after.invoke()
            states = [after.get_output(position) for position in range(1, len(states) + 1)]
            found = after.get_output(0).reshape(-1)
            if step < adopted.exact_from:
                continue
            if not np.array_equal(found, expected):
                raise KwsError(
                    f"the adopted model gives {found} in step {step}, the original {expected}: report this file."
                )
            count += 1
            seen.add(found.tobytes())
    except (RuntimeError, ValueError, IndexError) as error:
        raise KwsError(f"TensorFlow Lite Micro does not run the model: {error}") from None
    return Proof(count, len(seen))


def _features(frames: int, coefficients: int, steps: int, more: int, seed: int) -> Iterator[np.ndarray]:
    """int8 ``[frames, coefficients]`` of each step: noise, waves over time, blocks of extremes, walks, quiet.

    What is slow or constant shows what noise hides: that a value of the whole window reaches rows that were kept.

    Args:
      more: further steps of the first kind.
    """
    rng = np.random.default_rng(seed)
    time = np.arange((steps + more) * frames)[:, None]
    phase, speed = rng.uniform(0, 6.28, coefficients), rng.uniform(0.02, 0.3, coefficients)
    walk = np.cumsum(rng.normal(0, 25, (len(time), coefficients)), axis=0)
    kinds = [
        rng.integers(-128, 128, (len(time), coefficients)),
        120 * np.sin(phase + speed * time),
        np.where(rng.random((len(time) // 9 + 1, coefficients)) < 0.5, -128, 127).repeat(9, axis=0)[: len(time)],
        np.abs(walk % 510 - 255) - 128,
        np.full((len(time), coefficients), rng.integers(-128, 128)) + rng.integers(-3, 4, (len(time), coefficients)),
    ]
    for number, values in enumerate(kinds):
        rows = np.clip(values, -128, 127).astype(np.int8).reshape(-1, frames, coefficients)
        yield from rows if number == 0 else rows[:steps]


def _run_original(
    interpreter: runtime.Interpreter, rows: np.ndarray, adopted: Adopted, states: list[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """One step of the original: int8 scores and its own states, if it has any outside."""
    details = interpreter.get_input_details(0)
    values = rows.reshape(details["shape"])
    if details["dtype"] != np.int8:
        values = _real_input(values, details, adopted)
    interpreter.set_input(values, 0)
    for position, state in enumerate(states, 1):
        interpreter.set_input(state, position)
    interpreter.invoke()
    scores_at, *states_at = adopted.original_outputs
    scores = _int8_scores(interpreter.get_output(scores_at).reshape(-1), adopted)
    return scores, [interpreter.get_output(position) for position in states_at]


def _int8_scores(scores: np.ndarray, adopted: Adopted) -> np.ndarray:
    """The original's scores as the adopted model has them."""
    if scores.dtype == np.uint8:
        return (scores.astype(np.int16) - 128).astype(np.int8)
    if adopted.int16_scale is not None:
        if scores.dtype == np.float32:
            scores = np.rint(scores / adopted.int16_scale)
        factor = quantize_multiplier(adopted.int16_scale / adopted.scores.scale)
        return requantize(scores.astype(np.int64), *factor, adopted.scores.zero_point, -128, 127)
    if scores.dtype == np.float32:
        return np.rint(scores / adopted.scores.scale + adopted.scores.zero_point).astype(np.int8)
    return scores


def _real_input(values: np.ndarray, details: dict[str, Any], adopted: Adopted) -> np.ndarray:
    """Features as the original takes them: floats, int16, or bytes without a sign."""
    if details["dtype"] == np.int16:
        steps = round(adopted.features.scale / float(details["quantization_parameters"]["scales"][0]))
        return ((values.astype(np.int32) - adopted.features.zero_point) * steps).astype(np.int16)
    if details["dtype"] == np.uint8:
        quantization = details["quantization_parameters"]
        zero_point = int(quantization["zero_points"][0])
        return (values.astype(np.int16) - adopted.features.zero_point + zero_point).astype(np.uint8)
    return ((values.astype(np.float64) - adopted.features.zero_point) * adopted.features.scale).astype(np.float32)
