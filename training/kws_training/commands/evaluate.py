"""``kws-train evaluate``: float batch, float and int8 streaming on the same clips; detection in long recordings."""

import argparse
import dataclasses
import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.labels import SILENCE, UNKNOWN, LabelSet, label_set
from kws_reference.system.files import replace
from kws_reference.system.folder_lock import require_writable

from kws_training.data.speech_commands import ClipSpec, FolderSpec, load_clips
from kws_training.evaluate import detection_report

log = logging.getLogger(__name__)

# Of the largest score: float32 sums in another order, after folding the batch norm. Random models of every architecture
# differ by up to 7e-7 of it; a frame that is missed or heard twice, by more than 1e-3.
STREAM_TOLERANCE = 2e-5


def add_parser(subparsers) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("evaluate", help="measure accuracy; writes confusion matrices as PNG and JSON")
    parser.add_argument("bundle", type=Path, nargs="?", help="bundle folder; may be left out with --run")
    parser.add_argument("--run", dest="run_folder", type=Path, help="the run it came from: adds the float rows")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--test", type=Path, help="folder with one subfolder for each label")
    source.add_argument("--validation", type=Path, help="validation split of a folder in the official layout")
    parser.add_argument("--names", type=Path, help="take only the clips that this file lists, of --test")
    parser.add_argument(
        "--without", metavar="WORDS", help="leave out these subfolders of --test: on,off for canonical-8"
    )
    parser.add_argument(
        "--set-name", required=True, help="name of the set for titles and files: kit-12, canonical-8, ..."
    )
    parser.add_argument("--out", type=Path, help="folder for the results (default: the bundle's, or the run's)")
    parser.add_argument("--limit", type=int, help="take this many clips, drawn by seed 0")
    detection_report.add_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints a table and JSON; exit status 1 when float streaming differs from float batch."""
    _check(args)
    detection_report.check(args)
    if args.stream:
        return detection_report.run(args)
    from kws_training.evaluate import clips as evaluation
    from kws_training.inspect import plots

    if args.bundle is None and args.run_folder is None:
        raise KwsError("nothing to evaluate. Give a bundle, or a run by --run, or both.")
    bundle = Bundle.load(args.bundle) if args.bundle else None
    settings, model = None, None
    if args.run_folder:
        from kws_training.train.run_folder import load_float_run

        settings, model = load_float_run(args.run_folder)
        if bundle and settings["frontend"] != bundle.frontend.to_dict():
            raise KwsError(
                f"{args.run_folder} was trained with another front end than {args.bundle} has. Give its own run."
            )
        if bundle and list(bundle.labels) != settings["labels"]:
            raise KwsError(
                f"{args.run_folder} was trained for {', '.join(settings['labels'])}; {args.bundle} has "
                f"{', '.join(bundle.labels)}. Give its own run."
            )
    labels = bundle.labels if bundle else tuple(settings["labels"])
    frontend = bundle.frontend if bundle else FrontendConfig.from_dict(settings["frontend"])
    folder = args.out or args.bundle or args.run_folder
    require_writable(folder)
    pcm, truth = _clips(args, label_set(labels), frontend, _clip_samples(model, frontend))
    count = len(truth)
    log.info(
        f"{args.set_name}: {count} clips of {pcm.shape[1] / frontend.sample_rate_hz:g} s, {frontend.sample_rate_hz} Hz"
    )
    if bundle and frontend.frame_count(pcm.shape[1]) < bundle.frames_per_step:
        raise KwsError(
            f"{args.bundle} takes {bundle.frames_per_step} frames a step, a clip has "
            f"{frontend.frame_count(pcm.shape[1])}: no step would be computed. Evaluate it with --stream."
        )
    features = evaluation.int8_features(frontend, pcm, Progress("features", count).update)
    scale = 1.0 / frontend.feature_steps_per_std
    result = {"set": args.set_name, "clips": count, "labels": list(labels)}
    outcomes, status = {}, 0
    if model:
        from kws_training.streaming import CannotStream, to_streaming

        result["architecture"] = settings["architecture"]
        outcomes["float_batch"] = evaluation.float_batch(model, features, truth, scale)
        try:
            streaming = to_streaming(model, settings["frames_per_step"])
        except CannotStream as reason:
            log.info(f"batch only: {reason}")
            result["batch_only"] = str(reason)
        else:
            progress = Progress("float streaming", count).update
            outcomes["float_streaming"] = evaluation.float_streaming(streaming, features, truth, scale, progress)
            status = _compare(outcomes["float_batch"].scores, outcomes["float_streaming"].scores, result)
    if bundle:
        result["model_sha256"] = bundle.model_sha256
        if bundle.features.zero_point:
            progress = Progress("features", count).update
            features = evaluation.int8_features(frontend, pcm, progress, bundle.features.zero_point)
        progress = Progress("int8 streaming", count).update
        outcomes["int8_streaming"] = evaluation.int8_streaming(bundle, features, truth, progress)
    folder.mkdir(parents=True, exist_ok=True)
    name = bundle.name if bundle else args.run_folder.name
    for kind, outcome in outcomes.items():
        matrix = outcome.confusion()
        result[kind] = {"accuracy": outcome.accuracy, "confusion": matrix.tolist()}
        title = f"{name}, {args.set_name}, {kind.replace('_', ' ')}: {100 * outcome.accuracy:.2f} % of {count}"
        plots.confusion(matrix, labels, title, folder / f"confusion_{args.set_name}_{kind}.png")
        log.info(f"{kind:16} {100 * outcome.accuracy:6.2f} %")
    log.info(f"{kind.replace('_', ' ')} by label: {by_label(matrix, labels)}")
    replace(folder / f"evaluation_{args.set_name}.json", (json.dumps(result) + "\n").encode())
    print(json.dumps({k: (v["accuracy"] if isinstance(v, dict) else v) for k, v in result.items() if k != "labels"}))
    return status


def _compare(batch: np.ndarray, streaming: np.ndarray, result: dict[str, Any]) -> int:
    """Says how far the scores of the two are from each other and notes it; returns 1 if that is no rounding."""
    difference, largest = float(np.abs(batch - streaming).max()), float(np.abs(batch).max())
    share = difference / largest if largest else difference
    equal = share <= STREAM_TOLERANCE  # not so for a NaN
    log.info(
        f"float streaming differs from float batch by at most {difference:.1e}, {share:.1e} of the largest score "
        f"({largest:.3g}): " + (f"rounding (up to {STREAM_TOLERANCE:g})" if equal else f"above {STREAM_TOLERANCE:g}")
    )
    result["float_streaming_max_difference"], result["largest_float_score"] = difference, largest
    return int(not equal)


def by_label(confusion: np.ndarray, labels: Sequence[str]) -> str:
    """Per cent of each label's clips that were recognised, - where there are none. Args: confusion: counts."""
    rows = zip(labels, np.diag(confusion), confusion.sum(1), strict=True)
    return "  ".join(f"{label} {100 * right / clips:.1f}" if clips else f"{label} -" for label, right, clips in rows)


def _check(args: argparse.Namespace) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", args.set_name):
        raise KwsError(f"--set-name names files: use letters, digits, -, _ and . in it. Received: {args.set_name!r}.")
    if args.out and args.out.exists() and not args.out.is_dir():
        raise KwsError(f"--out must be a folder. Received: {args.out}, which is a file.")
    if args.limit is not None and args.limit < 1:
        raise KwsError(f"--limit must be at least 1. Received: {args.limit}.")
    if not args.test and (args.names or args.without):
        raise KwsError("--names and --without choose clips of --test. Give --test too.")


def _clip_samples(model: Any, frontend: FrontendConfig) -> int:
    """Samples of a clip: what a model of a fixed number of frames takes, else a second."""
    frames = model.input_shape[1] if model is not None else None
    if frames is None:
        return frontend.sample_rate_hz
    return frontend.window_samples + (frames - 1) * frontend.hop_samples


def _clips(
    args: argparse.Namespace, labels: LabelSet, frontend: FrontendConfig, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Samples and label rows of the clips that the arguments ask for, at the model's sample rate.

    Folders that are no label of the model are unknown words if it has those, as everywhere in the kit; else they are
    refused, or, of a split that draws unknown words and silence by itself, not drawn.
    """
    if not labels.keywords:
        raise KwsError(f"the model has no keyword. Received: {', '.join(labels.names)}.")
    if args.test:
        spec = ClipSpec(folders=(FolderSpec(args.test, args.names),))
    else:
        none = [name for name in (SILENCE, UNKNOWN) if labels.row(name) is None]
        unknown = 0.0 if UNKNOWN in none else 100.0
        spec = ClipSpec(args.validation, "validation", unknown_percent=unknown)
        if SILENCE in none:
            spec = dataclasses.replace(spec, silence_percent=0.0)
        if none:
            log.info(f"the model has no {' and no '.join(none)}: no such clips of the validation split are heard")
    rate_hz = frontend.sample_rate_hz
    clips = load_clips(dataclasses.replace(spec, words=labels.keywords, sample_rate_hz=rate_hz, clip_samples=samples))
    rows = np.arange(len(clips))
    if args.without:
        left_out = {word.strip() for word in args.without.split(",")}
        folders = [name.split("/", 1)[0] for name in clips.names]
        if left_out - set(folders):
            raise KwsError(f"{args.test} has no clips of {', '.join(sorted(left_out - set(folders)))}. See --without.")
        rows = np.array([row for row, folder in enumerate(folders) if folder not in left_out], np.int64)
        if not len(rows):
            raise KwsError(f"--without leaves no clip. Received: {args.without}.")
    homeless = [row for row in rows if labels.row_of_kind[clips.labels[row]] is None]
    if args.validation:
        rows = np.setdiff1d(rows, homeless)  # which was told
    elif homeless:
        folders = sorted({clips.names[row].split("/", 1)[0] for row in homeless})
        raise KwsError(
            f"{args.test}: {len(homeless)} clips of {', '.join(folders)} are of no label of the "
            f"model, which has {', '.join(labels.names)}. Leave them out by --without {','.join(folders)}."
        )
    others = sorted({clips.names[row].split("/", 1)[0] for row in rows if clips.labels[row] == 1} - {UNKNOWN})
    if others:
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        log.info(f"no labels of the model, so {UNKNOWN}: {', '.join(others[:8])}{more}")
    if args.limit and args.limit < len(rows):
        rows = rows[np.sort(np.random.default_rng(0).permutation(len(rows))[: args.limit])]
    return clips.pcm[rows], np.array([labels.row_of_kind[kind] for kind in clips.labels[rows]], np.int64)
