"""Thresholds chosen on speech and words of validation speakers, and written into a bundle."""

import logging
from typing import Any

from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.cli.progress import Progress

from kws_training.convert.detector_settings import write_detector
from kws_training.evaluate.speech.hearing import Hearing
from kws_training.evaluate.speech.job import Choice, SpeechJob
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.thresholds import check_provable, choice_rounds, choose

log = logging.getLogger(__name__)


def choose_thresholds(hearing: Hearing | SpeechReplay, choice: Choice) -> DetectorConfig:
    """Chooses a detector for a wanted rate.

    Raises:
      KwsError: the speech is too short to prove the rate.
    """
    check_provable(choice.per_hour, hearing.hours, choice.confidence)
    progress = Progress("choosing thresholds", choice_rounds(hearing.bundle)).update
    return choose(hearing, choice.per_hour, progress, choice.confidence)


def write_thresholds(job: SpeechJob, bundle: Bundle, detector: DetectorConfig, figures: dict[str, Any]) -> None:
    """Writes a chosen detector into the bundle, with the figures that say how it was chosen."""
    assert job.choice
    speech = figures["speech"]
    chosen = {
        "set": job.name,
        "wanted_per_hour": job.choice.per_hour,
        "confidence": job.choice.confidence,
        "recall": figures["clips"]["recall"],
        **{key: speech[key] for key in ("hours", "speakers", "false_accepts", "false_accepts_per_hour")},
    }
    write_detector(bundle, detector, chosen)
    log.info(f"detector settings written into {bundle.path}; generate its firmware again")
