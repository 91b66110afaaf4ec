"""How a voice says a word once: what is drawn for each clip."""

import dataclasses
import math
import unicodedata

import numpy as np

from kws_training.data.clips import SAMPLE_RATE_HZ as SAMPLE_RATE_HZ

ACCENTS = (
    "en-us", "en-us", "en-us-nyc", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd",
    "en-029",
)  # fmt: skip
"""Accents of espeak-ng, by which the neural voice speaks, too; each clip draws one."""


@dataclasses.dataclass(frozen=True)
class Manner:
    """One way to speak.

    Attributes:
      speed: times the usual one.
      pitch: -1 to 1, low to high for this voice.
      tract: how many times shorter the vocal tract is: formants move up by it.
      accent: one of `ACCENTS`.
      liveliness: 0 to 1: how far a neural voice strays from its mean.
    """

    speed: float = 1.0
    pitch: float = 0.0
    tract: float = 1.0
    accent: str = ACCENTS[0]
    liveliness: float = 0.5

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Manner":
        """Draws one."""
        draw = rng.uniform
        return cls(draw(0.75, 1.25), draw(-1.0, 1.0), draw(0.88, 1.14), ACCENTS[rng.integers(len(ACCENTS))], draw())

    def rate_of_tract(self, rate_hz: int) -> int:
        """The rate to convert speech to that is then played at ``rate_hz``, so that its formants move by `tract`."""
        return 50 * round(rate_hz / self.tract / 50)  # multiples of 50 Hz keep the conversion cheap


def resampled(pcm: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    """Converts float64 ``[samples]`` to another sample rate."""
    import scipy.signal

    divisor = math.gcd(rate_hz, wanted_hz)
    return scipy.signal.resample_poly(pcm, wanted_hz // divisor, rate_hz // divisor)


def without_accents(text: str) -> str:
    """Letters without the accents of other languages, which some programs cannot read."""
    decomposed = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))
