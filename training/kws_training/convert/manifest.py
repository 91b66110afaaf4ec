"""The manifest of a bundle, put together from what training and conversion know."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, State, Tensor
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import SILENCE, UNKNOWN

from kws_training.convert.converted_model import ConvertedModel

DETECTOR_DEFAULTS = {"smoothing_s": 0.2, "refractory_s": 1.2, "threshold": 0.7}

RELEASE_SHARE = 0.75
"""A detected word is armed again when its smoothed posterior is below this share of its threshold."""


def release_q15(threshold_q15: Sequence[int]) -> tuple[int, ...]:
    """The kit's release of each threshold; a label that is never raised has none to fall below."""
    return tuple(
        NOT_HELD_Q15 if threshold == NEVER_Q15 else round(RELEASE_SHARE * threshold) for threshold in threshold_q15
    )


def manifest(
    name: str,
    labels: list[str],
    frontend: FrontendConfig,
    frames_per_step: int,
    model: ConvertedModel,
    *,
    accuracy: dict[str, Any],
    provenance: dict[str, Any],
    tools: dict[str, str],
) -> dict[str, Any]:
    """Returns ``model.json`` without version and digest, which `kws_reference.bundle.write_bundle` adds.

    The detector gets the kit's defaults: 200 ms of smoothing, 1.2 s of rest, a posterior of 0.7 for every keyword and
    never for silence and unknown words; a word is raised again only when its posterior has fallen below
    `RELEASE_SHARE` of that. After half a second most words would be raised again: posteriors stay high for as long as
    the models look back. ``float_operators``, kind and tensor of each, is there where the model has some.
    """
    threshold = round(DETECTOR_DEFAULTS["threshold"] * NEVER_Q15)
    floats = [dataclasses.asdict(operator) for operator in model.float_operators]
    thresholds = [NEVER_Q15 if label in (SILENCE, UNKNOWN) else threshold for label in labels]
    smoothing_steps, refractory_steps = default_steps(frontend, frames_per_step)
    return {
        "name": name,
        "labels": labels,
        "frontend": frontend.to_dict(),
        "frames_per_step": frames_per_step,
        "features": _tensor(model.features, "input_index"),
        "scores": {**_tensor(model.scores, "output_index"), "kind": "logits"},
        "states": [_state(state) for state in model.states],
        **({"float_operators": floats} if floats else {}),
        "detector": {
            "smoothing_steps": smoothing_steps,
            "refractory_steps": refractory_steps,
            "threshold_q15": thresholds,
            "release_q15": list(release_q15(thresholds)),
        },
        "accuracy": accuracy,
        "provenance": provenance,
        "tools": tools,
    }


def default_steps(frontend: FrontendConfig, frames_per_step: int) -> tuple[int, int]:
    """The default smoothing and rest in steps of this length: 10 and 60 of 20 ms."""
    step_s = frames_per_step * frontend.hop_samples / frontend.sample_rate_hz
    smoothing, rest = (round(DETECTOR_DEFAULTS[key] / step_s) for key in ("smoothing_s", "refractory_s"))
    return min(max(1, smoothing), 255), min(rest, 65535)


def _tensor(tensor: Tensor, index_key: str) -> dict[str, Any]:
    return {
        index_key: tensor.index,
        "tensor_name": tensor.name,
        "shape": list(tensor.shape),
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
    }


def _state(state: State) -> dict[str, Any]:
    return {
        "name": state.name,
        "input_index": state.input_index,
        "output_index": state.output_index,
        "shape": list(state.shape),
        "scale": state.scale,
        "zero_point": state.zero_point,
        "reset_value": state.reset_value,
    }
