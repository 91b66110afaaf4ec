"""Does the job of ``kws-train export``: a run's best weights as a bundle, or as a ``.tflite`` of dynamic range."""

import dataclasses
import importlib.metadata
import logging
import platform
from pathlib import Path
from typing import Any

import keras
from kws_reference import limits
from kws_reference.bundle import MODEL_FILE, Bundle, is_bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import LabelSet
from kws_reference.network.oracle import try_model
from kws_reference.system.files import replace

from kws_training.convert import integer
from kws_training.convert.converted_model import ConvertedModel
from kws_training.convert.float import dynamic_tflite
from kws_training.convert.float_operators import named
from kws_training.convert.job import PTQ, ExportJob
from kws_training.convert.manifest import manifest
from kws_training.data.clips import ClipSpec
from kws_training.data.load_clips import load_clips
from kws_training.models import architecture
from kws_training.quantize import start
from kws_training.quantize.calibration import Calibration, calibration
from kws_training.quantize.precision import Precision
from kws_training.streaming import StreamingModel, to_streaming
from kws_training.train.run_files import best_epoch
from kws_training.train.trained_run import load_run

log = logging.getLogger(__name__)

_TOOLS = ("tensorflow", "keras", "numpy")


@dataclasses.dataclass(frozen=True)
class _Run:
    """A trained run that can be exported: its folder, settings, model, and the streaming form of that."""

    path: Path
    settings: dict[str, Any]
    model: keras.Model
    streaming: StreamingModel

    @property
    def is_quantized(self) -> bool:
        return "precision" in self.settings

    @property
    def frontend(self) -> FrontendConfig:
        return FrontendConfig.from_dict(self.settings["frontend"])

    @property
    def feature_scale(self) -> float:
        """Real value of one int8 feature step."""
        return 1.0 / self.frontend.feature_steps_per_std


def export(job: ExportJob) -> Bundle:
    """Converts a run and writes its bundle; the log says what of it no firmware can carry.

    Raises:
      KwsError: the run does not stream, or not causally; it cannot be converted as asked; or the bundle cannot be
        written.
    """
    run = _run(job)
    best = best_epoch(job.run)
    if run.is_quantized:
        converted = integer.convert_quantized(run.model, run.streaming, run.feature_scale)
        drawn = run.settings["calibration"]
    else:
        converted, drawn = _quantized(job, run)
    if converted.float_operators:
        log.info(f"not a full-integer model: {named(converted.float_operators)}; kws-codegen refuses it")
    try_model(converted.data, 1 + len(converted.states))
    kind = "validation_quantized_batch" if run.is_quantized else "validation_float_batch"
    values = manifest(
        job.name or job.out.name,
        run.settings["labels"],
        run.frontend,
        run.streaming.frames_per_step,
        converted,
        accuracy={kind: {"accuracy": best["val_accuracy"], "clips": run.settings["validation_clips"]}},
        provenance=_provenance(job, run, best, drawn),
        tools={"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in _TOOLS}},
    )
    bundle = write_bundle(job.out, converted.data, values)
    log.info(
        f"{bundle.path}: {len(bundle.model)} bytes, {len(bundle.states)} states, SHA-256 {bundle.model_sha256[:12]}..."
    )
    for fault in limits.faults(bundle):
        log.warning(f"no firmware can carry this bundle: {fault}")
    return bundle


def export_dynamic(job: ExportJob) -> tuple[Path, int]:
    """Writes the ``.tflite`` of int8 weights and float activations of a run.

    Returns:
      Its path, and its bytes.

    Raises:
      KwsError: the run does not stream, or not causally; the folder holds a bundle, or cannot be written.
    """
    data = dynamic_tflite(_run(job).streaming)
    path = job.out / MODEL_FILE
    if is_bundle(job.out):
        raise KwsError(
            f"{job.out} holds a bundle, to which a {MODEL_FILE} of floats cannot belong. Choose another --out."
        )
    try:
        job.out.mkdir(parents=True, exist_ok=True)
        replace(path, data)
    except OSError as error:
        raise KwsError(f"cannot write to {job.out}: {error.strerror}. Choose another --out.") from None
    log.info(f"{path}: {len(data)} bytes; it takes and gives floats: the firmware cannot run it")
    return path, len(data)


def _run(job: ExportJob) -> _Run:
    """Loads the run; refuses one of another precision than the one asked for, and one that looks ahead."""
    settings, model = load_run(job.run)
    run = _Run(job.run, settings, model, to_streaming(model, settings["frames_per_step"]))
    if run.is_quantized and job.precision_name not in (None, settings["precision"]["name"]):
        raise KwsError(
            f"{job.run} was trained as {settings['precision']['name']}. Leave out --precision, or export its float run."
        )
    if run.streaming.needs_valid:
        raise KwsError(
            f"{job.run} holds a model that looks {run.streaming.delay_frames} frames ahead: it streams here, but a "
            "bundle for the firmware must be causal. Train a causal model."
        )
    return run


def _quantized(job: ExportJob, run: _Run) -> tuple[ConvertedModel, dict[str, Any]]:
    """Quantizes a float run with the ranges of training clips; returns the record of these, too."""
    if not isinstance(job.precision, Precision):
        drawn = _calibration(job, run)
        scale, allow_float = run.feature_scale, job.allow_float
        return integer.convert(run.streaming, drawn.features, scale, allow_float=allow_float), drawn.record
    start.check(run.settings, run.path)
    config = architecture(run.settings["architecture"], run.path).config_from_dict(run.settings["model"])
    drawn = _calibration(job, run)
    quantized = start.quantized(config, job.precision, run.frontend, run.model, drawn)
    streaming = to_streaming(quantized, run.streaming.frames_per_step)
    return integer.convert_quantized(quantized, streaming, run.feature_scale), drawn.record


def _calibration(job: ExportJob, run: _Run) -> Calibration:
    if job.data is None:
        raise KwsError("a float run is quantized with the ranges of training clips. Give --data.")
    words = LabelSet(run.settings["labels"]).keywords
    clips = load_clips(ClipSpec(job.data, "training", job.extra, words))
    drawn = calibration(clips, run.frontend, run.settings["seed"], job.calibration_clips)
    log.info(f"quantizing with the ranges of {len(drawn.features)} training clips")
    return drawn


def _provenance(job: ExportJob, run: _Run, best: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says about where the model comes from."""
    settings = run.settings
    provenance = {
        "recordings": job.note,
        "recipe": settings["recipe"],
        "seed": settings["seed"],
        "epoch": best["epoch"],
        "training_clips": settings["training_clips"],
        "calibration": drawn,
        "precision": _precision(job, run),
        "settings": {"model": settings["model"]},
    }
    if "scenes" in settings:
        provenance["speech_speakers"] = settings["scenes"].get("speech_speakers", {}).get("training", [])
    return provenance | ({"started_from": settings["started_from"]} if "started_from" in settings else {})


def _precision(job: ExportJob, run: _Run) -> dict[str, Any]:
    """What the manifest says about how the weights became integers."""
    if run.is_quantized:
        return {**run.settings["precision"], "trained": True}
    if isinstance(job.precision, Precision):
        return {**job.precision.to_dict(), "trained": False}
    return {"name": PTQ, "trained": False}
