"""``kws-train evaluate``: float batch, float streaming and int8 streaming on the same clips."""

import argparse
import json
from pathlib import Path

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.command_line import Progress
from kws_reference.errors import KwsError

from kws_training.commands.fit import say
from kws_training.data.speech_commands import ClipSpec, FolderSpec, load_clips

STREAM_TOLERANCE = 1e-5  # logits; float32 sums of up to 128 terms in another order, after folding the batch norm


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("evaluate", help="measure accuracy; writes confusion matrices as PNG and JSON")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--run", dest="run_folder", type=Path, help="the run it came from: adds the two float rows")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--test", type=Path, help="folder with one subfolder for each label")
    source.add_argument("--validation", type=Path, help="validation split of a folder in the official layout")
    parser.add_argument("--names", type=Path, help="take only the clips that this file lists, of --test")
    parser.add_argument(
        "--set-name", required=True, help="name of the set for titles and files: kit-12, canonical, ..."
    )
    parser.add_argument("--out", type=Path, help="folder for the results (default: the bundle's)")
    parser.add_argument("--limit", type=int, help="take this many clips, drawn by seed 0")
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints a table and JSON; exit status 1 when float streaming differs from float batch."""
    from kws_training import evaluation, plots

    bundle = Bundle.load(args.bundle)
    words = bundle.labels[2:]
    if args.limit is not None and args.limit < 1:
        raise KwsError(f"--limit must be at least 1. Received: {args.limit}.")
    if args.names and not args.test:
        raise KwsError("--names lists clips of --test. Give --test too.")
    if args.test:
        clips = load_clips(ClipSpec(folders=(FolderSpec(args.test, args.names),), words=words))
    else:
        clips = load_clips(ClipSpec(args.validation, "validation", words=words, unknown_percent=100.0))
    rows = np.arange(len(clips))
    if args.limit and args.limit < len(rows):
        rows = np.sort(np.random.default_rng(0).permutation(len(rows))[: args.limit])
    pcm, truth = clips.pcm[rows], clips.labels[rows]
    say(f"{args.set_name}: {len(rows)} clips")
    features = evaluation.int8_features(bundle.frontend, pcm, Progress("features", len(rows)).update)
    scale = 1.0 / bundle.frontend.feature_steps_per_std
    outcomes, status = {}, 0
    if args.run_folder:
        from kws_training.commands.export import load_run

        settings, model, step = load_run(args.run_folder)
        if settings["frontend"] != bundle.frontend.to_dict():
            raise KwsError(
                f"{args.run_folder} was trained with another front end than {args.bundle} has. Give its own run."
            )
        outcomes["float_batch"] = evaluation.float_batch(model, features, truth, scale)
        progress = Progress("float streaming", len(rows)).update
        outcomes["float_streaming"] = evaluation.float_streaming(step, features, truth, scale, progress)
        difference = np.abs(outcomes["float_batch"].scores - outcomes["float_streaming"].scores).max()
        say(f"float streaming differs from float batch by at most {difference:.1e}")
        status = int(not difference <= STREAM_TOLERANCE)
    outcomes["int8_streaming"] = evaluation.int8_streaming(
        bundle, features, truth, Progress("int8 streaming", len(rows)).update
    )
    folder = args.out or args.bundle
    folder.mkdir(parents=True, exist_ok=True)
    result = {
        "set": args.set_name,
        "clips": len(rows),
        "model_sha256": bundle.model_sha256,
        "labels": list(bundle.labels),
    }
    if args.run_folder:
        result["float_streaming_max_difference"] = float(difference)
    for kind, outcome in outcomes.items():
        matrix = outcome.confusion()
        result[kind] = {"accuracy": outcome.accuracy, "confusion": matrix.tolist()}
        title = (
            f"{bundle.name}, {args.set_name}, {kind.replace('_', ' ')}: {100 * outcome.accuracy:.2f} % of {len(rows)}"
        )
        plots.confusion(matrix, bundle.labels, title, folder / f"confusion_{args.set_name}_{kind}.png")
        say(f"{kind:16} {100 * outcome.accuracy:6.2f} %")
    recall = np.diag(matrix) / np.maximum(matrix.sum(1), 1)
    say(
        "int8 streaming by label: "
        + "  ".join(f"{n} {100 * r:.1f}" for n, r in zip(bundle.labels, recall, strict=True))
    )
    (folder / f"evaluation_{args.set_name}.json").write_text(json.dumps(result) + "\n")
    print(json.dumps({k: (v["accuracy"] if isinstance(v, dict) else v) for k, v in result.items() if k != "labels"}))
    return status
