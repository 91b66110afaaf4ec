"""Top-1 accuracy on a set of clips: float batch, float and int8 streaming; confusion matrices as PNG and JSON."""

import dataclasses
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.kinds import AnyFrontendConfig, require_mel_bands
from kws_reference.labels import LabelSet
from kws_reference.system.files import replace

from kws_training.data.int8_features import int8_features
from kws_training.evaluate.accuracy import Outcome, float_batch, float_streaming, int8_streaming
from kws_training.evaluate.clip_sets import SetSource, labelled_clips
from kws_training.folder_lock import require_writable

log = logging.getLogger(__name__)

# Of the largest score: float32 sums in another order, after folding the batch norm. Random models of every architecture
# differ by up to 7e-7 of it; a frame that is missed or heard twice, by more than 1e-3.
STREAM_TOLERANCE = 2e-5


@dataclasses.dataclass(frozen=True)
class EvaluatedModel:
    """What hears the clips: a bundle, a trained float model, or both of the same labels and front end.

    Attributes:
      name: of the bundle or the run, for titles.
      labels: in the order of the scores.
      frontend: with the normalisation filled in.
      bundle: the int8 model, or None.
      settings: of the run, or None.
      model: the trained Keras model, or None.
    """

    name: str
    labels: LabelSet
    frontend: AnyFrontendConfig
    bundle: Bundle | None = None
    settings: dict[str, Any] | None = None
    model: Any = None

    @classmethod
    def load(cls, bundle_folder: Path | None, run_folder: Path | None) -> "EvaluatedModel":
        """Reads a bundle, a run, or both.

        Raises:
          KwsError: none is given, one cannot be read, or the two do not belong together.
        """
        if bundle_folder is None and run_folder is None:
            raise KwsError("nothing to evaluate. Give a bundle, or a run by --run, or both.")
        bundle = Bundle.load(bundle_folder) if bundle_folder else None
        if run_folder is None:
            return cls(bundle.name, bundle.labels, bundle.frontend, bundle)
        from kws_training.train.trained_run import load_float_run

        settings, model = load_float_run(run_folder)
        labels, frontend = LabelSet(settings["labels"]), settings["frontend"]
        if bundle and frontend != bundle.frontend.to_dict():
            raise KwsError(
                f"{run_folder} was trained with another front end than {bundle_folder} has. Give its own run."
            )
        if bundle and bundle.labels != labels:
            raise KwsError(
                f"{run_folder} was trained for {', '.join(labels)}; {bundle_folder} has {', '.join(bundle.labels)}. "
                "Give its own run."
            )
        name = bundle.name if bundle else run_folder.name
        return cls(name, labels, FrontendConfig.from_dict(frontend), bundle, settings, model)

    @property
    def clip_samples(self) -> int:
        """Samples of a clip: what a model of a fixed number of frames takes, else a second."""
        # A subclassed model has no such attribute: it takes what it is given.
        frames = getattr(self.model, "input_shape", (None, None))[1]
        return self.frontend.sample_rate_hz if frames is None else self.frontend.clock(1).samples_for(frames)


@dataclasses.dataclass(frozen=True)
class ClipJob:
    """An evaluation on clips.

    Attributes:
      evaluated: what hears them.
      source: where they lie.
      out: folder for the results.
      without: subfolders of a test folder to leave out.
      limit: take this many clips, drawn by seed 0; None: all.
    """

    evaluated: EvaluatedModel
    source: SetSource
    out: Path
    without: frozenset[str] = frozenset()
    limit: int | None = None


def evaluate_clips(job: ClipJob) -> dict[str, Any]:
    """Does the job; writes ``evaluation_SET.json`` and ``confusion_SET_KIND.png``.

    Returns:
      The figures, as written; `streams_as_batch` judges them.

    Raises:
      KwsError: see `labelled_clips`; or a clip is shorter than a step.
    """
    evaluated, name = job.evaluated, job.source.name
    require_writable(job.out)
    rate_hz = evaluated.frontend.sample_rate_hz
    clips = labelled_clips(job.source, evaluated.labels, rate_hz, evaluated.clip_samples, job.without, job.limit)
    log.info(f"{name}: {len(clips)} clips of {clips.pcm.shape[1] / rate_hz:g} s, {rate_hz} Hz")
    _check_step(evaluated, clips.pcm.shape[1])
    result: dict[str, Any] = {"set": name, "clips": len(clips), "labels": list(evaluated.labels)}
    outcomes = _outcomes(evaluated, clips.pcm, clips.truth, result)
    job.out.mkdir(parents=True, exist_ok=True)
    _report(job, outcomes, result)
    replace(job.out / f"evaluation_{name}.json", (json.dumps(result) + "\n").encode())
    return result


def _check_step(evaluated: EvaluatedModel, samples: int) -> None:
    if evaluated.bundle and not evaluated.bundle.clock.steps_in(samples):
        raise KwsError(
            f"{evaluated.bundle.path} takes {evaluated.bundle.frames_per_step} frames a step, a clip has "
            f"{evaluated.bundle.clock.frames_in(samples)}: no step would be computed. Use kws-train evaluate-stream."
        )


def _outcomes(
    evaluated: EvaluatedModel, pcm: np.ndarray, truth: np.ndarray, result: dict[str, Any]
) -> dict[str, Outcome]:
    """Classifies the clips in every way that it can be; notes in the result what is no accuracy."""
    outcomes: dict[str, Outcome] = {}
    features = int8_features(evaluated.frontend, pcm, Progress("features", len(pcm)).update)
    if evaluated.model:
        result["architecture"] = evaluated.settings["architecture"]
        outcomes |= _float_outcomes(evaluated, features, truth, result)
    if evaluated.bundle:
        result["model_sha256"] = evaluated.bundle.model_sha256
        zero_point = evaluated.bundle.features.zero_point
        if zero_point:
            features = int8_features(evaluated.frontend, pcm, Progress("features", len(pcm)).update, zero_point)
        progress = Progress("int8 streaming", len(pcm)).update
        outcomes["int8_streaming"] = int8_streaming(evaluated.bundle, features, truth, progress)
    return outcomes


def _float_outcomes(
    evaluated: EvaluatedModel, features: np.ndarray, truth: np.ndarray, result: dict[str, Any]
) -> dict[str, Outcome]:
    from kws_training.streaming import CannotStream, to_streaming

    scale = 1.0 / require_mel_bands(evaluated.frontend, "a trained run").feature_steps_per_std
    batch = float_batch(evaluated.model, features, truth, scale)
    try:
        streaming = to_streaming(evaluated.model, evaluated.settings["frames_per_step"])
    except CannotStream as reason:
        log.info(f"batch only: {reason}")
        result["batch_only"] = str(reason)
        return {"float_batch": batch}
    progress = Progress("float streaming", len(truth)).update
    streamed = float_streaming(streaming, features, truth, scale, progress)
    compare(batch.scores, streamed.scores, result)
    return {"float_batch": batch, "float_streaming": streamed}


def compare(batch: np.ndarray, streaming: np.ndarray, result: dict[str, Any]) -> None:
    """Says how far the scores of float batch and float streaming are from each other and notes it in the result."""
    result["float_streaming_max_difference"] = float(np.abs(batch - streaming).max())
    result["largest_float_score"] = float(np.abs(batch).max())
    difference, largest = result["float_streaming_max_difference"], result["largest_float_score"]
    log.info(
        f"float streaming differs from float batch by at most {difference:.1e}, {_share(result):.1e} of the largest "
        f"score ({largest:.3g}): "
        + (f"rounding (up to {STREAM_TOLERANCE:g})" if streams_as_batch(result) else f"above {STREAM_TOLERANCE:g}")
    )


def streams_as_batch(result: dict[str, Any]) -> bool:
    """Whether float streaming differs from float batch by no more than rounding; True where it was not computed."""
    return "largest_float_score" not in result or _share(result) <= STREAM_TOLERANCE  # not so for a NaN


def _share(result: dict[str, Any]) -> float:
    difference, largest = result["float_streaming_max_difference"], result["largest_float_score"]
    return difference / largest if largest else difference


def _report(job: ClipJob, outcomes: dict[str, Outcome], result: dict[str, Any]) -> None:
    """Adds accuracies and confusion matrices to the result, draws them and tells them."""
    from kws_training.evaluate.pictures import confusion

    evaluated, name = job.evaluated, job.source.name
    for kind, outcome in outcomes.items():
        matrix, text = outcome.confusion(), kind.replace("_", " ")
        result[kind] = {"accuracy": outcome.accuracy, "confusion": matrix.tolist()}
        title = f"{evaluated.name}, {name}, {text}: {100 * outcome.accuracy:.2f} % of {len(outcome.truth)}"
        confusion(matrix, evaluated.labels, title, job.out / f"confusion_{name}_{kind}.png")
        log.info(f"{kind:16} {100 * outcome.accuracy:6.2f} %")
    log.info(f"{text} by label: {by_label(matrix, evaluated.labels)}")


def by_label(confusion: np.ndarray, labels: Sequence[str]) -> str:
    """Per cent of each label's clips that were recognised, - where there are none. Args: confusion: counts."""
    rows = zip(labels, np.diag(confusion), confusion.sum(1), strict=True)
    return "  ".join(f"{label} {100 * right / clips:.1f}" if clips else f"{label} -" for label, right, clips in rows)
