"""What a device's microphone goes through before the front end, in integers: no constant part, and a gain.

The firmware's ``src/app/conditioner.cc`` computes the same, bit for bit.
"""

import dataclasses

import numpy as np

UNITY_GAIN_Q8 = 256
MAX_GAIN_Q8 = 32767
"""Of any sample less any level the product fits int32."""
LEVEL_SHIFT = 9
"""The level follows within 2 ** 9 samples: a high pass at 5 Hz for 16 kHz."""


@dataclasses.dataclass
class Conditioner:
    """Removes the constant part of PCM, piece by piece, and scales it.

    Attributes:
      gain_q8: 256 is 1; 1 to 32767.
      remove_dc: whether the constant part goes.
    """

    gain_q8: int = UNITY_GAIN_Q8
    remove_dc: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.gain_q8 <= MAX_GAIN_Q8:
            raise ValueError(f"gain_q8 must be 1 to {MAX_GAIN_Q8}. Received: {self.gain_q8}")
        self._level_q14 = 0

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """Int16 ``[samples]`` -> int16 ``[samples]``. Goes on from where the last piece ended."""
        values = np.asarray(pcm, np.int64)
        if self.remove_dc:
            values = values - self._levels(values) // (1 << 14)
        return np.clip((values * self.gain_q8 + 128) >> 8, -32768, 32767).astype(np.int16)

    def _levels(self, values: np.ndarray) -> np.ndarray:
        """The constant part after each sample, Q14."""
        level, levels = self._level_q14, []
        for value in values.tolist():
            level += ((value << 14) - level) >> LEVEL_SHIFT
            levels.append(level)
        self._level_q14 = level
        return np.array(levels, np.int64)
