"""``kws-train benchmark``: latency on this CPU, in LiteRT with one thread; or how fast training is."""

import argparse
import json
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.system.files import replace

from kws_training.models import ARCHITECTURES, DEFAULT, FRAMES_PER_STEP, architecture

LABELS = 12


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser = subparsers.add_parser("benchmark", help="latency on this CPU: one second at once, and one streaming step")
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="RUN|MODEL",
        help=f"run folders, or models with random weights: {', '.join(ARCHITECTURES)} (default: every model)",
    )
    parser.add_argument(
        "--training",
        action="store_true",
        help=f"clips a second of training in the place of latency (default: {DEFAULT}), without and with speech, for "
        "about five minutes a model",
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each figure (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to a file")
    return parser


def run(args: argparse.Namespace) -> int:
    """Prints a table of medians; --json also has the fastest runs, the CPU, its load and the sizes."""
    if not 0 < args.seconds < 3600:
        raise KwsError(f"--seconds must be above 0 and below 3600. Received: {args.seconds}.")
    if args.training:
        return _training(args.targets or [DEFAULT], args.json)
    targets = args.targets or list(ARCHITECTURES)
    for target in targets:
        if target not in ARCHITECTURES and not Path(target).is_dir():
            raise KwsError(
                f"{target} is neither a folder nor a model. Give a run folder, or one of {', '.join(ARCHITECTURES)}."
            )
    from kws_training.measure import benchmark

    loaded = {name: built for name, *built in map(_load, targets)}
    if len(loaded) != len(targets):
        raise KwsError(f"every model must have its own name. Received: {' '.join(targets)}.")
    before = benchmark.host()
    models: dict[str, dict[str, Any]] = {}
    for name, (model, frontend, frames) in loaded.items():
        models[name] = benchmark.measure(name, model, frontend, frames, args.seconds)
    result = {**before, "load_after": benchmark.host()["load"], "models": models}
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        replace(args.json, (json.dumps(result, indent=1) + "\n").encode())
    print(benchmark.table(models))
    print(
        f"\nMedians of the quietest tenth, ms: {before['threads']} thread, {before['runtime']}, {before['cpu']}, "
        f"load {before['load']} to {result['load_after']} on {before['cores']} cores; int8 calibrated with "
        f"{before['calibration']}."
    )
    return 0


def _training(targets: list[str], path: Path | None) -> int:
    kinds = [architecture(target).name for target in targets]
    from kws_training.measure import training_speed

    found = [training_speed.measure(name, speech=among) for name in kinds for among in (False, True)]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, (json.dumps(found, indent=1) + "\n").encode())
    print("\n".join(map(training_speed.table, found)))
    return 0


def _load(target: str) -> tuple[str, Any, FrontendConfig, int]:
    if target in ARCHITECTURES:
        kind = architecture(target)
        config = kind.config(LABELS)
        return target, kind.build(config), FrontendConfig(), getattr(config, "frames_per_step", FRAMES_PER_STEP)
    from kws_training.train.trained_run import load_float_run

    settings, model = load_float_run(Path(target))
    name, frontend = Path(target).resolve().name, FrontendConfig.from_dict(settings["frontend"])
    return name, model, frontend, settings["frames_per_step"]
