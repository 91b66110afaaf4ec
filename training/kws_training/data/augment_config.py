"""What an epoch of training consists of."""

import dataclasses
from typing import Any

from kws_reference.errors import KwsError

from kws_training.data.surroundings_config import SurroundingsConfig
from kws_training.hyperparameters import hyperparameter

_RANGES = {
    "shift_samples": (0, 16000),
    "resample": (0, 0.9),
    "noise_probability": (0, 1),
    "noise_volume": (0, 1),
    "unknown_balance": (0, 1),
    "keyword_balance": (0, 1),
    "synthetic_keywords": (0, 1),
    "synthetic_unknown": (0, 1),
    "time_masks": (0, 100),
    "time_frames": (0, 1000),
    "feature_masks": (0, 100),
    "feature_count": (0, 1000),
    "silence_percent": (0, 1000),
    "unknown_percent": (0, 1000),
}


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """Ranges of the augmentation, and shares of the clips; each field says what it is.

    Attributes:
      surroundings: rooms, microphones, noise, other people, near-silence.
    """

    shift_samples: int = hyperparameter(1600, "time shift, +- (1,600 = 100 ms)", "SAMPLES")
    resample: float = hyperparameter(0.15, "change of speed, +-")
    gain_low_db: float = hyperparameter(-6.0, "least gain", "DB")
    gain_high_db: float = hyperparameter(3.0, "greatest gain", "DB")
    noise_probability: float = hyperparameter(0.8, "share of the clips that get background noise")
    noise_volume: float = hyperparameter(0.1, "loudest background noise; it is scaled by U(0, noise_volume)")
    time_masks: int = hyperparameter(2, "SpecAugment's stretches of frames for each clip")
    time_frames: int = hyperparameter(25, "longest of these stretches", "FRAMES")
    feature_masks: int = hyperparameter(2, "SpecAugment's bands of coefficients for each clip")
    feature_count: int = hyperparameter(7, "widest of these bands")
    silence_percent: float = hyperparameter(10.0, "drawn silent clips, in per cent of the keyword clips", "PERCENT")
    unknown_percent: float = hyperparameter(
        10.0, "unknown words drawn for the epoch, in per cent of the keyword clips", "PERCENT"
    )
    unknown_balance: float = hyperparameter(
        0.0, "0 draws every unknown clip equally often, 1 every unknown word, whatever number of clips it has"
    )
    keyword_balance: float = hyperparameter(
        0.0,
        "0 takes every keyword clip once, 1 as many of each keyword (repeating the rare ones); the total stays the "
        "same",
    )
    synthetic_keywords: float = hyperparameter(
        1.0, "share of the synthetic keyword clips that an epoch takes, drawn anew for each"
    )
    synthetic_unknown: float = hyperparameter(
        0.3, "share of an epoch's unknown words that are synthetic, where there are recorded ones too"
    )
    surroundings: SurroundingsConfig = SurroundingsConfig()

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
          KwsError: a value is out of range; the message names it.
        """
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise KwsError(f"augmentation {name}: use {low} to {high}. Received: {getattr(self, name)}")
        if not self.gain_low_db <= self.gain_high_db:
            raise KwsError(f"augmentation gain: {self.gain_low_db} dB is above {self.gain_high_db} dB.")

    def to_dict(self) -> dict[str, Any]:
        """As a record holds it: without surroundings where there are none, as records were before there were any."""
        values = dataclasses.asdict(self)
        surroundings = values.pop("surroundings")
        return values if self.surroundings.off else {**values, "surroundings": surroundings}
