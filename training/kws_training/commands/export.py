"""``kws-train export``: a run's best weights as an int8 streaming bundle, or as a ``.tflite`` of dynamic range."""

import argparse
import json
import logging
from pathlib import Path

from kws_reference.errors import KwsError

from kws_training.commands.options.choice import add_fold, add_wanted_rate
from kws_training.commands.options.extra_folders import add_extra, extra_folders
from kws_training.convert.detector_settings import DEFAULT_THRESHOLD
from kws_training.convert.job import DYNAMIC, PTQ, ExportJob
from kws_training.data.speech.corpus import Fold
from kws_training.evaluate.clip_sets import SetSource
from kws_training.evaluate.metrics import CONFIDENCE
from kws_training.evaluate.speech.folders import SpeechFolder
from kws_training.evaluate.speech.job import Choice, SpeechJob
from kws_training.folder_lock import require_writable
from kws_training.quantize.calibration import CALIBRATION_CLIPS
from kws_training.quantize.precision import PRECISIONS, precision

log = logging.getLogger(__name__)

CHOSEN_ON = "validation-speech"
"""Name of the set in the report that says how thresholds were chosen."""


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
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
    group = parser.add_argument_group(
        "thresholds",
        "chosen on running speech of speakers who validate, and the validation clips of --data",
    )
    group.add_argument(
        "--speech",
        type=Path,
        action="append",
        metavar="FOLDER",
        help="the speech that the run was trained among, or other long recordings (default: none, and the threshold is "
        f"{DEFAULT_THRESHOLD:g} for every keyword)",
    )
    group.add_argument(
        "--word-times",
        type=Path,
        action="append",
        metavar="FILE",
        help="times of the words of each --speech, in their order (default: words.tsv in the folder, if it is there)",
    )
    add_fold(group)
    add_wanted_rate(group)
    parser.add_argument(
        "--allow-float",
        action="store_true",
        help="write the bundle though the converter leaves operators in float (ELU, LayerNormalization): it can be "
        "evaluated, but kws-codegen refuses it; the manifest names the operators",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Converts; chooses thresholds where speech is given; prints where the bundle or the file is, as JSON."""
    job, choice = job_of(args), _choice_of(args)
    require_writable(job.out)
    from kws_training.convert.export import export, export_dynamic

    if job.precision == DYNAMIC:
        path, size = export_dynamic(job)
        print(json.dumps({"model": str(path), "bytes": size}))
    else:
        bundle = export(job)
        if choice:
            from kws_training.evaluate.speech.report import evaluate_speech

            evaluate_speech(choice)
        else:
            log.info(
                f"the detector's threshold is {DEFAULT_THRESHOLD:g} for every keyword; with --speech, thresholds for a "
                "wanted rate of false accepts are chosen"
            )
        print(json.dumps({"bundle": str(bundle.path), "model_sha256": bundle.model_sha256, "bytes": len(bundle.model)}))
    return 0


def job_of(args: argparse.Namespace) -> ExportJob:
    """The job that the arguments ask for.

    Raises:
      KwsError: an argument is wrong by itself, or does not go with another.
    """
    named = args.precision
    return ExportJob(
        run=args.run_folder,
        out=args.out,
        data=args.data,
        extra=extra_folders(args),
        name=args.name,
        note=args.note,
        calibration_clips=args.calibration_clips,
        precision=named if named in (None, PTQ, DYNAMIC) else precision(named),
        allow_float=args.allow_float,
    )


def _choice_of(args: argparse.Namespace) -> SpeechJob | None:
    """How the detector of the new bundle is chosen; None: it is the kit's constant.

    Raises:
      KwsError: an option does not go with another.
    """
    if not args.speech:
        for name in ("word_times", "speech_fold", "false_accepts_per_hour", "confidence"):
            if getattr(args, name) is not None:
                raise KwsError(f"--{name.replace('_', '-')} is about thresholds. Give --speech too.")
        return None
    if args.precision == DYNAMIC or args.data is None:
        raise KwsError("--speech chooses thresholds of a bundle by the validation clips of --data. Give --data.")
    tables = args.word_times or [None] * len(args.speech)
    if len(tables) != len(args.speech):
        raise KwsError(f"--word-times goes with --speech, one for each. Received: {len(tables)}, {len(args.speech)}.")
    fold = Fold.of(args.speech_fold) if args.speech_fold else None
    confidence = CONFIDENCE if args.confidence is None else args.confidence
    return SpeechJob(
        bundles=(args.out,),
        name=CHOSEN_ON,
        speech=tuple(
            SpeechFolder(folder, "validation", table, fold=fold)
            for folder, table in zip(args.speech, tables, strict=True)
        ),
        out=args.out,
        clips=SetSource(CHOSEN_ON, validation=args.data),
        choice=Choice(args.false_accepts_per_hour, confidence, write=True),
    )
