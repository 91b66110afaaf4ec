"""What ``adopt`` and ``stream`` share: their options, and the way from a file to a bundle."""

import argparse
import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

from kws_reference.bundle import Bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.kinds import config_from_dict
from kws_reference.frontend.micro_config import KIND as MICRO
from kws_reference.frontend.micro_config import MICRO_SPEECH, MicroFrontendConfig, quantization
from kws_reference.labels import check_name

from kws_codegen.adopt import manifest
from kws_codegen.adopt.adoption import Adopted, End, adopt
from kws_codegen.adopt.proof import prove

log = logging.getLogger(__name__)


def add_adoption_options(parser: argparse.ArgumentParser) -> None:
    """Adds the model, the bundle and what the model does not say of itself."""
    parser.add_argument("model", type=Path, metavar="MODEL.tflite", help="int8 model, streaming or of whole windows")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="BUNDLE", help="folder of the bundle, made when missing"
    )
    parser.add_argument("--labels", metavar="NAMES", help="names of the scores in their order, with commas between")
    parser.add_argument(
        "--frontend",
        required=True,
        metavar="FILE|KIND",
        help="a JSON file with the front end's dictionary (what it lacks has the kind's defaults), or mfcc, micro (as "
        "microWakeWord has it) or micro_speech",
    )
    parser.add_argument("--threshold", type=float, default=0.8, metavar="P", help="smoothed probability (default: 0.8)")
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
) -> tuple[Bundle, Adopted]:
    """Adopts a model, proves it and writes its bundle.

    Args:
      args: with the options above.
      data: bytes of the model.
      frames_per_step, streaming: see `kws_codegen.adopt.adoption.adopt`.
      microwakeword: describes a microWakeWord model, None for any other.

    Raises:
      KwsError: the model cannot be adopted, or what was asked for does not fit it.
    """
    wanted = frontend_of(args.frontend)
    adopted = adopt(data, config_from_dict(wanted.values).coefficients, frames_per_step, streaming=streaming)
    prove(data, adopted)
    frontend = wanted.fitted(adopted.features)
    if microwakeword is not None:
        word, detector = manifest.wake_word_detector(adopted.scores, microwakeword)
        labels = labels_of(args.labels) if args.labels else (word.lower(),)
    elif args.labels:
        labels = labels_of(args.labels)
        step_s = config_from_dict(frontend).clock(adopted.features.shape[1]).step_s
        detector = manifest.detector(labels, step_s, args.threshold, args.smoothing_steps, args.refractory_steps)
    else:
        raise KwsError("--labels are missing: give a name for each score.")
    whole = {**manifest.manifest(adopted, args.name or args.model.stem, labels, frontend), "detector": detector}
    bundle = write_bundle(args.out, adopted.model, whole)
    for note in adopted.notes:
        log.info(note)
    return bundle, adopted


def labels_of(text: str) -> tuple[str, ...]:
    """Labels out of a command line, ``_silence_`` and ``_unknown_`` among them.

    Raises:
      KwsError: one is no name.
    """
    labels = tuple(label.strip() for label in text.split(","))
    for label in labels:
        check_name(label)
    return labels


@dataclasses.dataclass(frozen=True)
class WantedFrontend:
    """A front end as the command line asks for it.

    Attributes:
      values: its dictionary.
      quantized: the integers that make int8 of its features were given.
    """

    values: dict[str, Any]
    quantized: bool

    def fitted(self, features: End) -> dict[str, Any]:
        """The dictionary with the int8 steps of a model's features, unless they were given.

        Raises:
          KwsError: the front end cannot give them.
        """
        if self.quantized:
            return self.values
        if self.values["kind"] == MICRO:
            found = quantization(features.scale, features.zero_point, self.values["log_scale_shift"])
            return {**self.values, **found}
        return {**self.values, "feature_steps_per_std": 1 / features.scale}


def frontend_of(text: str) -> WantedFrontend:
    """A front end of a file, or with the defaults of a kind.

    Raises:
      KwsError: there is neither.
    """
    if text == "micro_speech":
        return WantedFrontend({**_DEFAULTS[MICRO], **MICRO_SPEECH}, quantized=True)
    if text in _DEFAULTS:
        return WantedFrontend(_DEFAULTS[text], quantized=False)
    try:
        found = json.loads(Path(text).read_bytes())
    except OSError as error:
        kinds = ", ".join((*_DEFAULTS, "micro_speech"))
        raise KwsError(f"--frontend: cannot read {text}: {error.strerror}. Give a file, or one of {kinds}.") from None
    except ValueError as error:
        raise KwsError(f"--frontend: {text} is not JSON ({error}).") from None
    if not isinstance(found, dict) or found.get("kind") not in _DEFAULTS:
        raise KwsError(f"--frontend: {text} must hold a JSON object whose kind is one of {', '.join(_DEFAULTS)}.")
    quantized = bool(found.keys() & {*MICRO_SPEECH, "feature_steps_per_std"})
    return WantedFrontend({**_DEFAULTS[found["kind"]], **found}, quantized)


_DEFAULTS = {"mfcc": FrontendConfig().to_dict(), MICRO: MicroFrontendConfig().to_dict()}
