"""Matchbox at every precision: measures the committed runs and bundles, for `kws_training.tables.precisions`.

    python -m kws_training.measure.precisions AUDIO    write evaluation.json into every folder that has none

Runs and bundles lie in ``training/zoo/experiments/precision/<set>/s<seed>/<precision>``: a ``float`` run (settings and
weights), a ``dynamic`` .tflite, and a bundle for every other precision. AUDIO holds ``speech_commands``,
``speech_commands_test_set_v0.02`` and, for kit-12, ``kit12_test.txt``.
"""

import argparse
import dataclasses
import json
import logging
import sys
from pathlib import Path
from typing import Any

from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.labels import LabelSet

from kws_training.tables.precisions import DYNAMIC, FLOAT, RESULT, SETS, ZOO

log = logging.getLogger(__name__)


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

    from kws_training.convert.float import float_tflite
    from kws_training.evaluate import clips as evaluation
    from kws_training.streaming import to_streaming
    from kws_training.train.trained_run import load_run

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
        log.info(f"{folder.relative_to(ZOO)}: {split}")
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

    from kws_training.data.clips import ClipSpec, FolderSpec
    from kws_training.data.int8_features import int8_features
    from kws_training.data.load_clips import load_clips

    words = LabelSet(labels).keywords
    if split == "validation":
        clips = load_clips(ClipSpec(audio / "speech_commands", "validation", words=words, unknown_percent=100.0))
    else:
        names = audio / "kit12_test.txt" if name == "kit-12" else None
        folder = FolderSpec(audio / "speech_commands_test_set_v0.02", names)
        clips = load_clips(ClipSpec(folders=(folder,), words=words))
        if name == "canonical-8":
            rows = [row for row, clip in enumerate(clips.names) if clip.split("/", 1)[0] not in ("on", "off")]
            clips = dataclasses.replace(clips, pcm=clips.pcm[np.array(rows)], labels=clips.labels[np.array(rows)])
    log.info(f"{name}, {split}: {len(clips.labels)} clips")
    progress = Progress("features", len(clips.labels)).update
    return int8_features(frontend, clips.pcm, progress), clips.labels


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("audio", type=Path, help="folder of the audio")
    parser.add_argument("--set", choices=SETS, help="measure this set only")
    options = parser.parse_args(argv)
    set_up(0, "kws_training")

    def work() -> int:
        measure(options.audio, options.set)
        return 0

    return status_of(work)


if __name__ == "__main__":
    sys.exit(main())
