"""Chooses a detector: the timing, quiet and thresholds that keep a rate of false accepts."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig
from kws_reference.detector.integer import MAX_POSTERIOR_Q15, DetectorTables
from kws_reference.errors import KwsError
from kws_reference.timing import MAX_RUN_STEPS

from kws_training.convert.detector_settings import DEFAULT_REFRACTORY_S, with_quiet, with_releases, with_thresholds
from kws_training.evaluate.metrics import CONFIDENCE, DetectionMetrics

THRESHOLDS_Q15 = (
    *(round(NEVER_Q15 * percent / 100) for percent in (*range(50, 90, 2), *range(90, 100))),
    round(NEVER_Q15 * 0.995),
    round(NEVER_Q15 * 0.998),
    round(NEVER_Q15 * 0.999),
    round(NEVER_Q15 * 0.9995),
    MAX_POSTERIOR_Q15,
    NEVER_Q15,
)
"""Thresholds that `choose` tries, rising: 0.50 (likelier than all else together) to 0.9995, the largest, never."""

REFRACTORY_S = (0.8, 1.0, 1.2, 1.5)
"""Refractory periods that `choose` tries: posteriors stay high for as long as the model looks back."""

TIMINGS_S = ((0.1, 0.0), (0.2, 0.0), (0.1, 0.2), (0.3, 0.0), (0.1, 0.3), (0.4, 0.0), (0.5, 0.0))
"""Smoothing windows, and runs behind them, that `choose` tries, the quickest first; each with quiet and without."""

SLACK = 0.01
"""A simpler and quicker detector is taken when it costs at most this much recall: first one that does not ask for
quiet, then the quicker of `TIMINGS_S`, then a shorter refractory period."""

PRICES = tuple(10.0 ** np.linspace(1, -4, 101))
"""Recall that a false accept per hour is worth, falling, that `choose` tries."""

FEWEST_FALSE_ACCEPTS = 5
"""Thresholds are not chosen for fewer wanted events than this: their number would be chance."""


class Replay(Protocol):
    """What thresholds are chosen by: words that were said, and sound in which nobody said them, with kept scores."""

    @property
    def bundle(self) -> Bundle:
        """The model."""

    @property
    def tables(self) -> DetectorTables:
        """With the smoothing window."""

    @property
    def hours(self) -> float:
        """Of the sound that false accepts are counted in."""

    def smoothed(self, smoothing_steps: int) -> "Replay":
        """The same scores behind another smoothing window."""

    def measure(self, detector: DetectorConfig) -> DetectionMetrics:
        """Recall and false accepts with these settings."""

    def sweep(
        self, threshold_q15: Sequence[int], like: DetectorConfig, label: int | None = None
    ) -> Sequence[DetectionMetrics]:
        """Metrics for each threshold, common to all keywords, or of one label while no other one is raised."""


@dataclasses.dataclass(frozen=True)
class _Alone:
    """A keyword heard while no other one is raised.

    Attributes:
      recall: with each of `THRESHOLDS_Q15`, float64; None: nobody said it.
      rate: false accepts per hour with each, the most at a threshold or any above it.
    """

    recall: np.ndarray | None
    rate: np.ndarray


def check_rate(per_hour: float, hours: float) -> None:
    """Refuses a wanted rate that a recording cannot tell.

    Args:
      per_hour: wanted false accepts per hour.
      hours: length of the recording.

    Raises:
      KwsError: the rate is not above 0, or fewer than `FEWEST_FALSE_ACCEPTS` are wanted.
    """
    if not per_hour > 0:
        raise KwsError(
            f"the wanted false accepts per hour must be above 0: none in a finite recording promises nothing. "
            f"Received: {per_hour:g}."
        )
    if per_hour * hours < FEWEST_FALSE_ACCEPTS:
        raise KwsError(
            f"{hours:g} hours at {per_hour:g} false accepts per hour are {per_hour * hours:.1f} events: too few to "
            f"choose by. Take {FEWEST_FALSE_ACCEPTS / per_hour:g} hours or more."
        )


def choose(
    replay: Replay,
    false_accepts_per_hour: float,
    progress: Callable[[int], None] = lambda done: None,
    confidence: float = CONFIDENCE,
) -> DetectorConfig:
    """Chooses smoothing window, refractory period and thresholds that keep the false accepts below the wanted rate.

    A rate counts as its upper bound (`DetectionMetrics.upper`). First, for each of `TIMINGS_S`, without quiet and with
    the kit's, the lowest common threshold is found that keeps the rate; of those, the first is taken whose recall is
    within `SLACK` of the best; then in the same way one of `REFRACTORY_S`. Then every keyword gets the threshold of
    `THRESHOLDS_Q15` with the best recall less p times its false accepts per hour, p the same for all: so false accepts
    are spent where they buy most recall. The lowest such price p is taken with which the whole detector keeps the rate.
    Releases and busy thresholds follow the thresholds (`with_thresholds`).

    Args:
      replay: a recording of validation clips, long against the wanted rate (`check_rate`).
      false_accepts_per_hour: wanted rate of all labels together, > 0.
      progress: called with the number of `choice_rounds` done.
      confidence: of the upper bound, 0..1.

    Returns:
      Settings for the manifest; silence and unknown words are never raised.
    """
    done = itertools.count(1)

    def round_done() -> None:
        progress(next(done))

    wanted = _Wanted(false_accepts_per_hour, confidence)
    smoothed, like = _quickest(replay, wanted, round_done)
    alone = {}
    for row in replay.bundle.labels.keyword_rows:
        alone[row] = _alone(smoothed.sweep(THRESHOLDS_Q15, like, row), row)
        round_done()
    return _at_lowest_price(smoothed, like, _with_prior(alone), wanted)


def choice_rounds(bundle: Bundle) -> int:
    """How many rounds `choose` reports as progress."""
    return 2 * len(TIMINGS_S) + len(REFRACTORY_S) + len(bundle.labels.keyword_rows)


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """A rate to keep: false accepts per hour of all labels together, and the confidence of its upper bound."""

    per_hour: float
    confidence: float

    def is_kept(self, metrics: DetectionMetrics) -> bool:
        """Whether settings with these metrics keep it."""
        return metrics.upper(self.confidence) <= self.per_hour


def _quickest(replay: Replay, wanted: _Wanted, round_done: Callable[[], None]) -> tuple[Replay, DetectorConfig]:
    """The quickest detector whose recall is within `SLACK` of the best, and the replay with its smoothing window."""

    def best_recall(like: DetectorConfig) -> float:
        kept = _kept(replay.smoothed(like.smoothing_steps), like, wanted)
        recall = max((metrics.recall for metrics in kept), default=0.0)
        round_done()
        return recall

    like = quickest(replay.bundle, best_recall)
    return replay.smoothed(like.smoothing_steps), like


def quickest(bundle: Bundle, best_recall: Callable[[DetectorConfig], float]) -> DetectorConfig:
    """The first of `TIMINGS_S`, then of `REFRACTORY_S`, whose recall is within `SLACK` of the best.

    Args:
      bundle: whose detector is chosen.
      best_recall: what is heard at the lowest common threshold that keeps the rate, with these timings.
    """

    def first_of_the_best(tried: Sequence[DetectorConfig]) -> DetectorConfig:
        recall = [best_recall(like) for like in tried]
        return next(like for like, each in zip(tried, recall, strict=True) if each >= max(recall) - SLACK)

    like = first_of_the_best(timings(bundle))
    rests = [bundle.clock.refractory_steps(rest_s) for rest_s in REFRACTORY_S]
    return first_of_the_best([dataclasses.replace(like, refractory_steps=rest) for rest in rests])


def timings(bundle: Bundle) -> list[DetectorConfig]:
    """The detectors of `TIMINGS_S`, without quiet and with it, the simplest and quickest first; deaf as yet."""
    clock, found = bundle.clock, []
    for smoothing_s, run_s in TIMINGS_S:
        plain = with_releases(
            clock.smoothing_steps(smoothing_s),
            clock.refractory_steps(DEFAULT_REFRACTORY_S),
            (NEVER_Q15,) * len(bundle.labels),
        )
        found.append(dataclasses.replace(plain, run_steps=min(max(1, clock.nearest_steps(run_s)), MAX_RUN_STEPS)))
    return [*found, *(with_quiet(each, bundle.labels, clock) for each in found)]


def _kept(replay: Replay, like: DetectorConfig, wanted: _Wanted) -> Iterator[DetectionMetrics]:
    """Metrics from the highest common threshold down, as long as they keep the rate.

    From above, as a lower threshold can hide false accepts behind a refractory period.
    """
    swept = (replay.sweep([threshold], like)[0] for threshold in reversed(THRESHOLDS_Q15))
    return itertools.takewhile(wanted.is_kept, swept)


def _alone(swept: Sequence[DetectionMetrics], row: int) -> _Alone:
    """What one keyword gives with each threshold, rising."""
    counts = [metrics.false_accepts.sum() for metrics in swept]
    rate = np.maximum.accumulate(counts[::-1])[::-1] / swept[0].hours
    spoken = swept[0].spoken[row]
    return _Alone(np.array([metrics.found[row] for metrics in swept]) / spoken if spoken else None, rate)


def _with_prior(alone: dict[int, _Alone]) -> dict[int, _Alone]:
    """What counts for the price of each keyword.

    Few unknown words are heard, and the next ones sound like other keywords: a keyword's rate is half its own and half
    the mean of all keywords at that threshold. A keyword that nobody said has the others' mean recall.
    """
    recall = np.mean([one.recall for one in alone.values() if one.recall is not None], axis=0)
    rate = np.mean([one.rate for one in alone.values()], axis=0)
    return {
        row: _Alone(recall if one.recall is None else one.recall, (one.rate + rate) / 2) for row, one in alone.items()
    }


def _at_lowest_price(replay: Replay, like: DetectorConfig, alone: dict[int, _Alone], wanted: _Wanted) -> DetectorConfig:
    """The thresholds of the lowest price with which all keywords together keep the rate.

    Args:
      replay: the recording, behind the chosen smoothing window.
      like: chosen, but for its thresholds.
      alone: of each keyword's row.
      wanted: that all together keep.
    """
    best = with_thresholds(like, (NEVER_Q15,) * len(replay.bundle.labels))
    for price in PRICES:
        thresholds = list(best.threshold_q15)
        for row, one in alone.items():
            thresholds[row] = THRESHOLDS_Q15[best_row(one.recall, one.rate, price)]
        detector = with_thresholds(like, thresholds)
        if detector == best:
            continue
        if not wanted.is_kept(replay.measure(detector)):
            break
        best = detector
    return best


def best_row(recall: np.ndarray, rate: np.ndarray, price: float) -> int:
    """The highest row of `THRESHOLDS_Q15` with the best recall less a price times the false accepts per hour."""
    gain = (recall - price * rate)[::-1]
    return len(gain) - 1 - int(gain.argmax())
