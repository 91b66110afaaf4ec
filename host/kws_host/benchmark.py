"""What a step costs a device, per stage and per layer, and the memory it takes."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.frontend import micro_config
from kws_reference.protocol.messages import MAX_PROFILED_LAYERS, ClockKind, Config, Info, NamesKind, StepRecord
from kws_reference.timing import StepClock

from kws_host.device import Device
from kws_host.link import RequestRefused

log = logging.getLogger(__name__)

STAGES = ("frontend", "engine", "detector")
NOISE_PEAK = 8000
MIN_STEPS = 2


@dataclasses.dataclass(frozen=True)
class BenchJob:
    """What the device hears while it is measured.

    Attributes:
      wav: a recording; None: noise.
      steps: of noise, at least `MIN_STEPS`.
      seed: of the noise.
    """

    wav: Path | None = None
    steps: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < MIN_STEPS:
            raise KwsError(f"--steps must be at least {MIN_STEPS}. Received: {self.steps}.")


def run(device: Device, job: BenchJob) -> dict:
    """Measures a device. Returns `measure`'s result.

    Raises:
      KwsError: the device has no counter, or the recording is too short or cannot be read.
    """
    if device.info.clock_kind == ClockKind.NONE:
        raise KwsError(f"board {device.info.board} has no counter to measure with. Use another board.")
    return measure(device, audio(device, job))


def audio(device: Device, job: BenchJob) -> np.ndarray:
    """Returns what the device hears, int16 ``[samples]``.

    Raises:
      KwsError: the recording is too short or cannot be read.
    """
    if job.wav is None:
        return noise(device.clock, job.steps, job.seed)
    pcm = read_wav(job.wav, device.info.sample_rate_hz)
    if device.clock.steps_in(len(pcm)) < MIN_STEPS:
        raise KwsError(f"{job.wav}: {len(pcm)} samples are less than two steps. Give a longer recording.")
    return pcm


def noise(clock: StepClock, steps: int, seed: int = 0) -> np.ndarray:
    """Returns noise that gives so many steps, int16 ``[samples]``."""
    rng = np.random.default_rng(seed)
    return rng.integers(-NOISE_PEAK, NOISE_PEAK, clock.samples_for(steps), dtype=np.int16)


def measure(device: Device, pcm: np.ndarray) -> dict:
    """Streams a recording twice: stages first, then layers, whose counting slows the engine a little.

    Args:
      device: with a counter.
      pcm: int16 ``[samples]``, at least two steps.

    Returns:
      For machines: per stage and for the whole step mean, least and most, per stage of the front end (where the device
      tells them apart) and per layer the mean of a step, all in `unit`; bytes of memory.
    """
    info = device.info
    progress = Progress("measuring", 2 * len(pcm))
    device.configure(Config.NONE)
    steps = device.run(pcm, progress.update).steps
    stats = device.stats()
    stages = _stages(info, steps)
    frontend_stages = _frontend_stages(device, pcm)
    layers = _layers(device, _part_for_layers(device.clock, pcm, steps), lambda done: progress.update(len(pcm) + done))
    progress.update(2 * len(pcm))
    return {
        "board": info.board,
        "engine": info.engine,
        "model": info.model_name,
        "model_sha256": info.model_sha256,
        "unit": info.unit,
        "steps": len(steps),
        "frames_per_step": info.frames_per_step,
        "stages": stages,
        "frontend_per_frame": stages["frontend"]["mean"] / info.frames_per_step,
        "frontend_stages": frontend_stages,
        "layers": layers,
        "memory": {key: value for key, value in dataclasses.asdict(stats).items() if key.endswith("_bytes")},
    }


def _stages(info: Info, steps: Sequence[StepRecord]) -> dict[str, dict[str, float]]:
    """Mean, least and most of each stage, and of the whole step."""
    units = {stage: [info.units(getattr(step, f"{stage}_ticks")) for step in steps] for stage in STAGES}
    units["step"] = [sum(of_step) for of_step in zip(*units.values(), strict=True)]
    return {
        stage: {"mean": float(np.mean(values)), "min": min(values), "max": max(values)}
        for stage, values in units.items()
    }


def _frontend_stages(device: Device, pcm: np.ndarray) -> list[dict]:
    """Mean of each stage of the front end; none where the device does not tell them apart."""
    try:
        device.configure(Config.FRONTEND_DIGESTS)
    except RequestRefused:
        return []
    try:
        ticks = [digest.ticks for digest in device.run(pcm).frontend_digests]
    finally:
        device.configure(Config.NONE)
    return [
        {"stage": name, "mean": sum(device.info.units(step[index]) for step in ticks) / len(ticks)}
        for index, name in enumerate(micro_config.STAGES)
    ]


def _layers(device: Device, pcm: np.ndarray, on_progress: Callable[[int], None]) -> list[dict]:
    """Mean of each layer; none where there are more than the firmware counts."""
    info = device.info
    if info.layer_count > MAX_PROFILED_LAYERS:
        log.info(
            f"note: no table of layers: the firmware counts up to {MAX_PROFILED_LAYERS}, this network has "
            f"{info.layer_count}"
        )
        return []
    if not info.layer_count:
        return []
    names = device.names(NamesKind.LAYERS)
    device.configure(Config.PROFILE)
    try:
        device.run(pcm, on_progress)
        bench = device.bench()
    finally:
        device.configure(Config.NONE)
    return [
        {"layer": name, "mean": info.units(ticks) / bench.steps}
        for name, ticks in zip(names, bench.layer_ticks, strict=True)
    ]


def _part_for_layers(clock: StepClock, pcm: np.ndarray, steps: Sequence[StepRecord]) -> np.ndarray:
    """As much of the recording as keeps every sum of a layer's ticks below 2^32, where the device's sums wrap."""
    longest = max(step.engine_ticks for step in steps)
    most = max(1, 2**32 // (2 * max(1, longest)))  # counting costs some, less than half
    return pcm[: clock.samples_for(most)]
