"""Parameters of the MFCC and log-mel front ends, as the bundle's ``"frontend"`` dictionary holds them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.timing import StepClock

MFCC, LOG_MEL = "mfcc", "log_mel"
FFT_SIZES = (256, 512, 1024)
MAX_MEL_BANDS = 128
MAX_LOG2 = 25.0  # log2 of the largest possible mel sum: 32768 * 1024 / 2 per bin, a few bins wide


@dataclass(frozen=True)
class FrontendConfig:
    """Parameters of MFCCs or log-mel energies, and the normalisation to int8.

    Attributes:
      kind: ``"mfcc"``, or ``"log_mel"``, which leaves the DCT out; `kws_reference.frontend.kinds` knows the others.
      sample_rate_hz: sampling rate of the int16 PCM input.
      window_samples: length of the periodic Hann window, at most ``fft_size``.
      hop_samples: distance of two frames, 1 to ``window_samples``.
      fft_size: 256, 512 or 1024; windows are padded with zeros behind.
      mel_bands: triangular bands, uniform on the HTK mel scale; of an MFCC an even number.
      mel_low_hz: lower edge of the first band.
      mel_high_hz: upper edge of the last band, at most half the sample rate.
      coefficients: features of a frame: DCT coefficients kept, 1 to ``mel_bands``, or all bands of log-mel.
      feature_mean: mean of each coefficient, in units of the float definition (log2).
      feature_std: standard deviation of each coefficient, positive, same units.
      feature_steps_per_std: int8 steps per standard deviation.
      preemphasis: share of the sample before that is taken off each sample, 0 to less than 1; 0: none, and no key of
        the dictionary. The device takes the multiple of 2^-15 that is nearest.

    An empty ``feature_mean`` or ``feature_std`` stands for zeros or ones (before training has measured them).
    """

    kind: str = MFCC
    sample_rate_hz: int = 16000
    window_samples: int = 480
    hop_samples: int = 160
    fft_size: int = 512
    mel_bands: int = 80
    mel_low_hz: float = 20.0
    mel_high_hz: float = 7600.0
    coefficients: int = 40
    feature_mean: tuple[float, ...] = field(default=())
    feature_std: tuple[float, ...] = field(default=())
    feature_steps_per_std: float = 32
    preemphasis: float = 0.0

    def __post_init__(self) -> None:
        """Checks every value.

        Raises:
          KwsError: a value is outside of what the front end can compute; the message names it.
        """
        _require(self.kind in (MFCC, LOG_MEL), "kind", self.kind, f'use "{MFCC}" or "{LOG_MEL}"')
        for name in ("sample_rate_hz", "window_samples", "hop_samples", "fft_size", "mel_bands", "coefficients"):
            value = getattr(self, name)
            _require(
                isinstance(value, int) and not isinstance(value, bool) and value > 0, name, value, "use an integer > 0"
            )
        for name in ("mel_low_hz", "mel_high_hz", "feature_steps_per_std", "preemphasis"):
            _require(_is_number(getattr(self, name)), name, getattr(self, name), "use a finite number")
        _require(self.fft_size in FFT_SIZES, "fft_size", self.fft_size, f"use one of {', '.join(map(str, FFT_SIZES))}")
        _require(
            2 <= self.window_samples <= self.fft_size,
            "window_samples",
            self.window_samples,
            f"use 2 to {self.fft_size}",
        )
        _require(
            self.hop_samples <= self.window_samples, "hop_samples", self.hop_samples, f"use 1 to {self.window_samples}"
        )
        if self.kind == MFCC:
            even = self.mel_bands % 2 == 0 and self.mel_bands <= MAX_MEL_BANDS
            _require(even, "mel_bands", self.mel_bands, f"use an even number up to {MAX_MEL_BANDS}")
            kept = self.coefficients <= self.mel_bands
            _require(kept, "coefficients", self.coefficients, f"use 1 to {self.mel_bands}")
        else:
            _require(self.mel_bands <= MAX_MEL_BANDS, "mel_bands", self.mel_bands, f"use 1 to {MAX_MEL_BANDS}")
            all_bands = self.coefficients == self.mel_bands
            _require(all_bands, "coefficients", self.coefficients, f"use {self.mel_bands}, the number of mel_bands")
        _require(
            0 <= self.mel_low_hz < self.mel_high_hz, "mel_low_hz", self.mel_low_hz, "use 0 up to less than mel_high_hz"
        )
        nyquist = self.sample_rate_hz / 2
        _require(self.mel_high_hz <= nyquist, "mel_high_hz", self.mel_high_hz, f"use at most {nyquist:g}")
        _require(
            0 <= self.preemphasis and self.preemphasis_q15 < 1 << 15,
            "preemphasis",
            self.preemphasis,
            "use 0 to 0.99998",
        )
        steps = self.feature_steps_per_std
        _require(0.25 <= steps <= 1024, "feature_steps_per_std", steps, "use 0.25 to 1024")
        object.__setattr__(
            self, "feature_mean", tuple(float(v) for v in self.feature_mean) or (0.0,) * self.coefficients
        )
        object.__setattr__(self, "feature_std", tuple(float(v) for v in self.feature_std) or (1.0,) * self.coefficients)
        for name in ("feature_mean", "feature_std"):
            values = getattr(self, name)
            _require(len(values) == self.coefficients, name, f"{len(values)} values", f"give {self.coefficients}")
            _require(all(map(math.isfinite, values)), name, values, "use finite numbers")
        limit = MAX_LOG2 * (math.sqrt(self.mel_bands) if self.kind == MFCC else 1)
        _require(
            all(abs(v) <= limit for v in self.feature_mean), "feature_mean", self.feature_mean, f"use +-{limit:.0f}"
        )
        _require(
            all(1e-3 <= v <= 1e3 for v in self.feature_std),
            "feature_std",
            self.feature_std,
            "use values from 0.001 to 1000",
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FrontendConfig":
        """Reads the ``"frontend"`` dictionary of a bundle.

        Args:
          values: one entry per attribute of this class; none missing but ``preemphasis``, none unknown.

        Raises:
          KwsError: a key is missing, unknown or holds a value out of range.
        """
        if not isinstance(values, Mapping):
            raise KwsError(
                f"frontend: expected a dictionary. Received: {type(values).__name__}. Export the bundle again."
            )
        kind = values.get("kind", MFCC)
        _require(kind in (MFCC, LOG_MEL), "kind", kind, f'use "{MFCC}" or "{LOG_MEL}"')
        names = [item.name for item in fields(cls)]
        missing = [name for name in names if name not in values and name != "preemphasis"]
        unknown = sorted(str(name) for name in values if name not in names)
        if missing or unknown:
            raise KwsError(
                f"frontend: missing keys {missing}, unknown keys {unknown}. Export the bundle again with this release."
            )
        for name in ("feature_mean", "feature_std"):
            ok = isinstance(values[name], (list, tuple)) and bool(values[name]) and all(map(_is_number, values[name]))
            _require(ok, name, values[name], "give a list of numbers")
        lists = {name: tuple(values[name]) for name in ("feature_mean", "feature_std")}
        return cls(**{**values, **lists})

    def to_dict(self) -> dict[str, Any]:
        """Returns the ``"frontend"`` dictionary of a bundle, ready for JSON."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        if not self.preemphasis:
            del values["preemphasis"]  # as bundles are from before there was one
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @property
    def preemphasis_q15(self) -> int:
        """``preemphasis`` as the device multiplies by it."""
        return round(self.preemphasis * 32768)

    def frame_count(self, samples: int) -> int:
        """Returns how many frames ``samples`` PCM samples give: the first after a window, then one per hop."""
        return self.clock(1).frames_in(samples)

    def clock(self, frames_per_step: int) -> StepClock:
        """Returns the time axis of a model that takes so many frames at once."""
        return StepClock(self.sample_rate_hz, self.window_samples, self.hop_samples, frames_per_step)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _require(condition: bool, name: str, value: Any, advice: str) -> None:
    if not condition:
        text = str(value)
        raise KwsError(f"frontend {name}: {advice}. Received: {text[:80]}")
