"""Detection in running speech: false accepts per hour with their interval, recall, curves, the worst moments."""

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from kws_reference.bundle import Bundle, DetectorConfig
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.system.files import replace

from kws_training.convert.detector_settings import common_thresholds, default_detector, with_releases
from kws_training.data.speech.corpus import SpeechRecording
from kws_training.evaluate.clip_sets import SetSource
from kws_training.evaluate.curves import DetCurves, curve_rounds, det_curves
from kws_training.evaluate.matching import TOLERANCE_S
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.scores import kept_or_streamed
from kws_training.evaluate.speech.clips import DEFAULT_PER_KEYWORD, keyword_clips
from kws_training.evaluate.speech.folders import SpeechFolder, speech_of
from kws_training.evaluate.speech.hearing import Hearing
from kws_training.evaluate.speech.moments import Moment, worst_moments, write_clips
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.speech.said import Known, WordTimes, heard_streams
from kws_training.evaluate.speech.speech_metrics import FEW_SPEAKERS
from kws_training.evaluate.speech.streams import SpeechStreams
from kws_training.evaluate.speech.table import speech_table
from kws_training.folder_lock import require_writable

log = logging.getLogger(__name__)

DEFAULT, MANIFEST, CHOSEN = "default", "manifest", "chosen"


@dataclasses.dataclass(frozen=True)
class Setting:
    """A detector to set beside the others: smoothing window in seconds, and one threshold for all keywords, 0..1."""

    smoothing_s: float
    threshold: float

    @property
    def name(self) -> str:
        """For tables and files."""
        return f"{self.smoothing_s:g} s, {self.threshold:g}"


@dataclasses.dataclass(frozen=True)
class SpeechJob:
    """An evaluation on running speech.

    Attributes:
      bundle: its folder.
      name: of the set, for titles and files.
      speech: folders of recordings, and which speakers of them.
      out: folder for the results.
      clips: keyword clips for recall, or None.
      per_keyword: at most so many of them for each keyword.
      settings: further detectors.
      scores: a folder that keeps scores, or None.
      moments: how many of the worst moments are listed.
      moment_clips: folder for their sound, or None.
    """

    bundle: Path
    name: str
    speech: tuple[SpeechFolder, ...]
    out: Path
    clips: SetSource | None = None
    per_keyword: int = DEFAULT_PER_KEYWORD
    settings: tuple[Setting, ...] = ()
    scores: Path | None = None
    moments: int = 100
    moment_clips: Path | None = None


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A detector, with what it hears behind its smoothing window."""

    speech: SpeechReplay
    clips: DetectorReplay | None
    detector: DetectorConfig


def evaluate_speech(job: SpeechJob) -> dict[str, Any]:
    """Does the job; writes ``detection_SET.json`` and ``det_SET.png``, and the worst moments' sound if wanted.

    Returns:
      The figures, as written.

    Raises:
      KwsError: the bundle has no keyword, a folder holds no speech, or a file cannot be read.
    """
    bundle = Bundle.load(job.bundle)
    if not bundle.labels.keywords:
        raise KwsError(f"{job.bundle} has no keyword to detect. Received: {', '.join(bundle.labels)}.")
    require_writable(job.out)
    recordings, times = speech_of(job.speech)
    streams = SpeechStreams(recordings)
    log.info(f"{job.name}: {streams.hours:.2f} hours of {len(recordings):,} recordings, {len(streams)} streams")
    speech = _speech(job, bundle, streams, times)
    clips = _clips(job, bundle)
    candidates = {
        name: _Candidate(
            speech.smoothed(detector.smoothing_steps), clips and clips.smoothed(detector.smoothing_steps), detector
        )
        for name, detector in _detectors(job, bundle).items()
    }
    job.out.mkdir(parents=True, exist_ok=True)
    result = _figures(job, recordings, speech, candidates)
    for line in speech_table(result, list(result["detectors"]), bundle.labels):
        log.info(line)
    worst = _worst(job, streams, times, candidates, result)
    result["worst"] = [moment.to_dict() for moment in worst]
    result["det"] = _curves(job, candidates, result).to_dict()
    replace(job.out / f"detection_{job.name}.json", (json.dumps(result) + "\n").encode())
    return result


def _kept(job: SpeechJob, bundle: Bundle, what: str) -> Path | None:
    """Where scores are kept: a file for each model."""
    return job.scores / f"{what}_{bundle.model_sha256[:12]}.npz" if job.scores else None


def _speech(job: SpeechJob, bundle: Bundle, streams: SpeechStreams, times: WordTimes) -> SpeechReplay:
    scores = kept_or_streamed(bundle, streams, _kept(job, bundle, job.name), "listening to speech")
    return SpeechReplay(bundle, heard_streams(streams.streams, times, bundle.labels), scores)


def _clips(job: SpeechJob, bundle: Bundle) -> DetectorReplay | None:
    if job.clips is None:
        return None
    clips = keyword_clips(job.clips, bundle.labels, job.per_keyword)
    scores = kept_or_streamed(bundle, clips, _kept(job, bundle, f"{job.name}-clips"), "listening to clips")
    return DetectorReplay(bundle, clips.pieces, scores)


def _detectors(job: SpeechJob, bundle: Bundle) -> dict[str, DetectorConfig]:
    """The kit's default, further ones as asked, the manifest's if it is another, the chosen one."""
    clock = bundle.clock
    default = default_detector(bundle.labels, clock)
    detectors = {DEFAULT: default}
    for setting in job.settings:
        thresholds = common_thresholds(bundle.labels, round(setting.threshold * 32768))
        detectors[setting.name] = with_releases(
            clock.smoothing_steps(setting.smoothing_s), default.refractory_steps, thresholds
        )
    if bundle.detector != default:
        detectors[MANIFEST] = bundle.detector
    return detectors


def _figures(
    job: SpeechJob, recordings: list[SpeechRecording], speech: SpeechReplay, candidates: dict[str, _Candidate]
) -> dict[str, Any]:
    """What the report says, but for the curves and the worst moments."""
    bundle = speech.bundle
    known = [known for heard in speech.heard for known in heard.known]
    result: dict[str, Any] = {
        "set": job.name,
        "model": bundle.name,
        "model_sha256": bundle.model_sha256,
        "recordings": len(recordings),
        "speakers": len(speech.speakers),
        "known": {kind.value: known.count(kind) for kind in Known if kind in known},
        "tolerance_ms": TOLERANCE_S * 1000,
        "detectors": {},
    }
    if len(speech.speakers) < FEW_SPEAKERS:
        result["few_speakers"] = True
        log.info(
            f"{len(speech.speakers)} speakers are few: intervals by resampling them are too narrow, other people may "
            "differ more"
        )
    for name, one in candidates.items():
        figures = {**one.detector.to_dict(), "speech": one.speech.measure(one.detector).to_dict(bundle.labels)}
        if one.clips:
            heard = one.clips.measure(one.detector).to_dict(bundle.labels)
            figures["clips"] = {
                "clips": heard["keywords"],
                "recall": heard["recall"],
                "wrong_or_repeated": heard["false_accepts"],
                "latency_ms": heard["latency_ms"],
                "labels": {
                    label: {"clips": one_label["keywords"], "recall": one_label["recall"]}
                    for label, one_label in heard["labels"].items()
                },
            }
        result["detectors"][name] = figures
    return result


def _worst(
    job: SpeechJob,
    streams: SpeechStreams,
    times: WordTimes,
    candidates: dict[str, _Candidate],
    result: dict[str, Any],
) -> list[Moment]:
    """The worst moments with the last detector; their sound is written."""
    name, last = list(candidates.items())[-1]
    result["worst_of"] = name
    worst = worst_moments(last.speech, last.detector, times, job.moments)
    if job.moment_clips:
        write_clips(worst, streams, job.moment_clips)
        log.info(f"{len(worst)} worst moments with {name} thresholds: {job.moment_clips}")
    return worst


def _curves(job: SpeechJob, candidates: dict[str, _Candidate], result: dict[str, Any]) -> DetCurves:
    """Curves of recall of clips, or of the keywords in the speech itself where no clips are given."""
    from kws_training.evaluate.pictures import det_curve

    heard = {
        name: (Hearing(one.speech, one.clips) if one.clips else one.speech, one.detector)
        for name, one in candidates.items()
    }
    last = candidates[list(candidates)[-1]].speech
    curves = det_curves(heard, Progress("DET curves", curve_rounds(last)).update)
    what = "clips" if job.clips else "speech"
    marks = {
        name: (each["speech"]["false_accepts_per_hour"], 1 - (each[what]["recall"] or 0.0))
        for name, each in result["detectors"].items()
    }
    title = (
        f"{last.bundle.name}, {job.name}: {last.hours:.2f} hours of speech, {len(last.speakers)} speakers; missed: "
        + ("keyword clips in silence" if job.clips else "keywords in the speech")
    )
    det_curve(curves, marks, last.hours, title, job.out / f"det_{job.name}.png", rates=(0.1, 100.0))
    return curves
