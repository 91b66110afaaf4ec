"""``kws-train describe``: the layers of a model as a table, and as a picture."""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from kws_reference.bundle import Bundle, is_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.models import ARCHITECTURES, FRAMES_PER_STEP, architecture

log = logging.getLogger(__name__)

LABELS = 12


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("describe", help="layers, shapes, MACs, states, receptive field; draws the model")
    parser.add_argument("target", help=f"a bundle, a run folder, or a model: {', '.join(ARCHITECTURES)}")
    parser.add_argument("--as-run", action="store_true", help="of a folder that is bundle and run, describe the run")
    parser.add_argument(
        "--frames-per-step", type=int, help=f"frames of a streaming step (default: the run's, else {FRAMES_PER_STEP})"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.png", help="draw the model")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints the table or JSON."""
    if args.frames_per_step is not None and args.frames_per_step < 1:
        raise KwsError(f"--frames-per-step must be at least 1. Received: {args.frames_per_step}.")
    if args.out and args.out.suffix.lower() != ".png":
        raise KwsError(f"--out must end with .png. Received: {args.out}.")
    description = _described(args)
    if args.out:
        from kws_training.inspect.model_picture import draw

        args.out.parent.mkdir(parents=True, exist_ok=True)
        draw(description, args.out)
        log.info(f"{args.out}: the picture")
    from kws_training.inspect.describe import table

    print(json.dumps(description.to_dict(), indent=1) if args.json else table(description))
    return 0


def _described(args: argparse.Namespace) -> Any:
    folder = Path(args.target)
    if args.target not in ARCHITECTURES and not folder.is_dir():
        raise KwsError(
            f"{args.target} is neither a folder nor a model. Give a bundle, a run folder, or one of "
            f"{', '.join(ARCHITECTURES)}."
        )
    if args.target not in ARCHITECTURES and not args.as_run and is_bundle(folder):
        if args.frames_per_step is not None:
            raise KwsError("--frames-per-step is for models and runs: a bundle has its step built in.")
        bundle = Bundle.load(folder)
        from kws_training.inspect.describe import describe_bundle

        return describe_bundle(bundle)
    if args.target in ARCHITECTURES:
        if args.as_run:
            raise KwsError(f"--as-run is for folders. Received the model {args.target}.")
        kind = architecture(args.target)
        config = kind.config(LABELS)
        model, frontend = kind.build(config), FrontendConfig()
        frames = getattr(config, "frames_per_step", FRAMES_PER_STEP)
    else:
        from kws_training.train.trained_run import load_run

        settings, model = load_run(folder)
        frontend, frames = FrontendConfig.from_dict(settings["frontend"]), settings["frames_per_step"]
    name = folder.resolve().name
    from kws_training.inspect.describe import describe_batch, describe_streaming
    from kws_training.streaming import CannotStream, to_streaming

    try:
        streaming = to_streaming(model, args.frames_per_step or frames)
    except CannotStream as error:
        if args.frames_per_step:
            raise
        frames = model.input_shape[1] or frontend.frame_count(frontend.sample_rate_hz)
        return describe_batch(name, model, frontend, frames, str(error))
    return describe_streaming(name, streaming, frontend)
