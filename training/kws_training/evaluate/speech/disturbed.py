"""The same speech as it reaches a device by other ways: telephone, gate, codec, quiet, clipped."""

import dataclasses
import hashlib
from typing import Any

import numpy as np
from kws_reference.errors import KwsError

from kws_training.data.signal.disturbances import DISTURBANCES
from kws_training.evaluate.scores import Recordings

MOST_TIMES = 3.0
"""The rate may be so many times that of the undisturbed speech."""


@dataclasses.dataclass(frozen=True)
class Disturbed:
    """Recordings through a disturbance; every word is where it was.

    Attributes:
      recordings: what is said.
      name: of the disturbance, see `DISTURBANCES`.
    """

    recordings: Recordings
    name: str

    def __len__(self) -> int:
        return len(self.recordings)

    def pcm(self, index: int) -> np.ndarray:
        """One piece, int16 ``[samples]``; its index is the seed."""
        return DISTURBANCES[self.name](self.recordings.pcm(index), index)

    def sha256(self) -> str:
        """Digest of the recordings and the name: change the name with the function."""
        return hashlib.sha256(f"{self.recordings.sha256()} {self.name}".encode()).hexdigest()


def disturbance_names(text: str) -> tuple[str, ...]:
    """Names with commas between, or ``all``.

    Raises:
      KwsError: there is no such disturbance.
    """
    names = tuple(DISTURBANCES) if text == "all" else tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in DISTURBANCES:
            raise KwsError(f"no such disturbance. Take of {', '.join(DISTURBANCES)}. Received: {name!r}.")
    return names


def disturbed_figures(figures: dict[str, Any], undisturbed: dict[str, Any]) -> dict[str, Any]:
    """What a row of the report says: rate, interval and how many times the undisturbed rate it is (None: of 0)."""
    rate, before = figures["false_accepts_per_hour"], undisturbed["false_accepts_per_hour"]
    names = ("false_accepts", "false_accepts_per_hour", "false_accepts_per_hour_95", "recall")
    return {**{name: figures[name] for name in names}, "times": rate / before if before else None}
