"""``kws-train export``: a run's best weights as an int8 streaming bundle, or as a ``.tflite`` of dynamic range."""

import argparse
import json
from pathlib import Path

from kws_training.commands.options.extra_folders import add_extra, extra_folders
from kws_training.convert.job import DYNAMIC, PTQ, ExportJob
from kws_training.folder_lock import require_writable
from kws_training.quantize.calibration import CALIBRATION_CLIPS
from kws_training.quantize.precision import PRECISIONS, precision


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
    parser.add_argument(
        "--allow-float",
        action="store_true",
        help="write the bundle though the converter leaves operators in float (ELU, LayerNormalization): it can be "
        "evaluated, but kws-codegen refuses it; the manifest names the operators",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Converts; prints where the bundle or the file is, as JSON."""
    job = job_of(args)
    require_writable(job.out)
    from kws_training.convert.export import export, export_dynamic

    if job.precision == DYNAMIC:
        path, size = export_dynamic(job)
        print(json.dumps({"model": str(path), "bytes": size}))
    else:
        bundle = export(job)
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
