"""``kws-host bench``: what a step costs, per stage and per layer, and the memory it takes."""

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import MAX_PROFILED_LAYERS, ClockKind, Config, NamesKind, StepRecord

from kws_host import options, report
from kws_host.device import Device

log = logging.getLogger(__name__)

STAGES = ("frontend", "engine", "detector")


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "bench", help="measure instructions or cycles, stack and buffers", description=__doc__
    )
    options.add_port(parser)
    parser.add_argument("--wav", type=Path, help="what the device hears (default: noise from --seed)")
    parser.add_argument("--steps", type=int, default=100, help="of noise, at least 2 (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Measures and prints."""
    if args.steps < 2:
        raise KwsError(f"--steps must be at least 2. Received: {args.steps}.")
    report.require_writable(args.json)
    with options.open_device(args) as device:
        info = device.info
        if info.clock_kind == ClockKind.NONE:
            raise KwsError(f"board {info.board} has no counter to measure with. Use another board.")
        if args.wav:
            pcm = read_wav(args.wav, info.sample_rate_hz)
        else:
            samples = info.window_samples + (args.steps * info.frames_per_step - 1) * info.hop_samples
            pcm = np.random.default_rng(args.seed).integers(-8000, 8000, samples, dtype=np.int16)
        if device.step_count(len(pcm)) < 2:
            raise KwsError(f"{args.wav}: {len(pcm)} samples are less than two steps. Give a longer recording.")
        result = measure(device, pcm)
    if args.json:
        report.write_json(args.json, result)
        if args.json == "-":
            return 0
    print(_text(result))
    return 0


def measure(device: Device, pcm: np.ndarray) -> dict:
    """Streams the recording twice: stages first, then layers, whose counting slows the engine a little."""
    info = device.info
    progress = Progress("measuring", 2 * len(pcm))
    device.configure(Config.NONE)
    steps = device.run(pcm, progress.update).steps
    stats = device.stats()
    stages = {}
    for stage in STAGES:
        values = [info.units(getattr(step, f"{stage}_ticks")) for step in steps]
        stages[stage] = {"mean": float(np.mean(values)), "min": min(values), "max": max(values)}
    total = [sum(info.units(getattr(step, f"{stage}_ticks")) for stage in STAGES) for step in steps]
    stages["step"] = {"mean": float(np.mean(total)), "min": min(total), "max": max(total)}
    layers = []
    if info.layer_count > MAX_PROFILED_LAYERS:
        log.info(
            f"note: no table of layers: the firmware counts up to {MAX_PROFILED_LAYERS}, this network has "
            f"{info.layer_count}"
        )
        progress.update(2 * len(pcm))
    elif info.layer_count:
        names = device.names(NamesKind.LAYERS)
        device.configure(Config.PROFILE)
        try:
            device.run(_part_for_layers(device, pcm, steps), lambda done: progress.update(len(pcm) + done))
            bench = device.bench()
            progress.update(2 * len(pcm))
        finally:
            device.configure(Config.NONE)
        layers = [
            {"layer": name, "mean": info.units(ticks) / bench.steps}
            for name, ticks in zip(names, bench.layer_ticks, strict=True)
        ]
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
        "layers": layers,
        "memory": {key: value for key, value in dataclasses.asdict(stats).items() if key.endswith("_bytes")},
    }


def _part_for_layers(device: Device, pcm: np.ndarray, steps: Sequence[StepRecord]) -> np.ndarray:
    """As much of the recording as keeps every sum of a layer's ticks below 2^32, where the device's sums wrap."""
    info = device.info
    longest = max(step.engine_ticks for step in steps)
    most = max(1, 2**32 // (2 * max(1, longest)))  # counting costs some, less than half
    return pcm[: info.window_samples + (most * info.frames_per_step - 1) * info.hop_samples]


def _text(result: dict) -> str:
    source = (
        "executed instructions (emulated core, not cycles)" if result["unit"] == "instructions" else "core clock cycles"
    )
    lines = [
        f"{result['board']}, engine {result['engine']}, model {result['model']}: {source} of {result['steps']} steps",
        "",
    ]
    rows = [
        (name, *(f"{result['stages'][name][key]:,.0f}" for key in ("mean", "min", "max"))) for name in (*STAGES, "step")
    ]
    lines.append(report.table(("stage", f"{result['unit']}/step", "min", "max"), rows, right=(1, 2, 3)))
    lines.append(f"front end per frame: {result['frontend_per_frame']:,.0f} {result['unit']}")
    if result["layers"]:
        whole = sum(layer["mean"] for layer in result["layers"]) or 1.0
        rows = [(x["layer"], f"{x['mean']:,.0f}", f"{100 * x['mean'] / whole:.1f} %") for x in result["layers"]]
        lines += ["", report.table(("layer", f"{result['unit']}/step", "share"), rows, right=(1, 2))]
    memory = result["memory"]
    rows = [
        ("engine states", memory["state_bytes"]),
        ("engine scratch", memory["scratch_bytes"]),
        ("front end", memory["frontend_bytes"]),
        ("detector", memory["detector_bytes"]),
        ("link", memory["link_bytes"]),
        ("audio ring", memory["audio_ring_bytes"]),
        ("weights (flash)", memory["weights_bytes"]),
    ]
    if memory["stack_size_bytes"]:
        rows.append(("stack used", memory["stack_used_bytes"]))
        rows.append(("stack size", memory["stack_size_bytes"]))
    lines += ["", report.table(("memory", "bytes"), [(name, f"{value:,}") for name, value in rows], right=(1,))]
    return "\n".join(lines)
