"""``kws-train export``: a run's best weights as an int8 streaming bundle, or as a ``.tflite`` of dynamic range."""

import argparse
import importlib.metadata
import json
import logging
import platform
from pathlib import Path
from typing import Any

from kws_reference import limits
from kws_reference.bundle import MODEL_FILE, is_bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import label_set
from kws_reference.network.oracle import try_model
from kws_reference.system.files import replace
from kws_reference.system.folder_lock import require_writable

from kws_training.commands.clip_options import CALIBRATION_CLIPS, add_extra, check_extra, extra_folders
from kws_training.data.speech_commands import ClipSpec, load_clips
from kws_training.quantize.precision import PRECISIONS, precision

log = logging.getLogger(__name__)

PTQ, DYNAMIC = "ptq", "dynamic"


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("export", help="write the bundle (model.tflite, model.json) of a run")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="run folder of kws-train fit")
    parser.add_argument("--data", type=Path, help="the recordings it was trained on, for calibration")
    add_extra(parser)
    parser.add_argument("--out", type=Path, required=True, help="bundle folder")
    parser.add_argument("--name", help="name of the model (default: name of the bundle folder)")
    parser.add_argument("--note", default="", help="provenance: which recordings, in words")
    parser.add_argument(
        "--calibration-clips",
        type=int,
        default=CALIBRATION_CLIPS,
        metavar="N",
        help="training clips that give the ranges of a float run, drawn by its seed (default %(default)s)",
    )
    parser.add_argument(
        "--precision",
        metavar="NAME",
        help=f"of a float run: {PTQ} (int8 after training, the default), {DYNAMIC} (int8 weights, float activations: a "
        f".tflite that no firmware runs), or without training {', '.join(PRECISIONS)}; a quantized run has its own",
    )
    parser.add_argument(
        "--allow-float",
        action="store_true",
        help="write the bundle though the converter leaves operators in float (ELU, LayerNormalization): it can be "
        "evaluated, but kws-codegen refuses it; the manifest names the operators",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Converts and writes the bundle."""
    check_extra(args)
    from kws_training.convert import export
    from kws_training.convert.manifest import manifest
    from kws_training.convert.tflite_file import named
    from kws_training.quantize import start
    from kws_training.train.run_folder import best_epoch

    if args.calibration_clips < 1:
        raise KwsError(f"--calibration-clips must be at least 1. Received: {args.calibration_clips}.")
    require_writable(args.out)
    settings, model, step = load_run(args.run_folder)
    trained = "precision" in settings
    if trained and args.precision not in (None, settings["precision"]["name"]):
        raise KwsError(
            f"{args.run_folder} was trained as {settings['precision']['name']}. Leave out --precision, or export its "
            "float run."
        )
    wanted = None if trained or args.precision in (None, PTQ, DYNAMIC) else precision(args.precision)
    if step.needs_valid:
        raise KwsError(
            f"{args.run_folder} holds a model that looks {step.delay_frames} frames ahead: it streams here, but a "
            "bundle for the firmware must be causal. Train a causal model."
        )
    if args.precision == DYNAMIC:
        return _write_dynamic(args.out, export.dynamic_tflite(step))
    best = best_epoch(args.run_folder)
    frontend = FrontendConfig.from_dict(settings["frontend"])
    scale = 1.0 / frontend.feature_steps_per_std
    if trained:
        calibration = settings["calibration"]
        converted = export.convert_quantized(model, step, scale)
    else:
        config = start.check(settings, args.run_folder) if wanted else None
        if args.data is None:
            raise KwsError("a float run is quantized with the ranges of training clips. Give --data.")
        folders, words = tuple(extra_folders(args)), label_set(settings["labels"]).keywords
        rate_hz = frontend.sample_rate_hz
        clips = load_clips(ClipSpec(args.data, "training", folders, words, sample_rate_hz=rate_hz))
        drawn = start.calibration(clips, frontend, settings["seed"], args.calibration_clips)
        calibration = drawn.record
        log.info(f"quantizing with the ranges of {len(drawn.features)} training clips")
        if wanted:
            quantized = start.quantized(config, wanted, frontend, model, drawn)
            converted = export.convert_quantized(quantized, to_streaming(quantized, step.frames_per_step), scale)
        else:
            converted = export.convert(step, drawn.features, scale, allow_float=args.allow_float)
    if converted.float_operators:
        log.info(f"not a full-integer model: {named(converted.float_operators)}; kws-codegen refuses it")
    try_model(converted.data, 1 + len(converted.states))
    provenance = {
        "recordings": args.note,
        "recipe": settings["recipe"],
        "seed": settings["seed"],
        "epoch": best["epoch"],
        "training_clips": settings["training_clips"],
        "calibration": calibration,
        "precision": _described(settings, wanted),
        "settings": {"model": settings["model"]},
    }
    if "started_from" in settings:
        provenance["started_from"] = settings["started_from"]
    kind = "validation_quantized_batch" if trained else "validation_float_batch"
    bundle = write_bundle(
        args.out,
        converted.data,
        manifest(
            args.name or args.out.name,
            settings["labels"],
            frontend,
            step.frames_per_step,
            converted,
            accuracy={kind: {"accuracy": best["val_accuracy"], "clips": settings["validation_clips"]}},
            provenance=provenance,
            tools={
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
            },
        ),
    )
    log.info(
        f"{bundle.path}: {len(bundle.model)} bytes, {len(bundle.states)} states, SHA-256 {bundle.model_sha256[:12]}..."
    )
    for fault in limits.faults(bundle):
        log.warning(f"no firmware can carry this bundle: {fault}")
    print(json.dumps({"bundle": str(bundle.path), "model_sha256": bundle.model_sha256, "bytes": len(bundle.model)}))
    return 0


def _described(settings: dict[str, Any], wanted: Any) -> dict[str, Any]:
    """What the manifest says about how the weights became integers."""
    if "precision" in settings:
        return {**settings["precision"], "trained": True}
    return {**wanted.to_dict(), "trained": False} if wanted else {"name": PTQ, "trained": False}


def _write_dynamic(folder: Path, data: bytes) -> int:
    if is_bundle(folder):
        raise KwsError(
            f"{folder} holds a bundle, to which a {MODEL_FILE} of floats cannot belong. Choose another --out."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace(folder / MODEL_FILE, data)
    except OSError as error:
        raise KwsError(f"cannot write to {folder}: {error.strerror}. Choose another --out.") from None
    log.info(f"{folder / MODEL_FILE}: {len(data)} bytes; it takes and gives floats: the firmware cannot run it")
    print(json.dumps({"model": str(folder / MODEL_FILE), "bytes": len(data)}))
    return 0


def to_streaming(model: Any, frames: int):
    """`kws_training.streaming.to_streaming`, which brings TensorFlow."""
    from kws_training import streaming

    return streaming.to_streaming(model, frames)


def load_run(path: Path):
    """Rebuilds a run's best model.

    Returns:
      Its settings, the Keras model and the float streaming model.

    Raises:
      KwsError: the folder holds no trained run, or one that does not stream.
    """
    from kws_training.train import run_folder

    settings, model = run_folder.load_run(path)
    return settings, model, to_streaming(model, settings["frames_per_step"])
