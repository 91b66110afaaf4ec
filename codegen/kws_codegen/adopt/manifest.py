"""The manifest of an adopted model."""

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

from kws_reference.bundle import NEVER_Q15, Endpoint
from kws_reference.detector.integer import LOGITS, ONE_Q15, PROBABILITIES
from kws_reference.errors import KwsError
from kws_reference.labels import Kind

from kws_codegen.adopt.adoption import Adopted

SMOOTHING_S, REFRACTORY_S, THRESHOLD = 0.2, 1.0, 0.8
"""Of the detector, where nothing else was asked for."""


def manifest(adopted: Adopted, name: str, labels: tuple[str, ...], frontend: dict[str, Any]) -> dict[str, Any]:
    """The manifest without its detector; see `kws_reference.bundle.write_bundle` for what is added.

    Args:
      frontend: its dictionary.

    Raises:
      KwsError: there are more or fewer labels than scores.
    """
    if len(labels) != adopted.scores.shape[1]:
        raise KwsError(
            f"the model gives {adopted.scores.shape[1]} scores. Give as many labels. Received: {len(labels)}."
        )
    return {
        "name": name,
        "labels": list(labels),
        "frontend": frontend,
        "frames_per_step": adopted.features.shape[1],
        "features": {"input_index": 0, **_end(adopted.features)},
        "scores": {
            "output_index": 0,
            **_end(adopted.scores),
            "kind": PROBABILITIES if adopted.is_probability else LOGITS,
        },
        "states": [
            {
                "name": state.name,
                "input_index": state.input.index,
                "output_index": state.output.index,
                "shape": list(state.input.shape),
                "scale": state.input.scale,
                "zero_point": state.input.zero_point,
                "reset_value": state.reset_value,
                **({} if state.dtype == "int8" else {"dtype": state.dtype}),
            }
            for state in adopted.states
        ],
        "accuracy": {},
        "provenance": {"adopted": list(adopted.notes)},
        "tools": {},
    }


def _end(end: Endpoint) -> dict[str, Any]:
    return {"tensor_name": end.name, "shape": list(end.shape), "scale": end.scale, "zero_point": end.zero_point}


def detector(
    labels: tuple[str, ...],
    step_s: float,
    threshold: float = THRESHOLD,
    smoothing_steps: int | None = None,
    refractory_steps: int | None = None,
) -> dict[str, Any]:
    """A detector with one threshold for all keywords.

    Args:
      step_s: seconds of a step.
      threshold: smoothed probability that raises a detection, above 0, up to 1.
      smoothing_steps, refractory_steps: None: those of `SMOOTHING_S` and `REFRACTORY_S`.

    Raises:
      KwsError: the threshold is out of range.
    """
    if not 0 < threshold <= 1:
        raise KwsError(f"the threshold is a probability above 0, up to 1. Received: {threshold}.")
    level = min(math.ceil(threshold * ONE_Q15), ONE_Q15 - 1)
    return {
        "smoothing_steps": max(1, round(SMOOTHING_S / step_s)) if smoothing_steps is None else smoothing_steps,
        "refractory_steps": round(REFRACTORY_S / step_s) if refractory_steps is None else refractory_steps,
        "threshold_q15": [level if Kind.of(label) is Kind.KEYWORD else NEVER_Q15 for label in labels],
    }


def wake_word_detector(scores: Endpoint, path: Path) -> tuple[str, dict[str, Any]]:
    """Wake word and detector of microWakeWord's ``.json`` beside a model.

    Its runtime speaks of a detection in each step in which the mean of the last probabilities is above the cut-off.

    Args:
      scores: of the model; a step of 1/256.

    Returns:
      The wake word, and the detector that raises the same.

    Raises:
      KwsError: the file is none, or the same cannot be raised.
    """
    try:
        described = json.loads(path.read_bytes())
        word, micro = str(described["wake_word"]), described["micro"]
        cutoff, steps = float(micro["probability_cutoff"]), int(micro["sliding_window_size"])
    except OSError as error:
        raise KwsError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise KwsError(
            f"{path} is no description of a microWakeWord model ({type(error).__name__}: {error})."
        ) from None
    if not 0 <= cutoff < 1 or not 1 <= steps <= 128:
        raise KwsError(f"{path}: a cut-off of 0 to 1 and 1 to 128 steps can be taken. Received: {cutoff}, {steps}.")
    if scores.scale != 1 / 256 or scores.zero_point != -128:
        raise KwsError(
            f"{path}: probabilities in steps of 1/256 are expected. Received: {scores.scale}, {scores.zero_point}."
        )
    if steps > 1 and Fraction(255 * (steps - 1), 256 * steps) > Fraction(cutoff):
        # Its runtime waits until it has seen so many steps; here those before the first one count as zeros.
        raise KwsError(f"{path}: a cut-off of {cutoff} could be passed before {steps} steps were heard.")
    # The least sum of probabilities, in 1/256, whose mean as a float is above the cut-off.
    near = math.floor(Fraction(cutoff) * 256 * steps)
    least = next(total for total in range(near, near + 3) if float(Fraction(total, 256 * steps)) > cutoff)
    threshold = min(128 * least // steps, NEVER_Q15)
    return word, {"smoothing_steps": steps, "refractory_steps": 0, "threshold_q15": [threshold]}
