"""How good the integer front end is: its error against the float definition, and what it costs in memory."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float, normalise
from kws_reference.frontend.integer import Mfcc
from kws_reference.frontend.tables import ram_bytes

_HISTOGRAM_STEPS = 16384
_HISTOGRAM_RESOLUTION = 1024  # bins per int8 step


def report(clips: Iterable[np.ndarray], config: FrontendConfig) -> dict[str, Any]:
    """Measures the error before the rounding to int8, and how often that rounding differs.

    Args:
      clips: recordings, int16 [samples] each; taken one by one, so any number fits.
      config: front end parameters with feature_mean and feature_std.

    Returns:
      A dictionary ready for JSON: ``clips``, ``frames``; ``error_steps`` with ``median``, ``percentile_99_9`` and
      ``max`` of the absolute error over all coefficients, in int8 steps (percentiles to 1/1024 step);
      ``error_steps_per_coefficient`` with lists ``mean_absolute`` and ``max``; ``int8_differs``, the share of int8
      features that the float definition would round to another value; ``table_bytes`` and ``ram_bytes`` on the device.

    Raises:
      KwsError: there is no clip as long as one window.
    """
    integer = Mfcc(config)
    steps = config.feature_steps_per_std
    zero = integer.tables.zero_point
    histogram = np.zeros(_HISTOGRAM_STEPS, np.int64)
    absolute, worst = np.zeros(config.coefficients), np.zeros(config.coefficients)
    clip_count = frames = differ = 0
    for pcm in clips:
        exact = normalise(mfcc_float(pcm, config), config) * steps
        if len(exact) == 0:
            continue
        error = np.abs(normalise(integer.mfcc(pcm), config) * steps - exact)
        bins = np.minimum((error * _HISTOGRAM_RESOLUTION).astype(np.int64), _HISTOGRAM_STEPS - 1)
        histogram += np.bincount(bins.ravel(), minlength=_HISTOGRAM_STEPS)
        absolute += error.sum(axis=0)
        worst = np.maximum(worst, error.max(axis=0))
        differ += int(np.count_nonzero(np.clip(np.floor(exact + 0.5) + zero, -128, 127) != integer.frames(pcm)))
        clip_count, frames = clip_count + 1, frames + len(exact)
    if frames == 0:
        raise KwsError(
            f"front end report: no clip has {config.window_samples} samples or more. Give longer recordings."
        )
    return {
        "clips": clip_count,
        "frames": frames,
        "error_steps": {
            "median": _percentile(histogram, 0.5),
            "percentile_99_9": _percentile(histogram, 0.999),
            "max": float(worst.max()),
        },
        "error_steps_per_coefficient": {"mean_absolute": (absolute / frames).tolist(), "max": worst.tolist()},
        "int8_differs": differ / (frames * config.coefficients),
        "table_bytes": integer.tables.table_bytes,
        "ram_bytes": ram_bytes(config),
    }


def _percentile(histogram: np.ndarray, share: float) -> float:
    """Upper edge of the bin that holds the ``share`` of all values."""
    position = np.searchsorted(np.cumsum(histogram), share * histogram.sum())
    return float((position + 1) / _HISTOGRAM_RESOLUTION)
