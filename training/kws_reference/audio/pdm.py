"""One bit of a digital microphone becomes PCM, in integers: pulse density at 1.024 MHz to int16 at 16 kHz.

Three filters, each of which leaves out what the next would fold back:

1. 1,024 kHz to 128 kHz: four moving sums of 8 (a CIC filter of order 4), 0 to 4,096. Exact.
2. 128 kHz to 32 kHz: 44 symmetric taps, which level the droop of the first out, too. Rounded to int16, saturated.
3. 32 kHz to 16 kHz: a half-band filter of 79 taps. Rounded to int16, saturated.

All ones are full scale. The firmware's ``boards/pdm`` computes the same, bit for bit, with the taps that
``kws_firmware.make_pdm_taps`` writes there; `tests/tools/design_pdm_taps.py` says where the taps come from, and
`tests/unit/reference/test_pdm.py` holds the whole to its response. A chip whose hardware has the first filter
(DFSDM: order 4, ratio 8) goes on with the other two: `PdmDecimator.push_sums`.
"""

import numpy as np

WORD_BITS = 16
BITS_PER_SUM = 8
SUM_ORDER = 4
FULL_SUM = BITS_PER_SUM**SUM_ORDER
"""What the first filter gives for ones; zeros give 0, silence half of it."""
SUMS_PER_SAMPLE = 8
WORDS_PER_SAMPLE = SUMS_PER_SAMPLE * BITS_PER_SUM // WORD_BITS
SUM_STEP = 4
"""Sums for one output of the second filter."""
HALF_STEP = SUMS_PER_SAMPLE // SUM_STEP
"""Outputs of the second filter for one of the third."""

# Q15, the first half of symmetric ones; each filter's constant gain is 1.
TAPS_128K_Q15 = (
    4, 12, 19, 23, -2, -51, -103, -136, -64, 104, 316, 473, 348, -77, -718, -1291, -1264, -376, 1468, 3921, 6180, 7598
)  # fmt: skip
HALF_BAND_Q15 = (
    -3, 5, -10, 17, -28, 43, -64, 92, -129, 177, -238, 317, -418, 549, -724, 968, -1337, 1974, -3408, 10409
)  # fmt: skip
"""Every second tap, up to the middle one, which is a half; those in between are 0."""
DELAY_BITS = 14 + 8 * 43 // 2 + 32 * 39
"""Group delay, the same for all frequencies: from a bit to its sample, in bits behind the newest one."""


class PdmDecimator:
    """Pulse density to PCM, piece by piece.

    It begins as if it had heard silence (zeros and ones in turn) for ever.
    """

    def __init__(self) -> None:
        # As many values as a filter looks back on, less the new ones of an output.
        self._bits = np.resize(np.array([1, 0], np.int64), len(sum_taps()) - BITS_PER_SUM)
        self._sums = np.full(len(taps_128k()) - SUM_STEP, FULL_SUM // 2, np.int64)
        self._halves = np.zeros(len(half_band_taps()) - HALF_STEP, np.int64)

    def push(self, words: np.ndarray) -> np.ndarray:
        """Uint16 ``[n]``, `WORDS_PER_SAMPLE` for each sample, a word's first bit the highest -> int16 ``[samples]``.

        Goes on from where the last piece ended.

        Raises:
          ValueError: the words do not make whole samples.
        """
        words = np.asarray(words)
        if words.dtype != np.uint16 or words.ndim != 1 or len(words) % WORDS_PER_SAMPLE:
            raise ValueError(
                f"PDM comes in uint16 words, {WORDS_PER_SAMPLE} for each sample. Received: {words.dtype} {words.shape}"
            )
        bits = np.concatenate([self._bits, np.unpackbits(words.astype(">u2").view(np.uint8)).astype(np.int64)])
        self._bits = bits[len(bits) - len(self._bits) :]
        return self.push_sums(_filtered(bits, sum_taps(), BITS_PER_SUM))

    def push_sums(self, sums: np.ndarray) -> np.ndarray:
        """Goes on with what the first filter gave, int64 ``[n]``, 0 to `FULL_SUM`, `SUMS_PER_SAMPLE` for each sample.

        Returns:
          int16 ``[samples]``.

        Raises:
          ValueError: the sums do not make whole samples.
        """
        if len(sums) % SUMS_PER_SAMPLE:
            raise ValueError(f"sums come in {SUMS_PER_SAMPLE} for each sample. Received: {len(sums)}")
        sums = np.concatenate([self._sums, sums])
        self._sums = sums[len(sums) - len(self._sums) :]
        # Less their middle, sums are 12 bits and a sign; int16 has 16 times their swing.
        middle = FULL_SUM // 2 << 15
        halves = _int16((_filtered(sums, taps_128k(), SUM_STEP) - middle + (1 << 10)) >> 11)
        halves = np.concatenate([self._halves, halves])
        self._halves = halves[len(halves) - len(self._halves) :]
        return _int16((_filtered(halves, half_band_taps(), HALF_STEP) + (1 << 14)) >> 15).astype(np.int16)


def sum_taps() -> np.ndarray:
    """The first filter as taps, int64 ``[29]``."""
    taps = np.ones(1, np.int64)
    for _ in range(SUM_ORDER):
        taps = np.convolve(taps, np.ones(BITS_PER_SUM, np.int64))
    return taps


def taps_128k() -> np.ndarray:
    """The second filter, Q15, int64 ``[44]``."""
    return np.array([*TAPS_128K_Q15, *TAPS_128K_Q15[::-1]], np.int64)


def half_band_taps() -> np.ndarray:
    """The third filter, Q15, int64 ``[79]``."""
    side = np.array(HALF_BAND_Q15, np.int64)
    taps = np.zeros(4 * len(side) - 1, np.int64)
    taps[::2] = np.concatenate([side, side[::-1]])
    taps[len(taps) // 2] = 1 << 14
    return taps


def _filtered(values: np.ndarray, taps: np.ndarray, step: int) -> np.ndarray:
    """Sums of symmetric taps over windows that begin `step` values apart."""
    return np.lib.stride_tricks.sliding_window_view(values, len(taps))[::step] @ taps


def _int16(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -32768, 32767)
