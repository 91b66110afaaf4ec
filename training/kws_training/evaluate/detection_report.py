"""Detection on long recordings: metrics of each detector, DET curve, timeline, chosen thresholds."""

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.labels import UNKNOWN
from kws_reference.system.files import replace

from kws_training.convert.detector_settings import default_detector, write_detector
from kws_training.data.clips import SAMPLE_RATE_HZ, ClipSet
from kws_training.data.long_recordings import LongRecordings
from kws_training.data.recording_plan import RecordingSpec
from kws_training.data.validation_mix import SOURCES, source, validation_mix
from kws_training.evaluate.clip_sets import SetSource, clips_with_noise, extra_clips
from kws_training.evaluate.curves import DetCurves, curve_rounds, det_curves, timing_text
from kws_training.evaluate.detection_table import detection_table
from kws_training.evaluate.matching import TOLERANCE_S, Cause
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.scores import kept_or_streamed
from kws_training.evaluate.thresholds import check_rate, choice_rounds, choose
from kws_training.evaluate.timeline import telling_stretch, timeline
from kws_training.folder_lock import require_writable

log = logging.getLogger(__name__)

DEFAULT, MANIFEST, CHOSEN = "default", "manifest", "chosen"


@dataclasses.dataclass(frozen=True)
class DetectionJob:
    """An evaluation on long recordings.

    Attributes:
      bundle: its folder.
      source: where the clips lie that the recordings are assembled from.
      out: folder for the results.
      recordings: length, seed and how they are assembled.
      noise: folder with ``_background_noise_``; None: that of the validation split.
      scores: a ``.npz`` that keeps the scores, or None.
      wanted_per_hour: false accepts per hour that thresholds are chosen for; None: none are chosen.
      extra: folder of further clips to choose by, or None.
      write_thresholds: whether the chosen ones are written into the bundle.
    """

    bundle: Path
    source: SetSource
    out: Path
    recordings: RecordingSpec
    noise: Path | None = None
    scores: Path | None = None
    wanted_per_hour: float | None = None
    extra: Path | None = None
    write_thresholds: bool = False


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A detector and the replay with its smoothing window."""

    replay: DetectorReplay
    detector: DetectorConfig


def evaluate_detection(job: DetectionJob) -> dict[str, Any]:
    """Does the job; writes ``detection_SET.json``, ``det_SET.png`` and ``timeline_SET.png``.

    Returns:
      The figures, as written.

    Raises:
      KwsError: the bundle has no keyword, there are no clips, or the scores are of something else.
    """
    bundle = Bundle.load(job.bundle)
    require_writable(job.out)
    recordings = _recordings(job, bundle)
    job.out.mkdir(parents=True, exist_ok=True)
    replay = DetectorReplay(bundle, recordings.pieces, kept_or_streamed(bundle, recordings, job.scores))
    candidates = {
        name: _Candidate(replay.smoothed(detector.smoothing_steps), detector)
        for name, detector in _detectors(job, replay).items()
    }
    result = _figures(job, recordings, candidates)
    for line in detection_table(result, list(candidates), bundle.clock.step_ms, bundle.labels):
        log.info(line)
    curves = det_curves(
        {name: (one.replay, one.detector) for name, one in candidates.items()},
        Progress("DET curves", curve_rounds(replay)).update,
    )
    result["det"] = curves.to_dict()
    _draw(job, recordings, candidates, result, curves)
    replace(job.out / f"detection_{job.source.name}.json", (json.dumps(result) + "\n").encode())
    if job.write_thresholds:
        _write_thresholds(job, bundle, candidates[CHOSEN].detector, result[CHOSEN])
    return result


def _recordings(job: DetectionJob, bundle: Bundle) -> LongRecordings:
    """What is heard; its clips are drawn by weights where thresholds are chosen."""
    keywords = bundle.labels.keywords
    if not keywords:
        raise KwsError(f"{job.bundle} has no keyword to detect. Received: {', '.join(bundle.labels)}.")
    rate_hz = bundle.frontend.sample_rate_hz
    if rate_hz != SAMPLE_RATE_HZ:
        log.info(f"the recordings of {SAMPLE_RATE_HZ} Hz are converted to the model's {rate_hz} Hz")
    clips, weights = clips_with_noise(job.source, keywords, job.noise), None
    if job.wanted_per_hour is not None:
        clips, weights = validation_mix(clips, extra_clips(job.extra, keywords) if job.extra else None)
    recordings = LongRecordings(clips, job.recordings, weights)
    log.info(f"{job.source.name}: {recordings.hours:g} hours in {len(recordings)} pieces, {len(clips)} clips")
    return recordings


def _detectors(job: DetectionJob, replay: DetectorReplay) -> dict[str, DetectorConfig]:
    """The detectors to set side by side: the kit's default, the manifest's if it is another, the chosen one."""
    bundle = replay.bundle
    detectors = {DEFAULT: default_detector(bundle.labels, bundle.clock)}
    if bundle.detector != detectors[DEFAULT]:
        detectors[MANIFEST] = bundle.detector
    if job.wanted_per_hour is not None:
        check_rate(job.wanted_per_hour, replay.hours)
        progress = Progress("choosing thresholds", choice_rounds(bundle)).update
        detectors[CHOSEN] = choose(replay, job.wanted_per_hour, progress)
    return detectors


def _figures(job: DetectionJob, recordings: LongRecordings, candidates: dict[str, _Candidate]) -> dict[str, Any]:
    """What the report says, but for the curves."""
    bundle = candidates[DEFAULT].replay.bundle
    result: dict[str, Any] = {
        "set": job.source.name,
        "model_sha256": bundle.model_sha256,
        "recordings": {**dataclasses.asdict(recordings.spec), "clips": len(recordings.clips)},
        "tolerance_ms": TOLERANCE_S * 1000,
    }
    for name, one in candidates.items():
        result[name] = {
            **one.detector.to_dict(),
            **one.replay.measure(one.detector).to_dict(bundle.labels),
            "unknown_words": unknown_words(one.replay, one.detector, recordings.clips),
        }
    return result


def unknown_words(replay: DetectorReplay, detector: DetectorConfig, clips: ClipSet) -> dict[str, dict[str, int]]:
    """For each source of unknown words, how many were heard, of how many clips, and how many raised a keyword."""
    counts = {name: {"spoken": 0, "clips": 0, "raised": 0} for name in SOURCES}
    spoken = [word for piece in replay.pieces for word in piece.words if word.label == UNKNOWN]
    for word in spoken:
        counts[source(clips.names[word.clip])]["spoken"] += 1
    for clip in {word.clip for word in spoken}:
        counts[source(clips.names[clip])]["clips"] += 1
    for index in range(len(replay.pieces)):
        raised = {
            event.match.word.clip_start: event.match.word
            for event in replay.detections(index, detector)
            if event.match.cause is Cause.UNKNOWN_WORD
        }
        for word in raised.values():
            counts[source(clips.names[word.clip])]["raised"] += 1
    return {name: count for name, count in counts.items() if count["spoken"]}


def _draw(
    job: DetectionJob,
    recordings: LongRecordings,
    candidates: dict[str, _Candidate],
    result: dict[str, Any],
    curves: DetCurves,
) -> None:
    """Draws the DET curve, and a timeline with the last detector."""
    from kws_training.evaluate.pictures import det_curve
    from kws_training.evaluate.timeline_picture import draw_timeline

    (name, last), bundle = list(candidates.items())[-1], candidates[DEFAULT].replay.bundle
    marks = {each: (result[each]["false_accepts_per_hour"], 1 - result[each]["recall"]) for each in candidates}
    title = f"{bundle.name}, {job.source.name}: {recordings.hours:g} hours of words, noise and silence, int8 streaming"
    det_curve(curves, marks, recordings.hours, title, job.out / f"det_{job.source.name}.png")
    stretch = telling_stretch(last.replay, last.detector)
    draw_timeline(
        timeline(recordings, last.replay, last.detector, stretch),
        f"{bundle.name}, piece {stretch.piece} from {stretch.start / SAMPLE_RATE_HZ:g} s, {name} thresholds, "
        + timing_text(last.replay, last.detector),
        job.out / f"timeline_{job.source.name}.png",
    )


def _write_thresholds(job: DetectionJob, bundle: Bundle, detector: DetectorConfig, figures: dict[str, Any]) -> None:
    """Writes the chosen detector into the bundle, with the figures that say how it was chosen."""
    chosen = {
        "set": job.source.name,
        "seed": job.recordings.seed,
        "wanted_per_hour": job.wanted_per_hour,
        **{key: figures[key] for key in ("hours", "recall", "false_accepts_per_hour")},
    }
    write_detector(bundle, detector, chosen)
    log.info(f"detector settings written into {job.bundle}; generate its firmware again")
