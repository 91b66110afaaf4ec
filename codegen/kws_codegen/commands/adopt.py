"""``kws-codegen adopt``: makes a bundle of anybody's ``.tflite``."""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from kws_reference.bundle import write_bundle
from kws_reference.cli.program import OK
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import LabelSet, check_name

from kws_codegen.adopt import manifest
from kws_codegen.adopt.adoption import adopt, prove
from kws_codegen.commands.inputs import read_model

log = logging.getLogger(__name__)


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("adopt", help="make a bundle of another tool's .tflite")
    parser.add_argument("model", type=Path, metavar="MODEL.tflite", help="int8 model, streaming or of whole windows")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="BUNDLE", help="folder of the bundle, made when missing"
    )
    parser.add_argument("--labels", metavar="NAMES", help="names of the scores in their order, with commas between")
    parser.add_argument(
        "--frontend",
        required=True,
        metavar="FILE|KIND",
        help="a JSON file with the front end's dictionary, or a kind with its defaults (mfcc, micro)",
    )
    parser.add_argument(
        "--frames-per-step",
        type=int,
        metavar="N",
        help="frames that a step brings (default: as many as the model takes)",
    )
    parser.add_argument(
        "--microwakeword", type=Path, metavar="FILE.json", help="wake word, cut-off and window of a microWakeWord model"
    )
    parser.add_argument("--threshold", type=float, default=0.8, metavar="P", help="smoothed probability (default: 0.8)")
    parser.add_argument("--smoothing-steps", type=int, metavar="N", help="steps averaged (default: those of 0.2 s)")
    parser.add_argument(
        "--refractory-steps", type=int, metavar="N", help="steps of silence after a detection (default: 1 s)"
    )
    parser.add_argument("--name", help="of the bundle (default: the file's)")
    return parser


def run(args: argparse.Namespace) -> int:
    data = read_model(args.model)
    frontend = frontend_of(args.frontend)
    config = FrontendConfig.from_dict(frontend)
    adopted = adopt(data, config.coefficients, args.frames_per_step)
    prove(data, adopted)
    if args.microwakeword is not None:
        word, detector = manifest.wake_word_detector(adopted.scores, args.microwakeword)
        labels = labels_of(args.labels) if args.labels else (word.lower(),)
    elif args.labels:
        labels = labels_of(args.labels)
        step_s = config.clock(adopted.features.shape[1]).step_s
        detector = manifest.detector(labels, step_s, args.threshold, args.smoothing_steps, args.refractory_steps)
    else:
        raise KwsError("adopt needs --labels, or --microwakeword.")
    whole = {**manifest.manifest(adopted, args.name or args.model.stem, labels, frontend), "detector": detector}
    bundle = write_bundle(args.out, adopted.model, whole)
    for note in adopted.notes:
        log.info(note)
    print(
        f"{args.out}: {len(bundle.labels)} labels, {len(bundle.states)} states, a step of {bundle.frames_per_step} "
        "frames; scores of random features equal the original's"
    )
    return OK


def labels_of(text: str) -> tuple[str, ...]:
    """Labels out of a command line, ``_silence_`` and ``_unknown_`` among them.

    Raises:
      KwsError: one is no name.
    """
    labels = LabelSet(label.strip() for label in text.split(","))
    for label in labels:
        check_name(label)
    return labels


def frontend_of(text: str) -> dict[str, Any]:
    """A front end's dictionary: of a file, or the defaults of a kind.

    Raises:
      KwsError: there is neither.
    """
    if text == "mfcc":
        return FrontendConfig().to_dict()
    try:
        found = json.loads(Path(text).read_bytes())
    except OSError as error:
        raise KwsError(f"--frontend: cannot read {text}: {error.strerror}. Give a file, or mfcc.") from None
    except ValueError as error:
        raise KwsError(f"--frontend: {text} is not JSON ({error}).") from None
    if not isinstance(found, dict):
        raise KwsError(f"--frontend: {text} must hold a JSON object.")
    return found
