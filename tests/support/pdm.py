"""Pulse density for the tests of the decimators, and these built for the host."""

import ctypes

import numpy as np

from tests.support import native, sigma_delta

SOURCES = ["firmware/boards/pdm/pdm_decimator.cc", "firmware/boards/pdm/sum_decimator.cc"]


def streams() -> dict[str, np.ndarray]:
    """Words of pulse density, uint16, for whole samples: random, a sine, full scale and stuck bits."""
    rng = np.random.default_rng(5)
    square = np.repeat(np.array([0xFFFF, 0], np.uint16), 16)
    return {
        "random": rng.integers(0, 65536, 4 * 1600).astype(np.uint16),
        "sine": sigma_delta.modulate(sigma_delta.sine(-6, 440, 0.05), 4),
        "loud sine": sigma_delta.modulate(sigma_delta.sine(-1, 1000, 0.05), 2),
        "full scale": np.tile(square, 50),
        "ones": np.full(4 * 100, 0xFFFF, np.uint16),
        "zeros": np.zeros(4 * 100, np.uint16),
        "stuck": np.concatenate([rng.integers(0, 65536, 400).astype(np.uint16), np.full(400, 0xFFFF, np.uint16)]),
    }


class NativeDecimators:
    """Both decimators as a library in this process."""

    def __init__(self, sanitize: bool = False):
        path = native.build(
            "pdm",
            ["tests/integration/native/pdm_library.cc", *SOURCES],
            includes=["firmware/boards"],
            flags=["-O2"],
            sanitize=sanitize,
            shared=True,
        )
        self._library = ctypes.CDLL(str(path))
        self._library.pdm_bytes.restype = ctypes.c_size_t

    @property
    def state_bytes(self) -> int:
        """Of a decimator of bits."""
        return int(self._library.pdm_bytes())

    def restart(self) -> None:
        """Both as if silence had been heard for ever."""
        self._library.pdm_restart()
        self._library.sums_restart()

    def run(self, words: np.ndarray) -> np.ndarray:
        """Uint16 ``[4 * samples]`` -> int16 ``[samples]``."""
        return self._run(self._library.pdm_run, np.ascontiguousarray(words, np.uint16), 4)

    def run_sums(self, sums: np.ndarray) -> np.ndarray:
        """Int16 ``[8 * samples]``, 0 to 4096 -> int16 ``[samples]``."""
        return self._run(self._library.sums_run, np.ascontiguousarray(sums, np.int16), 8)

    @staticmethod
    def _run(function: ctypes._CFuncPtr, values: np.ndarray, per_sample: int) -> np.ndarray:
        out = np.zeros(len(values) // per_sample, np.int16)
        function(values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(len(out)), out.ctypes.data_as(ctypes.c_void_p))
        return out
