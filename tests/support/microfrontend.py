"""TensorFlow's microfrontend library, as the package pymicro-features has it compiled."""

import ctypes
import functools

import micro_features_cpp
import numpy as np
from kws_reference.frontend.log1p import log1p
from kws_reference.frontend.micro_config import MicroFrontendConfig

_STATE_BYTES = 4096  # of a struct FrontendState, which has about 250


class _Config(ctypes.Structure):
    """``struct FrontendConfig`` with the parts that it has in it."""

    _fields_ = [
        ("size_ms", ctypes.c_size_t),
        ("step_size_ms", ctypes.c_size_t),
        ("num_channels", ctypes.c_int),
        ("upper_band_limit", ctypes.c_float),
        ("lower_band_limit", ctypes.c_float),
        ("output_scale_shift", ctypes.c_int),
        ("smoothing_bits", ctypes.c_int),
        ("even_smoothing", ctypes.c_float),
        ("odd_smoothing", ctypes.c_float),
        ("min_signal_remaining", ctypes.c_float),
        ("enable_pcan", ctypes.c_int),
        ("strength", ctypes.c_float),
        ("offset", ctypes.c_float),
        ("gain_bits", ctypes.c_int),
        ("enable_log", ctypes.c_int),
        ("scale_shift", ctypes.c_int),
    ]


class _Output(ctypes.Structure):
    """``struct FrontendOutput``."""

    _fields_ = [("values", ctypes.POINTER(ctypes.c_uint16)), ("size", ctypes.c_size_t)]


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(micro_features_cpp.__file__)
    library.FrontendProcessSamples.restype = _Output
    return library


class Library:
    """The library with any parameters, not only those that the package's Python interface has.

    Args:
      config: front end parameters; window and hop are whole ms.
    """

    def __init__(self, config: MicroFrontendConfig):
        self._config = config
        ms = config.sample_rate_hz // 1000
        values = _Config(
            config.window_samples // ms, config.hop_samples // ms, config.channels, config.high_hz, config.low_hz, 7,
            config.smoothing_bits, config.even_smoothing, config.odd_smoothing, config.min_signal_remaining,
            config.gain_control, config.gain_strength, config.gain_offset, config.gain_bits, 1, config.log_scale_shift,
        )  # fmt: skip
        assert (values.size_ms * ms, values.step_size_ms * ms) == (config.window_samples, config.hop_samples)
        self._state = ctypes.create_string_buffer(_STATE_BYTES)
        assert _library().FrontendPopulateState(ctypes.byref(values), self._state, config.sample_rate_hz)

    def __del__(self) -> None:
        _library().FrontendFreeStateContents(self._state)

    def reset(self) -> None:
        """Forgets all samples and the noise."""
        _library().FrontendReset(self._state)

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """Takes int16 [n]; returns the logarithms of the frames that it completes, uint16 [frames, channels]."""
        pcm, frames, taken = np.ascontiguousarray(pcm, np.int16), [], ctypes.c_size_t()
        while len(pcm):
            pointer = pcm.ctypes.data_as(ctypes.c_void_p)
            out = _library().FrontendProcessSamples(
                self._state, pointer, ctypes.c_size_t(len(pcm)), ctypes.byref(taken)
            )
            pcm = pcm[taken.value :]
            if out.size:
                frames.append(np.array(out.values[: out.size], np.uint16))
        return np.array(frames, np.uint16).reshape(-1, self._config.channels)


def rounds_as_expected() -> bool:
    """Whether this machine's ``log1pf``, from which the library derives weights, is the one of the reference."""
    log1pf = ctypes.CDLL(None).log1pf
    log1pf.restype, log1pf.argtypes = ctypes.c_float, [ctypes.c_float]
    hz = np.arange(257, dtype=np.float32) * np.float32(31.25) / np.float32(700)
    return [log1pf(float(value)) for value in hz] == log1p(hz).tolist()
