"""The manifest of a bundle, put together from what training and conversion know."""

import dataclasses
from typing import TYPE_CHECKING, Any

from kws_reference.bundle import NEVER_Q15, State, Tensor
from kws_reference.frontend_config import FrontendConfig

from kws_training.data.speech_commands import SILENCE, UNKNOWN

if TYPE_CHECKING:  # it brings TensorFlow, which who only wants the defaults does not need
    from kws_training.export import ConvertedModel

DETECTOR_DEFAULTS = {"smoothing_steps": 10, "refractory_steps": 60, "threshold": 0.7}


def manifest(
    name: str,
    labels: list[str],
    frontend: FrontendConfig,
    frames_per_step: int,
    model: "ConvertedModel",
    *,
    accuracy: dict[str, Any],
    provenance: dict[str, Any],
    tools: dict[str, str],
) -> dict[str, Any]:
    """Returns ``model.json`` without version and digest, which `kws_reference.bundle.write_bundle` adds.

    The detector gets the kit's defaults: 200 ms of smoothing, 1.2 s of rest, a posterior of 0.7 for every keyword and
    never for silence and unknown words. After half a second most words would be raised again: posteriors stay high for
    as long as the models look back. ``float_operators``, kind and tensor of each, is there where the model has some.
    """
    threshold = round(DETECTOR_DEFAULTS["threshold"] * NEVER_Q15)
    floats = [dataclasses.asdict(operator) for operator in model.float_operators]
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
            "smoothing_steps": DETECTOR_DEFAULTS["smoothing_steps"],
            "refractory_steps": DETECTOR_DEFAULTS["refractory_steps"],
            "threshold_q15": [NEVER_Q15 if label in (SILENCE, UNKNOWN) else threshold for label in labels],
        },
        "accuracy": accuracy,
        "provenance": provenance,
        "tools": tools,
    }


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
