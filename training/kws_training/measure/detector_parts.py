"""What does each part of the detector buy? Recall and latency at equal rates of false accepts, with it and without.

    python -m kws_training.measure.detector_parts BUNDLE --speech SPEECH --validation data/speech_commands_v0.02

Hears the validation speakers of a folder of speech and the validation clips of the keywords, with half a second of
silence around, and prints a table (Markdown): for each of the detectors that thresholds are chosen of
(`kws_training.evaluate.thresholds`), the recall at the lowest threshold, one for all keywords, that keeps each rate,
and the median latency from the word's end. ``--scores FOLDER`` keeps what the network answered.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.cli.progress import Progress

from kws_training.evaluate.clip_sets import SetSource
from kws_training.evaluate.curves import det_thresholds, timing_text
from kws_training.evaluate.metrics import DetectionMetrics
from kws_training.evaluate.speech.folders import SpeechFolder
from kws_training.evaluate.speech.hearing import Hearing
from kws_training.evaluate.speech.job import SpeechJob
from kws_training.evaluate.speech.listeners import listeners
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.thresholds import timings

RATES_PER_HOUR = (0.5, 2.0, 10.0)


def table(replay: Hearing | SpeechReplay, rates_per_hour: Sequence[float] = RATES_PER_HOUR) -> Iterator[str]:
    """Lines of the table, one at a time.

    Args:
      replay: speech, with clips for recall.
      rates_per_hour: false accepts per hour that are compared at; at less than one in the whole speech none is allowed.
    """
    yield "| Detector | " + " | ".join(f"at {rate:g} per hour" for rate in rates_per_hour) + " |"
    yield "|---|" + "--:|" * len(rates_per_hour)
    for like in timings(replay.bundle):
        smoothed = replay.smoothed(like.smoothing_steps)
        swept = smoothed.sweep(det_thresholds(), like)
        cells = [cell(best_within(swept, rate)) for rate in rates_per_hour]
        yield f"| {timing_text(smoothed, like)} | " + " | ".join(cells) + " |"


def best_within(swept: Sequence[DetectionMetrics], rate: float) -> DetectionMetrics | None:
    """Metrics of the last threshold, from the highest down, before a rate is exceeded; None: the first exceeds it."""
    over = [metrics.false_accepts_per_hour > rate for metrics in swept]
    kept = over.index(True) if True in over else len(swept)
    return swept[kept - 1] if kept else None


def cell(metrics: DetectionMetrics | None) -> str:
    """Recall, and the median latency in milliseconds."""
    if metrics is None or not len(metrics.latency_s):
        return "-"
    return f"{100 * metrics.recall:.1f} %, {1000 * np.median(metrics.latency_s):.0f} ms"


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="folder of the model")
    parser.add_argument(
        "--speech", type=Path, required=True, help="folder of recordings; its validation speakers are heard"
    )
    parser.add_argument("--validation", type=Path, required=True, help="folder of keyword clips in the official layout")
    parser.add_argument("--scores", type=Path, help="folder that keeps scores")
    options = parser.parse_args(argv)
    set_up(0, "kws_training")

    def work() -> int:
        job = SpeechJob(
            (options.bundle,),
            "validation-speech",
            (SpeechFolder(options.speech, "validation"),),
            Path(),
            SetSource("validation", validation=options.validation),
            scores=options.scores,
        )
        (listener,) = listeners(job)
        progress = Progress("detectors", len(timings(listener.bundle)))
        for row, line in enumerate(table(listener.replay)):
            print(line, flush=True)
            progress.update(max(row - 1, 0))
        return 0

    return status_of(work)


if __name__ == "__main__":
    sys.exit(main())
