"""Detection in running speech: false accepts per hour with their interval, recall, curves, the worst moments."""

import json
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from kws_reference.bundle import NEVER_Q15, DetectorConfig
from kws_reference.cli.progress import Progress
from kws_reference.system.files import replace

from kws_training.convert.detector_settings import common_thresholds, default_detector, with_releases
from kws_training.evaluate.curves import DetCurves, curve_rounds, det_curves
from kws_training.evaluate.matching import TOLERANCE_S
from kws_training.evaluate.speech.choice import choose_thresholds, write_thresholds
from kws_training.evaluate.speech.disturbed import Disturbed, disturbed_figures
from kws_training.evaluate.speech.job import SpeechJob
from kws_training.evaluate.speech.listeners import Candidate, Folded, Listener, listeners
from kws_training.evaluate.speech.moments import worst_moments, write_clips
from kws_training.evaluate.speech.noise import Noise, near_silence, noise_figures, recorded_noise
from kws_training.evaluate.speech.said import Known
from kws_training.evaluate.speech.speech_metrics import FEW_SPEAKERS, SpeechMetrics
from kws_training.evaluate.speech.table import speech_table
from kws_training.folder_lock import require_writable

log = logging.getLogger(__name__)

DEFAULT, MANIFEST, CHOSEN = "default", "manifest", "chosen"


def evaluate_speech(job: SpeechJob) -> dict[str, Any]:
    """Does the job; writes ``detection_SET.json``, ``det_SET.png`` if recall is known, clips of the worst moments.

    Returns:
      The figures, as written.

    Raises:
      KwsError: see `listeners`; or the speech cannot tell the wanted rate.
    """
    require_writable(job.out)
    heard = listeners(job)
    candidates = {name: Candidate.of(heard, detectors) for name, detectors in _detectors(job, heard).items()}
    last = list(candidates)[-1]
    job.out.mkdir(parents=True, exist_ok=True)
    result = _head(job, heard)
    result["detectors"] = {name: _figures(one) for name, one in candidates.items()}
    for what, noise in _noise(job).items():
        _add_noise(result, what, noise, candidates)
    for name in job.disturbances:
        _add_disturbed(result, name, heard, candidates)
    for line in speech_table(result, heard[0].bundle.labels):
        log.info(line)
    result["worst_of"], result["worst"] = last, _worst(job, candidates[last])
    curves = _curves(job, candidates, result)
    result["det"] = curves and curves.to_dict()
    replace(job.out / f"detection_{job.name}.json", (json.dumps(result) + "\n").encode())
    if job.choice and job.choice.write:
        write_thresholds(job, heard[0].bundle, candidates[CHOSEN].detectors[0], result["detectors"][CHOSEN])
    return result


def _detectors(job: SpeechJob, heard: Sequence[Listener]) -> dict[str, list[DetectorConfig]]:
    """For each listener: the kit's default, further ones as asked, the manifest's if it is another, the chosen one."""
    bundle = heard[0].bundle
    default = default_detector(bundle.labels, bundle.clock)
    detectors = {DEFAULT: [default] * len(heard)}
    for setting in job.settings:
        steps = bundle.clock.smoothing_steps(setting.smoothing_s)
        thresholds = common_thresholds(bundle.labels, round(setting.threshold * NEVER_Q15))
        detectors[setting.name] = [with_releases(steps, default.refractory_steps, thresholds)] * len(heard)
    own = [one.bundle.detector for one in heard]
    if own != detectors[DEFAULT]:
        detectors[MANIFEST] = own
    if job.choice:
        detectors[CHOSEN] = [choose_thresholds(one.replay, job.choice) for one in heard]
    return detectors


def _head(job: SpeechJob, heard: Sequence[Listener]) -> dict[str, Any]:
    """What was heard, and by which models."""
    known = [known for one in heard for stream in one.speech.heard for known in stream.known]
    speakers = sum(len(one.speech.speakers) for one in heard)
    hours = sum(one.streams.hours for one in heard)
    log.info(f"{job.name}: {hours:.2f} hours of {speakers} speakers in {len(known):,} recordings")
    if speakers < FEW_SPEAKERS:
        log.info(
            f"{speakers} speakers are few: intervals by resampling them are too narrow, other people may differ more"
        )
    return {
        "set": job.name,
        "models": [
            {
                "name": one.bundle.name,
                "model_sha256": one.bundle.model_sha256,
                "speakers": list(one.speech.speakers),
                "hours": one.streams.hours,
            }
            for one in heard
        ],
        "hours": hours,
        "recordings": len(known),
        "speakers": speakers,
        "few_speakers": speakers < FEW_SPEAKERS,
        "known": {kind.value: known.count(kind) for kind in Known if kind in known},
        "tolerance_ms": TOLERANCE_S * 1000,
    }


def _figures(candidate: Candidate) -> dict[str, Any]:
    """What one detector hears in the speech, and of the clips."""
    labels = candidate.listeners[0].bundle.labels
    figures = {**candidate.detectors[0].to_dict(), "speech": candidate.speech.to_dict(labels)}
    if len(set(candidate.detectors)) > 1:
        figures["detector_of_each"] = [one.to_dict() for one in candidate.detectors]
    if not all(
        known is Known.WORDS for one in candidate.listeners for heard in one.speech.heard for known in heard.known
    ):
        del figures["speech"]["false_accepts_by_cause"]  # which nobody knows
    if candidate.clips:
        heard = [metrics.to_dict(labels) for metrics in candidate.clips]
        figures["clips"] = {
            "clips": heard[0]["keywords"],
            "recall": float(np.mean([one["recall"] for one in heard])),
            "wrong_or_repeated": sum(one["false_accepts"] for one in heard),
            "latency_ms": heard[0]["latency_ms"],
            "labels": {
                label: {
                    "clips": of_label["keywords"],
                    "recall": float(np.mean([one["labels"][label]["recall"] for one in heard]))
                    if of_label["keywords"]
                    else None,
                }
                for label, of_label in heard[0]["labels"].items()
            },
        }
    return figures


def _noise(job: SpeechJob) -> dict[str, Noise]:
    """Noise to listen to, by its name in the report."""
    found = {"noise": recorded_noise(job.noise)} if job.noise else {}
    return found | ({"near_silence": near_silence()} if job.near_silence else {})


def _add_noise(result: dict[str, Any], what: str, noise: Noise, candidates: dict[str, Candidate]) -> None:
    """Lets the first listener hear noise, and adds what each detector makes of it."""
    listener = next(iter(candidates.values())).listeners[0]
    replay = listener.listen(noise, noise.pieces, what)
    for name, one in candidates.items():
        result["detectors"][name][what] = noise_figures(noise, replay, one.detectors[0])


def _add_disturbed(
    result: dict[str, Any], name: str, heard: Sequence[Listener], candidates: dict[str, Candidate]
) -> None:
    """Lets all listeners hear their speech through a disturbance."""
    replays = [one.disturbed(Disturbed(one.streams, name), f"{result['set']}-{name}") for one in heard]
    for which, candidate in candidates.items():
        pairs = zip(replays, candidate.detectors, strict=True)
        metrics = SpeechMetrics.merged([one.smoothed(its.smoothing_steps).measure(its) for one, its in pairs])
        figures = result["detectors"][which]
        figures.setdefault("disturbed", {})[name] = disturbed_figures(
            metrics.to_dict(heard[0].bundle.labels), figures["speech"]
        )


def _worst(job: SpeechJob, candidate: Candidate) -> list[dict[str, Any]]:
    """The worst moments with a detector; their sound is written."""
    found = [
        (moment, listener)
        for listener, detector in zip(candidate.listeners, candidate.detectors, strict=True)
        for moment in worst_moments(listener.speech, detector, listener.times, job.moments)
    ]
    found.sort(key=lambda pair: (-pair[0].score, pair[0].recording, pair[0].seconds))
    found = found[: job.moments]
    if job.moment_clips:
        write_clips([(moment, listener.streams) for moment, listener in found], job.moment_clips)
        log.info(f"{len(found)} worst moments: {job.moment_clips}")
    return [moment.to_dict() for moment, _ in found]


def _curves(job: SpeechJob, candidates: dict[str, Candidate], result: dict[str, Any]) -> DetCurves | None:
    """Curves by recall of clips, or of the keywords in the speech where no clips are given; None without both."""
    from kws_training.evaluate.pictures import det_curve

    # Folds may have been given other detectors by their manifests: a curve is of one, the first's.
    heard = {
        name: (
            Folded(tuple(one.smoothed(each.detectors[0].smoothing_steps).replay for one in each.listeners)),
            each.detectors[0],
        )
        for name, each in candidates.items()
    }
    first = next(iter(heard.values()))[0]
    if not first.spoken.any():
        log.info("no DET curve: recall needs keyword clips (--test, --validation) or times of words in the speech")
        return None
    curves = det_curves(heard, Progress("DET curves", curve_rounds(first)).update)
    what = "clips" if job.clips else "speech"
    marks = {
        name: (each["speech"]["false_accepts_per_hour"], 1 - (each[what]["recall"] or 0.0))
        for name, each in result["detectors"].items()
        if name in (DEFAULT, MANIFEST, CHOSEN)
    }
    hours = next(iter(candidates.values())).speech.hours
    title = f"{first.bundle.name}, {job.name}: {hours:.2f} hours of speech, {result['speakers']} speakers; missed: " + (
        "keyword clips in silence" if job.clips else "keywords in the speech"
    )
    det_curve(curves, marks, hours, title, job.out / f"det_{job.name}.png", rates=(0.1, 100.0))
    return curves
