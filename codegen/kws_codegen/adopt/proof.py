"""The proof that an adopted model gives the scores of the original."""

from typing import Any

import numpy as np
from kws_reference.errors import KwsError
from tflite_micro import runtime

from kws_codegen.adopt.adoption import Adopted

PROOF_STEPS = 100


def prove(original: bytes, adopted: Adopted, steps: int = PROOF_STEPS, seed: int = 0) -> None:
    """Runs both models on the same random features in TensorFlow Lite Micro's interpreter.

    Args:
      original: as it was given to `adopt`. Where it takes more frames than a step brings it sees all of the last ones.

    Raises:
      KwsError: a score differs, or one of them does not run.
    """
    frames, coefficients = adopted.features.shape[1], adopted.features.shape[3]
    rng = np.random.default_rng(seed)
    window_rows = np.full((adopted.original_frames, coefficients), adopted.features.zero_point, np.int8)
    try:
        before, after = runtime.Interpreter.from_bytes(original), runtime.Interpreter.from_bytes(adopted.model)
        states = [np.full(state.input.shape, state.reset_value, np.int8) for state in adopted.states]
        given = adopted.states[len(adopted.states) - len(adopted.original_outputs) + 1 :]
        old_states = [np.full(state.input.shape, state.reset_value, np.int8) for state in given]
        for step in range(adopted.exact_from + steps):
            new = rng.integers(-128, 128, (frames, coefficients)).astype(np.int8)
            window_rows = np.concatenate([window_rows, new])[-adopted.original_frames :]
            expected, old_states = _run_original(before, window_rows, adopted, old_states)
            after.set_input(new.reshape(adopted.features.shape), 0)
            for position, state in enumerate(states, 1):
                after.set_input(state, position)
            after.invoke()
            states = [after.get_output(position) for position in range(1, len(states) + 1)]
            found = after.get_output(0).reshape(-1)
            if step >= adopted.exact_from and not np.array_equal(found, expected):
                raise KwsError(
                    f"the adopted model gives {found} in step {step}, the original {expected}: report this file."
                )
    except (RuntimeError, ValueError, IndexError) as error:
        raise KwsError(f"TensorFlow Lite Micro does not run the model: {error}") from None


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
    scores = interpreter.get_output(scores_at).reshape(-1)
    if scores.dtype == np.uint8:
        scores = (scores.astype(np.int16) - 128).astype(np.int8)
    elif scores.dtype == np.float32:
        scores = np.rint(scores / adopted.scores.scale + adopted.scores.zero_point).astype(np.int8)
    return scores, [interpreter.get_output(position) for position in states_at]


def _real_input(values: np.ndarray, details: dict[str, Any], adopted: Adopted) -> np.ndarray:
    """Features as the original takes them: floats, or bytes without a sign."""
    if details["dtype"] == np.uint8:
        quantization = details["quantization_parameters"]
        zero_point = int(quantization["zero_points"][0])
        return (values.astype(np.int16) - adopted.features.zero_point + zero_point).astype(np.uint8)
    return ((values.astype(np.float64) - adopted.features.zero_point) * adopted.features.scale).astype(np.float32)
