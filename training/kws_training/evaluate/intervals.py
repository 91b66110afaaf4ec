"""What a counted number of false accepts says of their rate: intervals of a Poisson mean, and events that repeat."""

import numpy as np


def poisson_bounds(events: float, below: float, above: float) -> tuple[float, float]:
    """Exact bounds of the mean of a Poisson count (F. Garwood, Biometrika 28, 1936).

    Args:
      events: the count; one that is not whole stands between its neighbours.
      below, above: probabilities, for example 0.025 and 0.975 for an interval of 95 %; 0 gives 0.
    """
    from scipy.stats import chi2

    low = float(chi2.ppf(below, 2 * events) / 2) if events and below else 0.0
    return low, float(chi2.ppf(above, 2 * events + 2) / 2)


def independent_events(counts: np.ndarray) -> float:
    """Number of Poisson events with the relative variance of events that come in groups.

    Recordings repeat their clips, and a clip that is mistaken once is mistaken often: fewer independent events than
    there are false accepts, (sum n)^2 / sum n^2 for n of them of each clip.

    Args:
      counts: events of each group, int64 ``[groups]``, each at least 1.
    """
    return float(counts.sum() ** 2 / (counts**2).sum()) if len(counts) else 0.0


def rate_bounds(counts: np.ndarray, hours: float, below: float, above: float) -> tuple[float, float]:
    """Bounds of the events per hour that come in groups; see `independent_events` and `poisson_bounds`."""
    independent = independent_events(counts)
    events_of_one = counts.sum() / independent if independent else 1.0
    low, high = poisson_bounds(independent, below, above)
    return low * events_of_one / hours, high * events_of_one / hours
