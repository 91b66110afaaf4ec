"""What a round of listening found in the training speech: moments that raised a keyword, words that are believed."""

import dataclasses
import functools
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError


@dataclasses.dataclass(frozen=True)
class HardMoments:
    """Findings of a round.

    Attributes:
      recordings: int64 ``[moments]``, indices into the speech.
      samples: int64 ``[moments]``: heard of the recording when a keyword rose that nobody said.
      heights: float64 ``[moments]``: its probability then.
      believed: int64 ``[words, 3]``: recording, first sample and first sample behind what was heard so clearly, where
        nobody knows what is said, that it may be a keyword.
    """

    recordings: np.ndarray
    samples: np.ndarray
    heights: np.ndarray
    believed: np.ndarray

    def __len__(self) -> int:
        return len(self.samples)

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file of it holds."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def believed_in(self, recording: int) -> np.ndarray:
        """Words of a recording, int64 ``[words, 2]``."""
        return self.believed[self.believed[:, 0] == recording, 1:]


@functools.lru_cache(maxsize=8)
def read_hard_moments(path: Path) -> HardMoments:
    """Reads an ``.npz`` of `HardMoments.arrays`.

    Raises:
      KwsError: the file is damaged or missing.
    """
    try:
        with np.load(path) as arrays:
            return HardMoments(**{field.name: arrays[field.name] for field in dataclasses.fields(HardMoments)})
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise KwsError(
            f"{path} is missing or damaged ({error}): the epochs behind it were trained with it. Restore it, or train "
            "anew with another --out."
        ) from None
