"""Spectrograms out of the features that a device sends, for people to look at."""

from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.frontend.config import FrontendConfig

ANCHORS = ((4, 4, 14), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
"""Colours from silence to the loudest, evenly spaced: dark, violet, red, orange, light yellow."""
SHADES = 64


class Bands:
    """Features of a step as levels of bands, low to high.

    Attributes:
      count: bands.
    """

    def __init__(self, bundle: Bundle, count: int):
        """Args: bundle: whose front end made the features. count: bands wanted at most."""
        config = bundle.frontend
        self._width = config.coefficients
        self._scale: np.ndarray | None = None
        if isinstance(config, FrontendConfig):  # of the micro front end features are levels as they are
            self._scale = np.broadcast_to(np.asarray(config.feature_std, np.float64), self._width).copy()
            self._scale /= config.feature_steps_per_std
            self._mean = np.broadcast_to(np.asarray(config.feature_mean, np.float64), self._width)
        self._inverse, bands = None, self._width
        if isinstance(config, FrontendConfig) and config.kind == "mfcc":
            from kws_reference.frontend.definition import dct_matrix  # SciPy, which --help can do without

            self._inverse, bands = dct_matrix(config.mel_bands, self._width).T, config.mel_bands
        self.count = min(count, bands)
        self._edges = np.linspace(0, bands, self.count + 1).round().astype(int)[:-1]
        self._sizes = np.diff(np.append(self._edges, bands))

    def of(self, features: bytes) -> np.ndarray:
        """Levels of a step's frames, float64 ``[frames, count]``; of logarithms of energy, to base 2."""
        values = np.frombuffer(features, np.int8).astype(np.float64).reshape(-1, self._width)
        if self._scale is not None:
            values = values * self._scale + self._mean
        if self._inverse is not None:
            values = values @ self._inverse
        return np.add.reduceat(values, self._edges, axis=1) / self._sizes


def shades(levels: np.ndarray, low: float, high: float) -> np.ndarray:
    """Levels as indices into `palette`, from ``low`` on to ``high``."""
    span = max(high - low, 1e-9)
    return np.clip((levels - low) / span * (SHADES - 1), 0, SHADES - 1).astype(int)


def palette() -> list[str]:
    """Colours ``#rrggbb`` of all shades."""
    at = np.linspace(0, len(ANCHORS) - 1, SHADES)
    channels = [np.interp(at, range(len(ANCHORS)), [anchor[index] for anchor in ANCHORS]) for index in range(3)]
    return [
        "#{:02x}{:02x}{:02x}".format(*(round(float(channel[index])) for channel in channels)) for index in range(SHADES)
    ]


def range_of(levels: Sequence[np.ndarray] | np.ndarray) -> tuple[float, float]:
    """From which level on to which there is something to be seen: the quietest twentieth is dark."""
    values = np.concatenate([np.ravel(level) for level in levels]) if len(levels) else np.zeros(1)
    low, high = np.percentile(values, [5, 99.5])
    return float(low), float(max(high, low + 4))
