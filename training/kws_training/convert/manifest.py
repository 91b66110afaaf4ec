"""The manifest of a bundle, put together from what training and conversion know."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kws_reference.bundle import Endpoint, State
from kws_reference.frontend.config import FrontendConfig

from kws_training.convert.converted_model import ConvertedModel
from kws_training.convert.detector_settings import default_detector


def manifest(
    name: str,
    labels: Sequence[str],
    frontend: FrontendConfig,
    frames_per_step: int,
    model: ConvertedModel,
    *,
    accuracy: dict[str, Any],
    provenance: dict[str, Any],
    tools: dict[str, str],
) -> dict[str, Any]:
    """Returns ``model.json`` without version and digest, which `kws_reference.bundle.write_bundle` adds.

    The detector is the kit's default (`default_detector`). ``float_operators``, kind and tensor of each, is there where
    the model has some.
    """
    floats = [dataclasses.asdict(operator) for operator in model.float_operators]
    return {
        "name": name,
        "labels": list(labels),
        "frontend": frontend.to_dict(),
        "frames_per_step": frames_per_step,
        "features": _tensor(model.features, "input_index"),
        "scores": {**_tensor(model.scores, "output_index"), "kind": "logits"},
        "states": [_state(state) for state in model.states],
        **({"float_operators": floats} if floats else {}),
        "detector": default_detector(labels, frontend.clock(frames_per_step)).to_dict(),
        "accuracy": accuracy,
        "provenance": provenance,
        "tools": tools,
    }


def _tensor(tensor: Endpoint, index_key: str) -> dict[str, Any]:
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
