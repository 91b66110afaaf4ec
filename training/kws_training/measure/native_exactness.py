"""Does a model that was trained with native quantization compute in training what the device computes, bit for bit?

    python -m kws_training.measure.native_exactness --run RUN --bundle BUNDLE --data AUDIO/speech_commands --clips 500

Clips of the validation split, drawn by seed 0, go through the training graph's forward pass as a whole, and step by
step through the exported bundle in TFLite Micro's interpreter. Prints one line of JSON; exit status 1 if any int8 score
of any clip differs. For a model that was trained with fake quantization it tells how often, and by how much, the two
differ.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.bundle import Bundle
from kws_reference.cli.log import set_up
from kws_reference.cli.program import status_of
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.network.oracle import Network


def compare(model: Any, bundle: Bundle, features: np.ndarray) -> dict[str, int]:
    """Counts clips whose scores differ.

    Args:
      model: the Keras model of a quantized run.
      bundle: exported from it.
      features: int8 ``[clips, frames, coefficients]``.

    Returns:
      ``clips``, ``clips_that_differ``, ``scores_that_differ``, ``largest_difference`` in int8 steps, and
      ``answers_that_differ``: clips whose label of the highest score is another.
    """
    real = features.astype(np.float32) * np.float32(bundle.features.scale)
    logits = model.predict(real, batch_size=100, verbose=0)
    trained = np.rint(logits / np.float32(bundle.scores.scale)).astype(int) + bundle.scores.zero_point
    network, streamed = Network(bundle), np.empty_like(trained)
    progress = Progress("TFLite Micro", len(features))
    for number, clip in enumerate(features):
        network.reset()
        for frames in bundle.clock.whole_steps(clip):
            streamed[number] = network.step(frames)
        progress.update(number + 1)
    difference = np.abs(trained - streamed)
    return {
        "clips": len(features),
        "clips_that_differ": int((difference > 0).any(1).sum()),
        "scores_that_differ": int((difference > 0).sum()),
        "largest_difference": int(difference.max(initial=0)),
        "answers_that_differ": int((trained.argmax(1) != streamed.argmax(1)).sum()),
    }


def run(args: argparse.Namespace) -> int:
    """Compares; returns the exit status.

    Raises:
      KwsError: the run is not a quantized one, the bundle is of another, or there is no clip to compare.
    """
    if args.clips < 1:
        raise KwsError(f"--clips must be at least 1. Received: {args.clips}.")
    from kws_training.data.clips import ClipSpec
    from kws_training.data.int8_features import int8_features
    from kws_training.data.load_clips import load_clips
    from kws_training.train.trained_run import load_run

    settings, model = load_run(args.run)
    bundle = Bundle.load(args.bundle)
    if "precision" not in settings:
        raise KwsError(f"{args.run} is a float run. Give one that kws-train fit --precision trained.")
    if (list(bundle.labels), bundle.frontend.to_dict()) != (settings["labels"], settings["frontend"]):
        raise KwsError(f"{args.bundle} has other labels or features than {args.run}. Export it from that run.")
    clips = load_clips(ClipSpec(args.data, "validation", words=bundle.labels.keywords, unknown_percent=100.0))
    rows = np.sort(np.random.default_rng(0).permutation(len(clips))[: args.clips])
    if not len(rows):
        raise KwsError(
            f"{args.data} has no validation clip of {', '.join(bundle.labels.keywords)}. Give another --data."
        )
    result = compare(model, bundle, int8_features(bundle.frontend, clips.pcm[rows]))
    print(json.dumps({"precision": settings["precision"]["name"], **result}))
    return 1 if result["clips_that_differ"] else 0


def main(argv: list[str] | None = None) -> int:
    """Entry point. Returns 0, 1 when a score differs, 2 after an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="run folder of kws-train fit --precision")
    parser.add_argument("--bundle", type=Path, required=True, help="what kws-train export made of it")
    parser.add_argument("--data", type=Path, required=True, help="folder in the official Speech Commands layout")
    parser.add_argument("--clips", type=int, default=500)
    options = parser.parse_args(argv)
    set_up(0, "kws_training")
    return status_of(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main())
