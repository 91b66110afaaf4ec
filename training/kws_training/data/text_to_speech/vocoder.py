"""Another speaker out of one: pitch, formants and tempo by the vocoder WORLD, where ``pyworld`` is installed.

M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications", IEICE Transactions E99-D, 2016.
"""

import functools
import importlib.machinery
import importlib.metadata
import importlib.util
from types import ModuleType

import numpy as np

from kws_training.data.text_to_speech.manner import SAMPLE_RATE_HZ, resampled

NAME = "pyworld"
LICENCE = "MIT (pyworld), BSD-3-Clause (WORLD)"
INSTALL = "pip install 'kws-kit[voices]'"
_FRAME_MS = 5.0


def is_there() -> bool:
    """Whether ``pyworld`` is installed."""
    return _world() is not None


def version() -> str:
    """Its version."""
    return importlib.metadata.version(NAME)


def as_another(pcm: np.ndarray, pitch: float, tract: float, tempo: float = 1.0) -> np.ndarray:
    """Lets another person say the same.

    Without ``pyworld`` the speech is played faster by ``tract`` and ``tempo``, which moves pitch with the formants.

    Args:
      pcm: 16 kHz, float64 ``[samples]``.
      pitch: factor of the fundamental frequency.
      tract: factor of the formants.
      tempo: factor of the speed.

    Returns:
      float64 ``[samples]``.
    """
    world = _world()
    if world is None:
        rate_hz = 50 * round(SAMPLE_RATE_HZ / (tract * tempo) / 50)
        return resampled(pcm, SAMPLE_RATE_HZ, rate_hz)
    pcm = np.ascontiguousarray(pcm, np.float64)
    rough, times = world.dio(pcm, SAMPLE_RATE_HZ, frame_period=_FRAME_MS)
    f0_hz = world.stonemask(pcm, rough, times, SAMPLE_RATE_HZ)
    envelope = world.cheaptrick(pcm, f0_hz, times, SAMPLE_RATE_HZ)
    aperiodicity = world.d4c(pcm, f0_hz, times, SAMPLE_RATE_HZ)
    bins = np.arange(envelope.shape[1])
    source = np.minimum(bins / tract, len(bins) - 1.0)
    envelope, aperiodicity = _at(envelope, source), _at(aperiodicity, source)
    return world.synthesize(f0_hz * pitch, envelope, aperiodicity, SAMPLE_RATE_HZ, _FRAME_MS / tempo)


def _at(spectra: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Spectra between their bins, ``[frames, bins]``, by straight lines."""
    low = np.minimum(bins.astype(int), spectra.shape[1] - 2)
    share = bins - low
    return np.ascontiguousarray(spectra[:, low] * (1.0 - share) + spectra[:, low + 1] * share)


@functools.cache
def _world() -> ModuleType | None:
    """The package's compiled module alone: the package itself asks for ``pkg_resources``, which setuptools has lost."""
    package = importlib.util.find_spec(NAME)
    if package is None or not package.submodule_search_locations:
        return None
    found = importlib.machinery.PathFinder.find_spec(f"{NAME}.{NAME}", package.submodule_search_locations)
    if found is None or found.loader is None:
        return None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
