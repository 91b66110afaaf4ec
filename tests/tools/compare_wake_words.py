"""microWakeWord's own runtime beside ours over recordings: features, scores and events of its four models.

    python -m tests.tools.compare_wake_words FOLDER         any folder of recordings, one after the other as one stream

Their side is the package pymicro-wakeword whole: front end, TensorFlow Lite for computers, mean and cut-off. It rounds
some sums in another way than TensorFlow Lite Micro, so that a few scores differ, and where a mean lies at the cut-off
an event in one step. What must be equal are the features, and the events that our detector makes of their scores.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.bundle import Bundle
from kws_reference.cli.progress import Progress
from kws_reference.detector.integer import Detector
from kws_reference.frontend.kinds import stream
from kws_reference.network.oracle import Network

from tests.support import wake_words

CHUNK_BYTES = 320
OF_THEIR_SCORES = "of their scores"
"""Events of our detector on their scores that differ from theirs."""


def main(argv: list[str] | None = None) -> int:
    """Prints a row for each model. Returns 0 if front ends and detectors are equal, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="MODEL", help=f"of {', '.join(wake_words.MODELS)} (default: all)")
    args = parser.parse_args(argv)
    pcm = np.concatenate([read_wav(path) for path in sorted(args.folder.rglob("*.wav"))])
    print(f"{len(pcm) / 16000 / 3600:.2f} h")
    equal = True
    for name in args.names or wake_words.MODELS:
        with tempfile.TemporaryDirectory() as folder:
            found = _compare(name, wake_words.adopt(name, Path(folder) / name), pcm)
        print(name, ", ".join(f"{what} {value:,}" for what, value in found.items()), flush=True)
        equal = equal and not found["features that differ"] and not found[OF_THEIR_SCORES]
    return 0 if equal else 1


def _compare(name: str, bundle: Bundle, pcm: np.ndarray) -> dict[str, int]:
    theirs = _their_features(pcm)
    ours = stream(bundle.frontend, bundle.features.zero_point).push(pcm)
    runtime = _their_runtime(name)
    quantized = np.round(theirs / np.float32(runtime.input_scale) + runtime.input_zero_point)
    network, frames = Network(bundle), bundle.frames_per_step
    detector, detector_of_theirs = Detector(bundle), Detector(bundle)
    names = ("steps", "scores that differ", "their events", "events that differ", OF_THEIR_SCORES)
    counts = dict.fromkeys(names, 0)
    progress = Progress(name, len(ours) // frames)
    for step in range(len(ours) // frames):
        rows = slice(step * frames, (step + 1) * frames)
        score = int(network.step(ours[rows])[0]) + 128
        ours_raised = _raises(detector, score)
        raised = [runtime.process_streaming(frame.reshape(1, 1, -1)) for frame in theirs[rows]][-1]
        their_score = round(runtime._probabilities[-1] * 256)
        counts["steps"] += 1
        counts["scores that differ"] += their_score != score
        counts["their events"] += bool(raised)
        counts["events that differ"] += bool(raised) != ours_raised
        counts[OF_THEIR_SCORES] += bool(raised) != _raises(detector_of_theirs, their_score)
        progress.update(step + 1)
    return {"features that differ": int((quantized != ours).sum()), **counts}


def _raises(detector: Detector, score: int) -> bool:
    """Args: score: uint8."""
    return detector.step(np.array([score - 128], np.int8)) is not None


def _their_features(pcm: np.ndarray) -> np.ndarray:
    from pymicro_features import MicroFrontend

    frontend, data, at, found = MicroFrontend(), pcm.astype("<i2").tobytes(), 0, []
    while at + CHUNK_BYTES <= len(data):
        output = frontend.process_samples(data[at : at + CHUNK_BYTES])
        at += 2 * output.samples_read
        if output.features:
            found.append(output.features)
    return np.array(found, np.float32)


def _their_runtime(name: str) -> Any:
    from pymicro_wakeword import MicroWakeWord

    return MicroWakeWord.from_config(wake_words.folder() / f"{name}.json")


if __name__ == "__main__":
    sys.exit(main())
