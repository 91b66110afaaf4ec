"""``kws-train attention``: what a trained transformer looks at in a recording, as pictures."""

import argparse
import json
import logging
import math
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

log = logging.getLogger(__name__)


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("attention", help="draw keys, queries, softmax and values of a trained transformer")
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="a run of --model transformer")
    parser.add_argument("--wav", type=Path, required=True, help="any WAV file")
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNG files")
    parser.add_argument("--start", type=float, default=0.0, help="second of the file to begin with (default 0)")
    parser.add_argument("--seconds", type=float, default=3.0, help="longest stretch to draw (default %(default)g)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Writes the pictures; prints their names and what the model heard as JSON."""
    if not (0 <= args.start < math.inf and 0 < args.seconds < math.inf):
        raise KwsError(f"--start must be 0 or more, --seconds above 0. Received: {args.start}, {args.seconds}.")
    from kws_training.evaluate.clips import int8_features
    from kws_training.inspect.attention import attend
    from kws_training.inspect.attention_picture import draw
    from kws_training.train.trained_run import load_run

    settings, model = load_run(args.run_folder)
    frontend = FrontendConfig.from_dict(settings["frontend"])
    rate_hz = frontend.sample_rate_hz
    recording = read_wav(args.wav, rate_hz)
    first = round(args.start * rate_hz)
    pcm = recording[first : first + round(args.seconds * rate_hz)]
    if not frontend.frame_count(len(pcm)):
        raise KwsError(
            f"{args.wav} has {len(recording) / rate_hz:.3f} s, of which --start and --seconds leave "
            f"{len(pcm) / rate_hz:.3f} s: less than one window of {frontend.window_samples / rate_hz:g} s."
        )
    if len(pcm) < len(recording):
        log.info(f"drawing {args.start:g} to {args.start + len(pcm) / rate_hz:g} s of {len(recording) / rate_hz:.1f} s")
    features = int8_features(frontend, pcm[None])[0] / np.float32(frontend.feature_steps_per_std)
    missing = -len(features) % settings["frames_per_step"]  # a stride that is not whole makes no frame
    features = np.pad(features, [(0, missing), (0, 0)])
    seen = attend(model, pcm, features, frontend)
    logits = np.asarray(model(features[None]))[0]
    share = np.exp(logits - logits.max())
    share /= share.sum()
    label = settings["labels"][int(share.argmax())]
    title = f"{args.wav.name}: heard “{label}” in the last second, {100 * share.max():.0f} %"
    files = draw(seen, title, args.out)
    log.info(f"{files[0]}: all in one picture")
    print(json.dumps({"heard": label, "probability": float(share.max()), "files": [str(path) for path in files]}))
    return 0
