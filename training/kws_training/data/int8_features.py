"""Features of clips as the device computes them: the integer front end on whole clips."""

from collections.abc import Callable

import numpy as np
from kws_reference.frontend import kinds

CHUNK_CLIPS = 100


def int8_features(
    frontend: kinds.AnyFrontendConfig,
    clips: np.ndarray,
    progress: Callable[[int], None] = lambda done: None,
    zero_point: int = 0,
) -> np.ndarray:
    """Features of whole clips by the integer front end.

    Args:
      frontend: with the normalisation filled in.
      clips: int16 ``[clips, samples]``.
      progress: called with the number of clips done.
      zero_point: of the features; `kws_training.convert.integer` writes models with 0.

    Returns:
      int8 ``[clips, frames, coefficients]``.
    """
    whole = kinds.whole(frontend, zero_point)
    parts = []
    for start in range(0, len(clips), CHUNK_CLIPS):
        parts.append(whole.frames(clips[start : start + CHUNK_CLIPS]))
        progress(min(start + CHUNK_CLIPS, len(clips)))
    return np.concatenate(parts)
