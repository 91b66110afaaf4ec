#!/usr/bin/env python3
"""Matchbox at every precision: measures the committed runs, and makes the tables from the results.

    python training/tools/precision_table.py --measure AUDIO    write evaluation.json into every folder below
    python training/tools/precision_table.py                    print the tables
    python training/tools/precision_table.py --write            put them into the READMEs, between their marker lines
    python training/tools/precision_table.py --check            exit 1 when a README says something else

Runs and bundles lie in ``training/zoo/experiments/precision/<set>/s<seed>/<precision>``: a ``float`` run (settings and
weights), a ``dynamic`` .tflite, and a bundle for every other precision. AUDIO holds ``speech_commands``,
``speech_commands_test_set_v0.02`` and, for kit-12, ``kit12_test.txt``.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "training"), str(ROOT / "training" / "tools")]

import readme_table  # noqa: E402
from kws_reference.cli.log import set_up  # noqa: E402
from kws_reference.cli.progress import Progress  # noqa: E402
from kws_reference.errors import KwsError  # noqa: E402
from kws_reference.labels import label_set  # noqa: E402

ZOO = ROOT / "training" / "zoo" / "experiments" / "precision"
SETS = ("kit-12", "canonical-8")
FLOAT, DYNAMIC = "float", "dynamic"
RESULT = "evaluation.json"
# Rows: folder, key of the result, title.
ROWS = (
    (FLOAT, "float_batch", "float, whole clips"),
    (FLOAT, "float_streaming", "float, streaming"),
    (DYNAMIC, "streaming", "PTQ, dynamic range (int8 weights, float activations)"),
    ("ptq", "streaming", "PTQ, int8"),
    ("int8_fake", "streaming", "fake QAT, int8"),
    ("int8_native", "streaming", "native QAT, int8"),
    ("int6_fake", "streaming", "fake QAT, 6-bit weights"),
    ("int4_ptq", "streaming", "PTQ, int4 weights"),
    ("int4_fake", "streaming", "fake QAT, int4 weights"),
    ("int4_native", "streaming", "native QAT, int4 weights"),
)
NAMES = {f"precisions {name}": name for name in SETS}
READMES = (ROOT / "README.md", ZOO / "README.md")


def measure(audio: Path, only: str | None) -> None:
    """Writes `RESULT` into the folder of every run and bundle that has none, or another model.

    Raises:
      KwsError: a run, a bundle or a recording is missing or damaged.
    """
    for name in SETS:
        if only in (None, name):
            clips = {}
            for folder in sorted(path for path in (ZOO / name).glob("s*/*") if path.is_dir()):
                _measure_folder(name, folder, audio, clips)


def _measure_folder(name: str, folder: Path, audio: Path, clips: dict[str, Any]) -> None:
    from kws_reference.bundle import Bundle
    from kws_reference.frontend.config import FrontendConfig
    from kws_training.convert.export import float_tflite
    from kws_training.evaluate import clips as evaluation
    from kws_training.streaming import to_streaming
    from kws_training.train.run_folder import load_run

    run = folder if folder.name == FLOAT else folder.parent / FLOAT
    settings, model = load_run(run)
    labels, frontend = tuple(settings["labels"]), FrontendConfig.from_dict(settings["frontend"])
    scale = 1.0 / frontend.feature_steps_per_std
    streaming = to_streaming(model, settings["frames_per_step"])
    if folder.name == FLOAT:
        data = float_tflite(streaming)
    else:
        data = (folder / "model.tflite").read_bytes()
    result: dict[str, Any] = {"set": name, "precision": folder.name, "model_bytes": len(data)}
    digest = _digest([data] if folder.name != FLOAT else [value.tobytes() for value in model.get_weights()])
    if (folder / RESULT).exists() and json.loads((folder / RESULT).read_text()).get("digest") == digest:
        return
    key = json.dumps(frontend.to_dict())
    if key not in clips:
        clips[key] = {split: _features(name, split, labels, frontend, audio) for split in ("validation", "test")}
    result["digest"] = digest
    for split, (features, truth) in clips[key].items():
        print(f"{folder.relative_to(ZOO)}: {split}", file=sys.stderr, flush=True)
        progress = Progress(folder.name, len(truth)).update
        if folder.name == FLOAT:
            outcomes = {
                "float_batch": evaluation.float_batch(model, features, truth, scale),
                "float_streaming": evaluation.float_streaming(streaming, features, truth, scale, progress),
            }
        elif folder.name == DYNAMIC:
            outcomes = {"streaming": _dynamic(data, streaming, features, truth, scale)}
        else:
            bundle = Bundle.load(folder)
            if bundle.labels != labels or bundle.frontend != frontend:
                raise KwsError(f"{folder} has other labels or features than {run}. Export it from that run.")
            outcomes = {"streaming": evaluation.int8_streaming(bundle, features, truth, progress)}
        result[split] = {
            kind: {"accuracy": outcome.accuracy, "correct": int((outcome.predicted == truth).sum())}
            for kind, outcome in outcomes.items()
        }
        result[f"{split}_clips"] = len(truth)
    (folder / RESULT).write_text(json.dumps(result, indent=1) + "\n")


def _digest(parts: list[bytes]) -> str:
    import hashlib

    return hashlib.sha256(b"".join(parts)).hexdigest()


def _dynamic(data: bytes, streaming: Any, features: Any, truth: Any, scale: float) -> Any:
    import numpy as np
    from kws_training.convert.runner import TfliteRunner
    from kws_training.evaluate.clips import Outcome

    runner = TfliteRunner(data, streaming.state_specs)
    scores = [runner.stream(clip[None].astype(np.float32) * np.float32(scale))[0][0, -1] for clip in features]
    return Outcome(np.array(scores), truth)


def _features(name: str, split: str, labels: tuple[str, ...], frontend: Any, audio: Path) -> tuple[Any, Any]:
    import numpy as np
    from kws_training.data.speech_commands import ClipSpec, FolderSpec, load_clips
    from kws_training.evaluate.clips import int8_features

    words = label_set(labels).keywords
    if split == "validation":
        clips = load_clips(ClipSpec(audio / "speech_commands", "validation", words=words, unknown_percent=100.0))
    else:
        names = audio / "kit12_test.txt" if name == "kit-12" else None
        folder = FolderSpec(audio / "speech_commands_test_set_v0.02", names)
        clips = load_clips(ClipSpec(folders=(folder,), words=words))
        if name == "canonical-8":
            rows = [row for row, clip in enumerate(clips.names) if clip.split("/", 1)[0] not in ("on", "off")]
            clips = dataclasses.replace(clips, pcm=clips.pcm[np.array(rows)], labels=clips.labels[np.array(rows)])
    print(f"{name}, {split}: {len(clips.labels)} clips", file=sys.stderr, flush=True)
    progress = Progress("features", len(clips.labels)).update
    return int8_features(frontend, clips.pcm, progress), clips.labels


def table(name: str, zoo: Path = ZOO) -> str:
    """Markdown of one set: a row for each precision, mean and standard deviation over the seeds.

    Raises:
      KwsError: a result is missing or damaged.
    """
    lines = [
        f"| {name} | Seeds | Validation | Test | Worst and best test | Against float | Model bytes |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    reference = _results(zoo, name, FLOAT)
    if not reference:
        raise KwsError(f"{zoo / name} holds no results. Run precision_table.py --measure AUDIO.")
    floats = {seed: result["test"]["float_batch"]["accuracy"] for seed, result in reference.items()}
    for folder, key, title in ROWS:
        results = _results(zoo, name, folder)
        if not results:
            continue
        validation, test = (
            {seed: result[split][key]["accuracy"] for seed, result in results.items()}
            for split in ("validation", "test")
        )
        differences = [100 * (test[seed] - floats[seed]) for seed in test]
        sizes = {result["model_bytes"] for result in results.values()}
        cells = [
            title,
            str(len(results)),
            _spread(validation.values()),
            _spread(test.values()),
            f"{100 * min(test.values()):.2f} to {100 * max(test.values()):.2f}",
            "" if key == "float_batch" else _differences(differences),
            f"{min(sizes):,}" if len(sizes) == 1 else f"{min(sizes):,} to {max(sizes):,}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    first = next(iter(reference.values()))
    text = (
        "Accuracy in per cent, mean ± standard deviation over the seeds, of "
        f"{first['validation_clips']:,} validation and {first['test_clips']:,} test clips. Against float: mean "
        "(least to greatest) difference in points, on test clips, from the same seed's float model on whole clips. "
        "Every row but the first streams 20 ms at a time; integer rows have TFLite Micro's integers, a part of them "
        "repeated by its interpreter."
    )
    return "\n".join([*lines, "", *textwrap.wrap(text, 128, break_on_hyphens=False)])


def _differences(values: list[float]) -> str:
    mean = f"{statistics.mean(values):+.2f}"
    return f"{mean} ({min(values):+.2f} to {max(values):+.2f})" if len(values) > 1 else mean


def _spread(values: Any) -> str:
    values = [100 * value for value in values]
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"


def _results(zoo: Path, name: str, precision: str) -> dict[str, Any]:
    """Results by seed."""
    try:
        return {
            path.parent.parent.name: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted((zoo / name).glob(f"s*/{precision}/{RESULT}"))
        }
    except (OSError, ValueError) as error:
        raise KwsError(f"cannot read the results of {precision}: {error}") from None


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when a README differs, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = readme_table.add_options(parser)
    mode.add_argument("--measure", type=Path, metavar="AUDIO", help="measure what has not been measured")
    parser.add_argument("--set", choices=SETS, help="measure this set only")
    options = parser.parse_args(argv)
    set_up(0, "kws_training")
    if options.measure:
        try:
            measure(options.measure, options.set)
        except (KwsError, OSError) as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
    return readme_table.run(options, list(NAMES), lambda name: table(NAMES[name]), READMES)


if __name__ == "__main__":
    sys.exit(main())
