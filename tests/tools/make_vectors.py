"""Writes or checks tests/vectors/{frontend,frontend_micro,detector,detector_held,detector_quiet}.txt, golden integers.

    python -m tests.tools.make_vectors --check
    python -m tests.tools.make_vectors --overwrite

Each line is a word and its values, ``#`` begins a comment. The integers come from kws_reference; they change only when
the front end or the detector is meant to change, and devices and bundles in the field then no longer agree with it.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.detector.integer import Detector, DetectorTables
from kws_reference.frontend.integer import Mfcc, log_mel_q10
from kws_reference.frontend.micro import Micro
from kws_reference.frontend.tables import LOG_OFFSET_Q10

from tests.support.frontend_native import (
    DEFAULT_DETECTOR,
    HOLDING_DETECTOR,
    MICRO_CONFIG,
    QUIET_DETECTOR,
    SPEECH_CONFIG,
)

FOLDER = Path(__file__).resolve().parents[1] / "vectors"
FRAMES = 20
SEED = 11
REGENERATE = "python -m tests.tools.make_vectors --overwrite"


def frontend_pcm() -> np.ndarray:
    """Audio of the vectors, int16 [window + (FRAMES - 1) hops]: one stretch of each kind that a device meets."""
    samples = SPEECH_CONFIG.clock(1).samples_for(FRAMES)
    # Pulses through a falling resonance, in integers: the same on every machine.
    rng = np.random.default_rng(SEED)
    pulses = np.where(np.arange(samples) % 131 == 0, 6000, 0) + rng.integers(-40, 41, samples)
    values, last, before = [], 0, 0
    for index, pulse in enumerate(pulses.tolist()):
        last, before = ((31000 - 2 * index) * last - 15600 * before >> 14) + pulse, last
        values.append(last)
    pcm = np.clip(values, -32768, 32767).astype(np.int16)
    n = np.arange(samples)
    pcm[:500] //= 64  # quiet: left shifts
    pcm[1500:1900] = np.where(n[1500:1900] // 5 % 2, 32767, -32768)  # full scale: right shifts
    pcm[1900:2500] = 0
    pcm[2450] = -32768
    pcm[2900:3300] = rng.integers(-32768, 32768, 400)
    return pcm


def frontend_text() -> str:
    """Contents of frontend.txt."""
    config, pcm = SPEECH_CONFIG, frontend_pcm()
    windows = np.lib.stride_tricks.sliding_window_view(pcm, config.window_samples)[:: config.hop_samples]
    mfcc = Mfcc(config)
    log_mel = log_mel_q10(windows, mfcc.tables) - LOG_OFFSET_Q10
    lines = [
        f"# Golden values of the front end. Written by {REGENERATE}",
        f"# seed {SEED}",
        f"# log_mel: log2 in Q10 minus {LOG_OFFSET_Q10}, not normalised: holds for every bundle of this geometry.",
        "# features: with the mean, std and steps below, zero point 0.",
        _line("geometry", [config.sample_rate_hz, config.window_samples, config.hop_samples, config.fft_size]),
        _line("mel", [config.mel_bands, config.mel_low_hz, config.mel_high_hz, config.coefficients]),
        _line("mean", config.feature_mean),
        _line("std", config.feature_std),
        _line("steps", [config.feature_steps_per_std]),
    ]
    lines += [_line("pcm", part) for part in np.array_split(pcm, len(pcm) // config.hop_samples)]
    for index, features in enumerate(mfcc.frames(pcm)):
        lines += [_line(f"log_mel {index}", log_mel[index]), _line(f"features {index}", features)]
    return "\n".join(lines) + "\n"


def micro_text() -> str:
    """Contents of frontend_micro.txt."""
    pcm, micro = frontend_pcm(), Micro(MICRO_CONFIG)
    lines = [
        f"# Golden values of the micro front end. Written by {REGENERATE}",
        f"# seed {SEED}",
        "# logs: what TensorFlow's microfrontend library gives. features: quantized as a microWakeWord model asks for.",
        *(f"{name} {value}" for name, value in MICRO_CONFIG.to_dict().items()),
    ]
    lines += [_line("pcm", part) for part in np.array_split(pcm, len(pcm) // MICRO_CONFIG.hop_samples)]
    for index, (logs, features) in enumerate(zip(micro.logs(pcm), micro.frames(pcm), strict=True)):
        lines += [_line(f"logs {index}", logs), _line(f"features {index}", features)]
    return "\n".join(lines) + "\n"


def detector_scores() -> np.ndarray:
    """Scores of the vectors, int8 [steps, labels]: words that come and go, noise, ties and extremes."""
    rng = np.random.default_rng(SEED)
    scores = rng.integers(-60, 20, (90, 12))
    for first, label, value in ((5, 3, 90), (30, 7, 70), (44, 0, 120), (60, 11, 127)):
        scores[first : first + 14, label] = value
    scores[25:28] = 17  # all equal
    scores[75:] = rng.choice([-128, 127], (15, 12))
    return scores.astype(np.int8)


def held_scores() -> np.ndarray:
    """Scores of the vectors of a detector that holds, int8 [steps, labels]."""
    rng = np.random.default_rng(SEED)
    scores = rng.integers(-90, -40, (170, 12))
    scores[5:50, 3] = 60  # stays high
    scores[55:100, 4] = np.where(np.arange(45) // 6 % 2, -20, 10)  # flickers about the threshold
    scores[55:100, 0] = -10
    scores[20:30, 5] = 58  # second to a label that is held, at last the largest
    scores[30:36, 5] = 75
    scores[100:104, 6] = scores[107:125, 6] = 60  # falls within the refractory period
    scores[125:140, 7] = 60
    scores[125:140, 8] = 60  # equals
    scores[140:170, 9] = np.linspace(100, -60, 30)
    return scores.astype(np.int8)


def detector_text() -> str:
    """Contents of detector.txt: no label is held."""
    return _detector_text(DEFAULT_DETECTOR, detector_scores())


def detector_held_text() -> str:
    """Contents of detector_held.txt: labels are held until they fall below their releases."""
    return _detector_text(HOLDING_DETECTOR, held_scores())


def quiet_scores() -> np.ndarray:
    """Scores of the vectors of a detector that asks for runs and quiet, int8 [steps, labels]."""
    rng = np.random.default_rng(SEED)
    scores = rng.integers(-60, -50, (220, 12))
    scores[:, 1] = 10  # busy, but for two pauses
    scores[70:90, 1] = -55  # no label stands out
    scores[150:170, 1], scores[150:170, 0] = -60, 40  # silence does
    scores[10:30, 3] = 45  # busy: not certain enough
    scores[40:60, 3] = 110  # certain enough
    scores[88:100, 3] = 45  # behind the pause
    scores[104:120, 4] = 40  # too long behind it
    scores[125:128, 5], scores[130:133, 5] = 90, 90  # runs too short
    scores[168:180, 6] = 45
    scores[181:200, 9] = 120  # never while busy
    return scores.astype(np.int8)


def detector_quiet_text() -> str:
    """Contents of detector_quiet.txt: runs are asked for, and more certainty when it was not quiet just now."""
    return _detector_text(QUIET_DETECTOR, quiet_scores())


def _detector_text(t: DetectorTables, scores: np.ndarray) -> str:
    lines = [
        f"# Golden values of the detector. Written by {REGENERATE}",
        f"# seed {SEED}",
        "# Per step: scores, smoothed posteriors (Q15), and what was detected, if anything: event STEP LABEL SMOOTHED.",
        _line("smoothing_steps", [t.smoothing_steps]),
        _line("refractory_steps", [t.refractory_steps]),
        _line("threshold_q15", t.threshold_q15),
        _line("release_q15", t.release_q15),
        _line("exp_q15", t.exp_q15),
    ]
    if t.run_steps > 1:
        lines += [
            _line("run_steps", [t.run_steps]),
            _line("quiet_q15", t.quiet_q15),
            _line("quiet_steps", [t.quiet_steps]),
            _line("busy_threshold_q15", t.when_busy_q15),
        ]
    detector = Detector(t)
    for row in scores:
        event = detector.step(row)
        lines += [_line("scores", row), _line("smoothed", detector.smoothed_q15)]
        if event:
            lines.append(_line("event", [event.step, event.label, event.smoothed_q15]))
    return "\n".join(lines) + "\n"


def read_vectors(path: Path) -> list[tuple[str, list[str]]]:
    """Reads a vector file: (word, values) of each line that is no comment."""
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [(words[0], words[1:]) for words in lines]


def _line(word: str, values: Any) -> str:
    return f"{word} {' '.join(str(value) for value in np.asarray(values).tolist())}"


FILES = {
    "frontend.txt": frontend_text,
    "frontend_micro.txt": micro_text,
    "detector.txt": detector_text,
    "detector_held.txt": detector_held_text,
    "detector_quiet.txt": detector_quiet_text,
}


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Returns 0, or 1 when --check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="exit 1 if a file differs from what would be written")
    mode.add_argument("--overwrite", action="store_true", help="write the files")
    options = parser.parse_args(arguments)
    stale = []
    for name, make in FILES.items():
        path, text = FOLDER / name, make()
        if options.overwrite:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    if stale:
        print(f"differs: {', '.join(stale)}. If the change is meant: {REGENERATE}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
