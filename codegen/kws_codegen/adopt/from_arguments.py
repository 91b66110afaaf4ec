"""What ``adopt`` and ``stream`` share: their options, and the way from a file to a bundle."""

import argparse
import logging
from pathlib import Path
from typing import Any

from kws_reference import limits
from kws_reference.bundle import MODEL_FILE, Bundle, Endpoint, is_bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.kinds import config_from_dict
from kws_reference.frontend.micro_config import MicroFrontendConfig, quantization
from kws_reference.frontend.wanted import WantedFrontend, wanted_frontend
from kws_reference.labels import check_name

from kws_codegen.adopt import manifest
from kws_codegen.adopt.adoption import Adopted, adopt
from kws_codegen.adopt.proof import Proof, prove
from kws_codegen.generator import build

log = logging.getLogger(__name__)


def add_adoption_options(parser: argparse.ArgumentParser) -> None:
    """Adds the model, the bundle and what the model does not say of itself."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL.tflite", help="int8 or int16 (16x8) model, streaming or of whole windows"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="BUNDLE", help="folder of the bundle, made when missing"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a bundle of another model there")
    parser.add_argument("--labels", metavar="NAMES", help="names of the scores in their order, with commas between")
    parser.add_argument(
        "--frontend",
        required=True,
        metavar="FILE|KIND",
        help="a JSON file with the front end's dictionary (what it lacks has the kind's defaults), or mfcc, "
        "log_mel, micro (as microWakeWord has it) or micro_speech",
    )
    parser.add_argument("--threshold", type=float, metavar="P", help="smoothed probability (default: 0.8)")
    parser.add_argument("--smoothing-steps", type=int, metavar="N", help="steps averaged (default: those of 0.2 s)")
    parser.add_argument(
        "--refractory-steps", type=int, metavar="N", help="steps of silence after a detection (default: 1 s)"
    )
    parser.add_argument("--name", help="of the bundle (default: the file's)")


def adopted_bundle(
    args: argparse.Namespace,
    data: bytes,
    *,
    frames_per_step: int | None,
    streaming: bool = False,
    microwakeword: Path | None = None,
) -> tuple[Bundle, Adopted, Proof]:
    """Adopts a model, proves it and writes its bundle.

    Args:
      args: with the options above.
      data: bytes of the model.
      frames_per_step, streaming: see `kws_codegen.adopt.adoption.adopt`.
      microwakeword: describes a microWakeWord model, None for any other.

    Raises:
      KwsError: the model cannot be adopted, or what was asked for does not fit it.
    """
    name = args.name or args.model.stem
    check_name(name, "the bundle")
    own = [value for value in (args.threshold, args.smoothing_steps, args.refractory_steps) if value is not None]
    if microwakeword is not None and own:
        raise KwsError(
            "--microwakeword gives the detector: leave out --threshold, --smoothing-steps, --refractory-steps."
        )
    wanted = wanted_frontend(args.frontend)
    adopted = adopt(data, wanted.config.coefficients, frames_per_step, streaming=streaming)
    if not args.overwrite:
        _require_same_model(args.out, adopted.model)
    proof = prove(data, adopted)
    frontend = _fitted(wanted, adopted.features)
    if microwakeword is not None:
        word, detector = manifest.wake_word_detector(adopted.scores, microwakeword)
        labels = labels_of(args.labels) if args.labels else (word.lower(),)
    elif args.labels:
        labels = labels_of(args.labels)
        step_s = config_from_dict(frontend).clock(adopted.features.shape[1]).step_s
        threshold = manifest.THRESHOLD if args.threshold is None else args.threshold
        detector = manifest.detector(labels, step_s, threshold, args.smoothing_steps, args.refractory_steps)
    else:
        raise KwsError("--labels are missing: give a name for each score.")
    whole = {**manifest.manifest(adopted, name, labels, frontend), "detector": detector}
    try:
        bundle = write_bundle(args.out, adopted.model, whole)
    except KwsError as error:
        if not wanted.quantized:
            raise
        raise KwsError(
            f"--frontend {args.frontend}: {str(error).removesuffix(' Export the bundle again.')} Leave its int8 steps "
            "out, and they become the model's."
        ) from None
    for note in adopted.notes:
        log.info(note)
    if microwakeword is not None and not isinstance(wanted.config, MicroFrontendConfig):
        log.warning(
            f"microWakeWord's models were trained with another front end than --frontend {args.frontend}: "
            "give --frontend micro, or they hear something else"
        )
    _warn(bundle, proof)
    return bundle, adopted, proof


def _require_same_model(folder: Path, model: bytes) -> None:
    """Raises KwsError where a folder holds the bundle of another model: somebody may need it still."""
    if not is_bundle(folder):
        return
    try:
        same = (folder / MODEL_FILE).read_bytes() == model
    except OSError:
        same = False
    if not same:
        raise KwsError(
            f"--out: {folder} holds the bundle of another model. Choose another folder, or give --overwrite."
        )


def _warn(bundle: Bundle, proof: Proof) -> None:
    """Says what stands between the bundle and a board, and how little a proof may say."""
    if proof.different < 3:
        log.warning(
            f"the scores of the proof were {proof.different} different ones: compare them on recordings of your own "
            "(kws-host check)"
        )
    for fault in limits.faults(bundle):
        log.warning(f"no firmware can carry the bundle yet: {fault} (--frames-per-step)")
    try:
        build(bundle)
    except KwsError as error:
        log.warning(f"engine aot: {error} `generate --engine tflm` leaves that engine out")


def labels_of(text: str) -> tuple[str, ...]:
    """Labels out of a command line, ``_silence_`` and ``_unknown_`` among them.

    Raises:
      KwsError: one is no name.
    """
    labels = tuple(label.strip() for label in text.split(","))
    for label in labels:
        check_name(label)
    return labels


def _fitted(wanted: WantedFrontend, features: Endpoint) -> dict[str, Any]:
    """The front end's dictionary with the int8 steps of a model's features, unless they were given.

    Raises:
      KwsError: the front end cannot give them.
    """
    values = wanted.config.to_dict()
    if wanted.quantized:
        return values
    if isinstance(wanted.config, MicroFrontendConfig):
        found = quantization(features.scale, features.zero_point, wanted.config.log_scale_shift)
        return {**values, **found}
    return {**values, "feature_steps_per_std": 1 / features.scale}
