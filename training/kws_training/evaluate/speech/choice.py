"""Thresholds chosen on speech and words of validation speakers, and written into a bundle."""

import itertools
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, Bundle, DetectorConfig
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.convert.detector_settings import with_thresholds, write_detector
from kws_training.evaluate.speech.hearing import Hearing
from kws_training.evaluate.speech.job import DEFAULT_PER_HOUR, Choice, SpeechJob
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.speech.speech_metrics import SpeechMetrics
from kws_training.evaluate.tail import expected_rates
from kws_training.evaluate.thresholds import PRICES, THRESHOLDS_Q15, best_row, choice_rounds, quickest

log = logging.getLogger(__name__)

FEWEST_EVENTS = 0.1
"""Thresholds are not chosen for less than this many wanted false accepts in the speech: so far no tail tells."""


def wanted_rate(choice: Choice, hours: float) -> float:
    """False accepts per hour that a choice wants of so many hours of speech: if none is named, as few as they tell."""
    return choice.per_hour if choice.per_hour is not None else max(DEFAULT_PER_HOUR, FEWEST_EVENTS / hours)


def check_wanted(per_hour: float, hours: float, confidence: float) -> None:
    """Refuses a wanted rate that speech cannot tell.

    Args:
      per_hour: wanted false accepts per hour.
      hours: of speech.
      confidence: of the number of false accepts at the lowest threshold, 0..1.

    Raises:
      KwsError: the rate or the confidence is out of range, or the speech is too short.
    """
    if not per_hour > 0:
        raise KwsError(
            f"the wanted false accepts per hour must be above 0: none in a finite recording promises nothing. "
            f"Received: {per_hour:g}."
        )
    if not 0 < confidence < 1:
        raise KwsError(f"the confidence must be above 0 and below 1. Received: {confidence:g}.")
    if per_hour * hours < FEWEST_EVENTS:
        raise KwsError(
            f"{hours:.2f} hours of speech are too few for {per_hour:g} false accepts per hour: "
            f"{per_hour * hours:.2g} in all. Take {FEWEST_EVENTS / per_hour:.2g} hours or more."
        )


def choose_thresholds(hearing: Hearing | SpeechReplay, choice: Choice) -> DetectorConfig:
    """Chooses a detector for a wanted rate: timings as `kws_training.evaluate.thresholds.choose`, rates by their tail.

    Every keyword gets the threshold with the best recall less p times its expected false accepts per hour
    (`expected_rates`), p the same for all and the lowest with which the sum is at most the wanted rate.

    Raises:
      KwsError: the speech is too short to tell the rate.
    """
    wanted = wanted_rate(choice, hearing.hours)
    if choice.per_hour is None and wanted > DEFAULT_PER_HOUR:
        log.info(
            f"{hearing.hours:.2f} hours of speech are too few for {DEFAULT_PER_HOUR:g} false accepts per hour: "
            f"thresholds are chosen for {wanted:.2f}"
        )
    check_wanted(wanted, hearing.hours, choice.confidence)
    progress, rounds = Progress("choosing thresholds", choice_rounds(hearing.bundle)), itertools.count(1)
    detector = _choose(hearing, wanted, choice.confidence, lambda: progress.update(next(rounds)))
    labels = hearing.bundle.labels
    if never := [labels[row] for row in labels.keyword_rows if detector.threshold_q15[row] == NEVER_Q15]:
        log.info(f"no threshold is worth its false accepts: {', '.join(never)} will never be raised")
    return detector


def _choose(
    hearing: Hearing | SpeechReplay, wanted: float, confidence: float, round_done: Callable[[], None]
) -> DetectorConfig:
    def expected(swept: list[list[SpeechMetrics]]) -> np.ndarray:
        counts = np.array([[int(metrics.speakers.events.sum()) for metrics in one] for one in swept])
        return expected_rates(counts, THRESHOLDS_Q15, hearing.hours, confidence)

    def best_recall(like: DetectorConfig) -> float:
        swept = hearing.smoothed(like.smoothing_steps).sweep(THRESHOLDS_Q15, like)
        round_done()
        kept = expected([swept])[0] <= wanted
        return max(metrics.recall for metrics, keeps in zip(swept, kept, strict=True) if keeps)

    bundle = hearing.bundle
    like, rows = quickest(bundle, best_recall), bundle.labels.keyword_rows
    smoothed, swept = hearing.smoothed(like.smoothing_steps), []
    for row in rows:
        swept.append(smoothed.sweep(THRESHOLDS_Q15, like, row))
        round_done()
    rates, recalls = expected(swept), _recalls(swept, rows)
    thresholds = [NEVER_Q15] * len(bundle.labels)
    for price in PRICES:
        chosen = [best_row(recall, rate, price) for recall, rate in zip(recalls, rates, strict=True)]
        if sum(rate[at] for rate, at in zip(rates, chosen, strict=True)) > wanted:
            break
        for row, at in zip(rows, chosen, strict=True):
            thresholds[row] = THRESHOLDS_Q15[at]
    return with_thresholds(like, thresholds)


def _recalls(swept: list[list[SpeechMetrics]], rows: tuple[int, ...]) -> list[np.ndarray]:
    """Each keyword's recall with each threshold; that of one that nobody said is the others' mean."""
    known = [
        np.array([metrics.found[row] for metrics in one]) / one[0].spoken[row] if one[0].spoken[row] else None
        for one, row in zip(swept, rows, strict=True)
    ]
    said = [one for one in known if one is not None]
    mean = np.mean(said, axis=0) if said else np.linspace(1, 0, len(THRESHOLDS_Q15))
    return [mean if one is None else one for one in known]


def write_thresholds(job: SpeechJob, bundle: Bundle, detector: DetectorConfig, figures: dict[str, Any]) -> None:
    """Writes a chosen detector into the bundle, with the figures that say how it was chosen."""
    assert job.choice
    speech = figures["speech"]
    chosen = {
        "set": job.name,
        "wanted_per_hour": wanted_rate(job.choice, speech["hours"]),
        "confidence": job.choice.confidence,
        "recall": figures["clips"]["recall"],
        **{key: speech[key] for key in ("hours", "speakers", "false_accepts", "false_accepts_per_hour")},
    }
    write_detector(bundle, detector, chosen)
    log.info(f"detector settings written into {bundle.path}; generate its firmware again")
