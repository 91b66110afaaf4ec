"""Parameters of the micro front end, as the bundle's ``"frontend"`` dictionary holds them.

It is the fixed-point front end of TensorFlow's experimental microfrontend library, which micro_speech and
microWakeWord hear with. Defaults are those of microWakeWord.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.timing import StepClock

KIND = "micro"
STAGES = ("spectrum", "filter bank", "noise reduction", "gain control", "logarithm")
"""Of a frame, in the order of computation; their results can be looked at one by one."""
FFT_SIZE = 512  # of the window's zero-padded transform; other sizes have other stages
UNITS_PER_FEATURE = 25.6  # the library's users divide its logarithms by this
LOG_SCALE = 65536
LOG_COEFFICIENT = 45426  # 65536 ln(2)
LARGEST_LOG = 65535
LARGEST_LOG2_Q16 = (32 << 16) + 224  # an interval of the table begins at most 224 above the one before
MAX_CHANNELS = 128
QUANTIZATION_SHIFT = 20
SLOPE_TOLERANCE = 5e-3  # 256 / 666 of `MICRO_SPEECH` is 0.3 % more than the scale of its models asks for


@dataclass(frozen=True)
class MicroFrontendConfig:
    """Parameters of the micro front end and the quantization of its logarithms to int8.

    Attributes:
      kind: ``"micro"``.
      sample_rate_hz: sampling rate of the int16 PCM input.
      window_samples: length of the Hann-like window, 257 to 512: the transform has 512 points.
      hop_samples: distance of two frames, 1 to ``window_samples``.
      channels: triangular bands on the mel scale, 1 to 128.
      low_hz: lower edge of the first band.
      high_hz: upper edge of the last band, less than half the sample rate.
      smoothing_bits: fractional bits of the noise estimates, 3 to 16.
      even_smoothing: share of the new frame in the noise estimate of channels 0, 2, ..., 0 to 1.
      odd_smoothing: the same of channels 1, 3, ...
      min_signal_remaining: share of the signal that noise reduction always leaves, 0 to 1.
      gain_control: whether the gain follows the noise estimate (PCAN).
      gain_strength: exponent of that normalisation, 0 to 1.
      gain_offset: added to the noise in its denominator, positive.
      gain_bits: fractional bits of the gain, 15 to 30.
      log_scale_shift: the natural logarithm is in units of 2^-log_scale_shift, 0 to 11.
      feature_multiplier, feature_offset, feature_shift: ``(multiplier * logarithm + offset) >> shift``, saturated, is
        the int8 feature. `quantization` finds them for a model; `MICRO_SPEECH` has those of micro_speech.
    """

    kind: str = KIND
    sample_rate_hz: int = 16000
    window_samples: int = 480
    hop_samples: int = 160
    channels: int = 40
    low_hz: float = 125.0
    high_hz: float = 7500.0
    smoothing_bits: int = 10
    even_smoothing: float = 0.025
    odd_smoothing: float = 0.06
    min_signal_remaining: float = 0.05
    gain_control: bool = True
    gain_strength: float = 0.95
    gain_offset: float = 80.0
    gain_bits: int = 21
    log_scale_shift: int = 6
    feature_multiplier: int = 401723
    feature_offset: int = -133693440
    feature_shift: int = QUANTIZATION_SHIFT

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
          KwsError: a value is outside of what the front end can compute; the message names it.
        """
        _require(self.kind == KIND, "kind", self.kind, f'use "{KIND}"')
        for name, (low, high) in _INTEGERS.items():
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            _require(whole and low <= value <= high, name, value, f"use an integer from {low} to {high}")
        for name in ("low_hz", "high_hz", *_SHARES, "gain_offset"):
            _require(_is_number(getattr(self, name)), name, getattr(self, name), "use a finite number")
        for name in _SHARES:
            _require(0 <= getattr(self, name) <= 1, name, getattr(self, name), "use 0 to 1")
        _require(isinstance(self.gain_control, bool), "gain_control", self.gain_control, "use true or false")
        hop = self.hop_samples
        _require(hop <= self.window_samples, "hop_samples", hop, f"use 1 to {self.window_samples}")
        _require(0 <= self.low_hz < self.high_hz, "low_hz", self.low_hz, "use 0 up to less than high_hz")
        nyquist = self.sample_rate_hz / 2
        _require(self.high_hz < nyquist, "high_hz", self.high_hz, f"use less than {nyquist:g}")
        _require(0 < self.gain_offset <= 2**20, "gain_offset", self.gain_offset, "use more than 0, at most 2^20")
        reached = max(abs(self.feature_offset), abs(self.feature_multiplier * self.largest_log + self.feature_offset))
        product = f"{self.feature_multiplier} * {self.largest_log} + {self.feature_offset}"
        _require(reached < 2**31, "feature_multiplier", product, "use one whose products stay within 32 bits")

    @property
    def coefficients(self) -> int:
        """Features of a frame."""
        return self.channels

    @property
    def largest_log(self) -> int:
        """The largest logarithm that the front end can give: that of a channel of 32 ones, and what its table adds."""
        return min(scaled_log(LARGEST_LOG2_Q16, self.log_scale_shift), LARGEST_LOG)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MicroFrontendConfig":
        """Reads the ``"frontend"`` dictionary of a bundle.

        Args:
          values: one entry per attribute of this class; none missing, none unknown.

        Raises:
          KwsError: a key is missing, unknown or holds a value out of range.
        """
        if not isinstance(values, Mapping):
            raise KwsError(
                f"frontend: expected a dictionary. Received: {type(values).__name__}. Export the bundle again."
            )
        names = [item.name for item in fields(cls)]
        missing = [name for name in names if name not in values]
        unknown = sorted(str(name) for name in values if name not in names)
        if missing or unknown:
            raise KwsError(
                f"frontend: missing keys {missing}, unknown keys {unknown}. Export the bundle again with this release."
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Returns the ``"frontend"`` dictionary of a bundle, ready for JSON."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def frame_count(self, samples: int) -> int:
        """Returns how many frames ``samples`` PCM samples give: the first after a window, then one per hop."""
        return self.clock(1).frames_in(samples)

    def clock(self, frames_per_step: int) -> StepClock:
        """Returns the time axis of a model that takes so many frames at once."""
        return StepClock(self.sample_rate_hz, self.window_samples, self.hop_samples, frames_per_step)

    def check_quantization(self, scale: float, zero_point: int) -> None:
        """Refuses the quantization of a model's features that this front end's integers contradict.

        Raises:
          KwsError: the integers are those of another scale or zero point.
        """
        one = 2**self.feature_shift
        slope = self.feature_multiplier / one * UNITS_PER_FEATURE * scale
        if abs(slope - 1) > SLOPE_TOLERANCE or abs(self.feature_offset / one - 0.5 - zero_point) > 0.5:
            raise KwsError(
                f"frontend.feature_multiplier {self.feature_multiplier} and feature_offset {self.feature_offset} "
                f"contradict features.scale {scale} and zero_point {zero_point}. Export the bundle again."
            )


_SHARES = ("even_smoothing", "odd_smoothing", "min_signal_remaining", "gain_strength")
_INTEGERS = {
    "sample_rate_hz": (1, 2**31 - 1),
    "window_samples": (FFT_SIZE // 2 + 1, FFT_SIZE),
    "hop_samples": (1, FFT_SIZE),
    "channels": (1, MAX_CHANNELS),
    "smoothing_bits": (3, 16),
    "gain_bits": (15, 30),
    "log_scale_shift": (0, 11),
    "feature_multiplier": (1, 2**31 - 1),
    "feature_offset": (-(2**31) + 1, 2**31 - 1),
    "feature_shift": (0, 31),
}

MICRO_SPEECH = {"feature_multiplier": 403056, "feature_offset": -133693440, "feature_shift": QUANTIZATION_SHIFT}
"""Of TensorFlow Lite Micro's micro_speech and of ESPHome: ``(256 * logarithm + 333) / 666 - 128``, rounded down."""


def quantization(scale: float, zero_point: int, log_scale_shift: int = 6) -> dict[str, int]:
    """Finds the integers that quantize logarithms as microWakeWord's runtime in Python does.

    That is ``round(logarithm / 25.6 / scale + zero_point)`` in float64, halves to even. Where the result is no int8,
    that runtime keeps its lower 8 bits; here, as in ESPHome, it saturates.

    Args:
      scale: float32 real value of one int8 step of the model's features.
      zero_point: int8 value of real zero.
      log_scale_shift: see `MicroFrontendConfig`.

    Returns:
      Values of ``feature_multiplier``, ``feature_offset`` and ``feature_shift``, the same for every logarithm.

    Raises:
      KwsError: no such integers were found.
    """
    one = 2**QUANTIZATION_SHIFT
    found = {
        "feature_multiplier": round(one / UNITS_PER_FEATURE / scale) if 0 < scale < math.inf else 0,
        "feature_offset": round((zero_point + 0.5) * one),
        "feature_shift": QUANTIZATION_SHIFT,
    }
    config = MicroFrontendConfig(log_scale_shift=log_scale_shift, **found)
    logs = np.arange(config.largest_log + 1)
    wanted = np.clip(np.round(logs * (10 / 256) / float(scale) + zero_point), -128, 127).astype(np.int8)
    differs = np.flatnonzero(quantized(logs, config) != wanted)
    if len(differs):
        raise KwsError(
            f"frontend: features.scale {scale} and zero_point {zero_point} quantize the logarithm {differs[0]} to "
            f"{wanted[differs[0]]}, which integers of 32 bits do not give. Train with another scale."
        )
    return found


def quantized(logs: np.ndarray, config: MicroFrontendConfig) -> np.ndarray:
    """Quantizes logarithms, integers of any shape, to int8 features."""
    value = logs.astype(np.int64) * config.feature_multiplier + config.feature_offset
    return np.clip(value >> config.feature_shift, -128, 127).astype(np.int8)


def scaled_log(log2_q16: int, shift: int) -> int:
    """Natural logarithm in units of 2^-shift, from that of base 2 in Q16."""
    natural_q16 = (LOG_COEFFICIENT * log2_q16 + LOG_SCALE // 2) >> 16
    return ((natural_q16 << shift) + LOG_SCALE // 2) >> 16


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _require(condition: bool, name: str, value: Any, advice: str) -> None:
    if not condition:
        raise KwsError(f"frontend {name}: {advice}. Received: {str(value)[:80]}")
