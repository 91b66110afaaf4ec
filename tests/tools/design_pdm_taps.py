"""Where the taps of `kws_reference.audio.pdm` come from.

    python -m tests.tools.design_pdm_taps        prints them

Both filters have the least largest error that their lengths allow, by Lawson's reweighted least squares: the second one
over what passes to the end (0 to 8 kHz, with the droop of the first) and what would be folded onto 0 to 9 kHz, the
third one over 0 to 7 kHz, since a half-band filter stops what it mirrors. Then they are rounded, and what is missing
of a constant gain of 1 goes to the largest taps.
"""

import sys

import numpy as np
from kws_reference.audio import pdm

ROUNDS = 300
STOP_WEIGHT = 20.0
RATE_1_HZ, RATE_2_HZ, RATE_3_HZ = 1_024_000, 128_000, 32_000


def least_largest_error(basis: np.ndarray, wanted: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Coefficients ``[n]`` of a basis ``[frequencies, n]``."""
    lawson = np.full(len(wanted), 1 / len(wanted))
    taps = np.zeros(basis.shape[1])
    for _ in range(ROUNDS):
        row = np.sqrt(lawson) * weight
        taps = np.linalg.lstsq(basis * row[:, None], wanted * row, rcond=None)[0]
        error = np.abs(weight * (basis @ taps - wanted))
        lawson *= error + 1e-3 * error.max()
        lawson /= lawson.sum()
    return taps


def rounded(taps: np.ndarray, total: int) -> list[int]:
    """Q15, with a given sum: the rest goes to the largest ones."""
    found = np.rint(taps * 32768).astype(int)
    rest = total - int(found.sum())
    for index in np.argsort(-np.abs(found))[: abs(rest)]:
        found[index] += np.sign(rest)
    return found.tolist()


def design_128k(taps: int = 44) -> list[int]:
    """First half of the second filter, Q15."""
    bands = [np.linspace(0, 8e3, 200), np.linspace(23e3, 41e3, 250), np.linspace(55e3, 64e3, 150)]
    frequency = np.concatenate(bands)
    first = pdm.sum_taps() / pdm.FULL_SUM
    turns = 2j * np.pi * frequency[:, None] / RATE_1_HZ
    droop = np.abs(np.exp(turns * np.arange(len(first))) @ first)
    from_middle = (taps - 1) / 2 - np.arange(taps // 2)
    basis = 2 * np.cos(2 * np.pi * frequency[:, None] / RATE_2_HZ * from_middle) * droop[:, None]
    passes = frequency <= 8e3
    found = least_largest_error(basis, passes.astype(float), np.where(passes, 1.0, STOP_WEIGHT))
    return rounded(found, 1 << 14)


def design_half_band(taps: int = 20) -> list[int]:
    """First half of the third filter's outer taps, Q15."""
    frequency = np.linspace(0, 7e3, 400)
    from_middle = 2 * np.arange(taps) + 1
    basis = 2 * np.cos(2 * np.pi * frequency[:, None] / RATE_3_HZ * from_middle)
    found = least_largest_error(basis, np.full(len(frequency), 0.5), np.ones(len(frequency)))
    return rounded(found, 1 << 13)[::-1]


def main() -> int:
    """Prints both. Returns 0."""
    print("TAPS_128K_Q15", design_128k())
    print("HALF_BAND_Q15", design_half_band())
    return 0


if __name__ == "__main__":
    sys.exit(main())
