"""How often a threshold is reached by chance, beyond what few hours of sound can count.

Wrong words reach high means seldom: above 0.5 their number falls about exponentially with the threshold's logit. The
few that are heard at 0.5 so tell how many are to be expected at 0.9, as in hydrology the floods of thirty years tell
that of a hundred (peaks over threshold; A. C. Davison, R. L. Smith, "Models for exceedances over high thresholds",
J. R. Stat. Soc. B 52, 1990). A threshold chosen where nothing happened to be raised would promise too much.
"""

from collections.abc import Sequence

import numpy as np
from kws_reference.bundle import NEVER_Q15

from kws_training.evaluate.intervals import poisson_bounds


def expected_rates(counts: np.ndarray, threshold_q15: Sequence[int], hours: float, confidence: float) -> np.ndarray:
    """False accepts per hour to be expected of each keyword at each threshold.

    The steepness is common to all keywords: the greatest likelihood, with one more event whose excess is 1. Events at
    the lowest threshold are shared among keywords by Laplace's rule of succession. What was counted at a threshold
    counts by half at least.

    Args:
      counts: false accepts of each keyword with each threshold, while no other one is raised: int64
        ``[keywords, thresholds]``.
      threshold_q15: rising, from 0.5 (16384), as `kws_training.evaluate.thresholds.THRESHOLDS_Q15`.
      hours: of the sound.
      confidence: of the upper bound of the number of events at the lowest threshold, 0..1.

    Returns:
      float64 ``[keywords, thresholds]``, never rising; 0 where the threshold is never reached (32768).
    """
    counts = np.maximum.accumulate(counts[:, ::-1], axis=1)[:, ::-1]  # a lower one can hide in a refractory period
    reached = np.asarray(threshold_q15) < NEVER_Q15
    share = np.asarray(threshold_q15)[reached] / NEVER_Q15
    logit = np.log(share / (1 - share))
    total = counts[:, reached].sum(0)
    excess = float(((total[:-1] + total[1:]) / 2 * np.diff(logit)).sum())
    steepness = (total[0] + 1) / (excess + 1)
    events = poisson_bounds(float(total[0]), 0.0, confidence)[1]
    of_keyword = events * (counts[:, 0] + 1) / (total[0] + len(counts))
    model = of_keyword[:, None] * np.exp(-steepness * (logit - logit[0]))
    rates = np.zeros(counts.shape)
    rates[:, reached] = np.maximum(model, counts[:, reached] / 2) / hours
    return rates
