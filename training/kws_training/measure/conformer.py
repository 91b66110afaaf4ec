"""What a streaming Conformer encoder costs as float32 and as int8, 20 ms at a time; its weights are random."""

import dataclasses
import json
import logging
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError

from kws_training.convert import staged
from kws_training.convert.float_operators import float_operators, named
from kws_training.data.log_mel import LogMelStream
from kws_training.measure.step_cost import FEATURE_STEPS, measure
from kws_training.models import conformer
from kws_training.models.conformer import ConformerConfig

log = logging.getLogger(__name__)


FRAMES_PER_STEP = 2  # 20 ms
CALIBRATION_STEPS = 150  # more than the attention's window
CHECKED_STEPS = 4  # compared with the streaming model in Keras
# "Speech models design and deployment on device", tinyML Summit 2022: Conformer encoder, phone, float32 and int8.
TALK = {"step_ms": [31.0, 13.0], "memory_mb": [960.0, 160.0]}


@dataclasses.dataclass(frozen=True)
class ConformerJob:
    """One measurement.

    Attributes:
      layers: conformer blocks.
      size: channels of the encoder.
      steps: of 20 ms, of one measurement.
      rounds: measurements of each form; the best counts.
      seed: of weights and audio.
      models: folder that keeps the converted models; None: they are thrown away.
    """

    layers: int = 17
    size: int = 512
    steps: int = 200
    rounds: int = 3
    seed: int = 1
    models: Path | None = None


def measure_conformer(job: ConformerJob) -> dict[str, Any]:
    """Converts and measures; the full size needs 2 GB of disk and 14 GB of memory.

    Raises:
      KwsError: the folder holds another model, the memory does not suffice, or the conversion fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _measured(ConformerConfig.scaled(job.layers, job.size), job, job.models or Path(folder))


def _measured(config: ConformerConfig, job: ConformerJob, folder: Path) -> dict[str, Any]:
    features, frontend_ms = _features(config, max(job.steps, CALIBRATION_STEPS), job.seed)
    log.info(f"{config.layers} layers of {config.size} channels: {config.parameters / 1e6:.1f} million parameters")
    _convert(config, job.seed, features, folder)
    information = json.loads((folder / staged.MODEL).read_text())
    files = {"float32": folder / staged.FLOAT, "int8": folder / staged.INT8}
    costs = _costs(files, information["states"], features[: job.steps], job.rounds)
    outputs = {kind: np.load(path.with_suffix(".npy")).reshape(job.steps, -1) for kind, path in files.items()}
    left = float_operators(files["int8"].read_bytes())
    state_numbers = sum(math.prod(shape) for shape in information["states"].values())
    counts = {key: information[key] for key in ("parameters", "macs_per_step")}
    return {
        "model": {**config.to_dict(), **counts, "weights": "random"},
        "int8_kind": f"integers but for {named(left)}" if left else "full integer",
        "int8_float_operators": len(left),
        "step_ms_of_audio": 10 * FRAMES_PER_STEP,
        "steps": job.steps,
        "rounds": job.rounds,
        "seed": job.seed,
        "threads": 1,
        "load_average": round(os.getloadavg()[0], 1),
        "state_bytes": {"float32": 4 * state_numbers, "int8": state_numbers},
        "frontend_step_ms": frontend_ms,
        **costs,
        "float32_over_int8": {
            key: round(costs["float32"][key] / costs["int8"][key], 2)
            for key in ("step_ms", "cpu_ms", "fastest_ms", "peak_mb", "file_mb")
        },
        "talk": {**TALK, "float32_over_int8": {key: round(a / b, 2) for key, (a, b) in TALK.items()}},
        **_differences(outputs["float32"], outputs["int8"], np.load(folder / staged.EXPECTED)),
    }


def _convert(config: ConformerConfig, seed: int, features: np.ndarray, folder: Path) -> None:
    """Builds the model and converts it to float32 and int8, each stage unless the folder has its result."""
    _claim(folder, {**config.to_dict(), "seed": seed})
    first = features[:CHECKED_STEPS].reshape(1, -1, config.mel_bands)
    grid = np.clip(np.rint(features[:CALIBRATION_STEPS] * FEATURE_STEPS), -128, 127) / np.float32(FEATURE_STEPS)
    for function, values, made in (
        (staged.save, (conformer.build, config, FRAMES_PER_STEP, seed, first, folder), staged.MODEL),
        (staged.convert_float, (folder,), staged.FLOAT),
        (staged.convert_int8, (folder, grid, 1 / FEATURE_STEPS), staged.INT8),
    ):
        if not (folder / made).exists():
            began = time.monotonic()
            staged.stage(function, *values, weight_bytes=4 * config.parameters)
            log.info(f"{function.__name__}: {time.monotonic() - began:.0f} s")


def _costs(files: dict[str, Path], states: Any, features: np.ndarray, rounds: int) -> dict[str, dict[str, Any]]:
    """Megabytes of each file, and the best of its rounds; what a file computes lies beside it as ``.npy``."""
    measured: dict[str, list[dict[str, float]]] = {kind: [] for kind in files}
    progress = Progress("measuring", rounds * len(files))
    for turn in range(rounds):
        for number, (kind, path) in enumerate(files.items(), 1):  # in turns: what else runs here hits both
            measured[kind].append(measure(path, states, features, path.with_suffix(".npy")))
            progress.update(len(files) * turn + number)
    return {
        kind: {"file_mb": round(path.stat().st_size / 1e6, 3), **_best(measured[kind])} for kind, path in files.items()
    }


def _differences(floating: np.ndarray, int8: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """How far the float file is from Keras, and int8 from it. Args: all: outputs ``[steps, ...]``, of Keras a few."""
    checked = min(len(expected), len(floating))
    return {
        "float32_tflite_differs_from_keras_by": float(np.abs(floating[:checked] - expected[:checked]).max()),
        "int8_error_of_output": round(float((int8 - floating).std() / floating.std()), 4),
    }


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Makes the folder, or checks that what it holds was made with the same settings."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "settings.json"
    if not path.exists():
        path.write_text(json.dumps(settings))
    elif json.loads(path.read_text()) != settings:
        raise KwsError(f"{folder} holds another Conformer. Choose another --models.")


def _best(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """The least of each figure: other work on the machine only adds. All medians are kept beside it."""
    best = {key: round(min(entry[key] for entry in rounds), 3) for key in rounds[0]}
    return {**best, "step_ms_of_rounds": [round(entry["step_ms"], 3) for entry in rounds]}


def _features(config: ConformerConfig, steps: int, seed: int) -> tuple[np.ndarray, float]:
    """Standardised log-mel of seeded, speech-like audio, ``[steps, frames, bands]``, and the time that a step takes."""
    settings = conformer.frontend(config)
    clock = settings.clock(FRAMES_PER_STEP)
    audio = _speech_like(clock.samples_for(steps), clock.sample_rate_hz, seed)
    stream, collected, times = LogMelStream(settings), [], []
    first = clock.first_step_samples - clock.step_samples  # then every step waits for as many samples
    stream.push(audio[:first])
    for end in clock.end_samples(np.arange(steps)):
        began = time.perf_counter()
        collected.append(stream.push(audio[first:end]))
        first = end
        times.append(1e3 * (time.perf_counter() - began))
    features = np.array(collected)
    features -= features.mean((0, 1))
    features /= features.std((0, 1)) + 1e-3
    return features, round(float(np.median(times)), 3)


def _speech_like(samples: int, rate_hz: int, seed: int) -> np.ndarray:
    """Syllables of a gliding harmonic tone and of noise, float32 in int16 units."""
    random = np.random.default_rng(seed)
    seconds = np.arange(samples) / rate_hz
    pitch_hz = 120 + 40 * np.sin(2 * np.pi * 0.7 * seconds)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 20))
    syllables = np.maximum(0, np.sin(2 * np.pi * 4 * seconds)) ** 2
    noise = random.standard_normal(samples)
    hiss = np.maximum(0, np.sin(2 * np.pi * 4 * seconds + 2.5)) ** 4
    return (3000 * syllables * voice + 1000 * hiss * noise + 20 * noise).astype(np.float32)


def table(result: dict[str, Any]) -> list[str]:
    """The figures as lines of text, beside those of the talk."""
    ratios, talk = result["float32_over_int8"], result["talk"]
    rows = [
        ("ms per 20 ms step", "step_ms", talk["step_ms"], talk["float32_over_int8"]["step_ms"]),
        ("processor time, ms", "cpu_ms", None, None),
        ("fastest step, ms", "fastest_ms", None, None),
        ("peak memory, MB", "peak_mb", talk["memory_mb"], talk["float32_over_int8"]["memory_mb"]),
        ("file, MB", "file_mb", None, None),
    ]
    lines = [f"int8: {result['int8_kind']}", f"{'':18} {'float32':>9} {'int8':>9} {'ratio':>6}   the talk's"]
    for title, key, given, ratio in rows:
        numbers = f"{result['float32'][key]:9.2f} {result['int8'][key]:9.2f} {ratios[key]:6.1f}"
        lines.append(f"{title:18} {numbers}" + (f"   {given[0]:g} -> {given[1]:g}: {ratio:.1f}" if given else ""))
    return lines
