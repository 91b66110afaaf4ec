"""``kws-train export``: a run's best weights as an int8 streaming bundle."""

import argparse
import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path

import numpy as np
from kws_reference.bundle import write_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend_config import FrontendConfig

from kws_training.commands.fit import say
from kws_training.data.speech_commands import ClipSpec, FolderSpec, load_clips

CALIBRATION_CLIPS = 200


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("export", help="write the bundle (model.tflite, model.json) of a run")
    parser.add_argument("--run", dest="run_folder", type=Path, required=True, help="run folder of kws-train fit")
    parser.add_argument("--data", type=Path, required=True, help="the recordings it was trained on, for calibration")
    parser.add_argument("--extra", type=Path)
    parser.add_argument("--extra-names", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="bundle folder")
    parser.add_argument("--name", help="name of the model (default: name of the bundle folder)")
    parser.add_argument("--note", default="", help="provenance: which recordings, in words")
    parser.add_argument("--calibration-clips", type=int, default=CALIBRATION_CLIPS)
    return parser


def run(args: argparse.Namespace) -> int:
    """Converts and writes the bundle."""
    from kws_training.evaluation import int8_features
    from kws_training.export import convert
    from kws_training.manifest import manifest

    if args.calibration_clips < 1:
        raise KwsError(f"--calibration-clips must be at least 1. Received: {args.calibration_clips}.")
    settings, model, step = load_run(args.run_folder)
    if step.needs_valid:
        raise KwsError(
            f"{args.run_folder} holds a model that looks {step.delay_frames} frames ahead: it streams here, but a "
            "bundle for the firmware must be causal. Train a causal model."
        )
    frontend = FrontendConfig.from_dict(settings["frontend"])
    words = tuple(settings["labels"][2:])
    folders = (FolderSpec(args.extra, args.extra_names),) if args.extra else ()
    clips = load_clips(ClipSpec(args.data, "training", folders, words))
    rows = np.sort(np.random.default_rng(settings["seed"]).permutation(len(clips))[: args.calibration_clips])
    say(f"quantizing with the ranges of {len(rows)} training clips")
    features = int8_features(frontend, clips.pcm[rows])
    converted = convert(step, features, 1.0 / frontend.feature_steps_per_std)
    history = json.loads((args.run_folder / "history.json").read_text())
    best = max(history, key=lambda entry: entry["val_accuracy"])
    bundle = write_bundle(
        args.out,
        converted.data,
        manifest(
            args.name or args.out.name,
            settings["labels"],
            frontend,
            step.frames_per_step,
            converted,
            accuracy={
                "validation_float_batch": {"accuracy": best["val_accuracy"], "clips": settings["validation_clips"]}
            },
            provenance={
                "recordings": args.note,
                "recipe": settings["recipe"],
                "seed": settings["seed"],
                "epoch": best["epoch"],
                "training_clips": settings["training_clips"],
                "calibration": {
                    "clips": len(rows),
                    "names_sha256": hashlib.sha256("\n".join(clips.names[row] for row in rows).encode()).hexdigest(),
                },
                "settings": {"model": settings["model"]},
            },
            tools={
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
            },
        ),
    )
    say(f"{bundle.path}: {len(bundle.model)} bytes, {len(bundle.states)} states, SHA-256 {bundle.model_sha256[:12]}...")
    print(json.dumps({"bundle": str(bundle.path), "model_sha256": bundle.model_sha256, "bytes": len(bundle.model)}))
    return 0


def load_run(path: Path):
    """Rebuilds a run's best model.

    Returns:
      Its settings, the Keras model and the float streaming model.

    Raises:
      KwsError: the folder holds no trained run, or one that does not stream.
    """
    from kws_training import run_folder
    from kws_training.streaming import to_streaming

    settings, model = run_folder.load_run(path)
    return settings, model, to_streaming(model, settings["frames_per_step"])
