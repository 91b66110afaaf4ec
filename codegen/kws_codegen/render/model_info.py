"""Template context of model_info.h and model_info.cc: what every part of the firmware knows of the model."""

from typing import Any

from kws_reference.bundle import Bundle


def context(bundle: Bundle) -> dict[str, Any]:
    """What the templates need."""
    return {
        "name": bundle.name,
        "sha256_bytes": bytes.fromhex(bundle.model_sha256),
        "labels": bundle.labels,
        "features": bundle.features,
        "scores": bundle.scores,
        "feature_count": bundle.frontend.coefficients,
        "frames_per_step": bundle.frames_per_step,
        "sample_rate_hz": bundle.frontend.sample_rate_hz,
        "window_samples": bundle.frontend.window_samples,
        "hop_samples": bundle.frontend.hop_samples,
        "states": [
            {"name": s.name, "size": s.size_bytes, "reset": s.reset_value, "shape": s.shape} for s in bundle.states
        ],
    }
