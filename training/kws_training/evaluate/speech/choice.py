"""Thresholds chosen on speech and words of validation speakers, and written into a bundle."""

import logging
from typing import Any

from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.cli.progress import Progress

from kws_training.convert.detector_settings import write_detector
from kws_training.evaluate.speech.hearing import Hearing
from kws_training.evaluate.speech.job import DEFAULT_PER_HOUR, Choice, SpeechJob
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.thresholds import check_provable, choice_rounds, choose, provable_rate

log = logging.getLogger(__name__)


def wanted_rate(choice: Choice, hours: float) -> float:
    """False accepts per hour that a choice wants of so many hours of speech: if none is named, what they can prove."""
    if choice.per_hour is not None:
        return choice.per_hour
    return max(DEFAULT_PER_HOUR, provable_rate(hours, choice.confidence))


def choose_thresholds(hearing: Hearing | SpeechReplay, choice: Choice) -> DetectorConfig:
    """Chooses a detector for a wanted rate.

    Raises:
      KwsError: the speech is too short to prove the rate.
    """
    wanted = wanted_rate(choice, hearing.hours)
    if choice.per_hour is None and wanted > DEFAULT_PER_HOUR:
        log.info(
            f"{hearing.hours:.2f} hours of speech are too few for {DEFAULT_PER_HOUR:g} false accepts per hour with "
            f"{100 * choice.confidence:g} % confidence: thresholds are chosen for {wanted:.2f}"
        )
    check_provable(wanted, hearing.hours, choice.confidence)
    progress = Progress("choosing thresholds", choice_rounds(hearing.bundle)).update
    return choose(hearing, wanted, progress, choice.confidence)


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
