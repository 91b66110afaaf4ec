"""``kws-host bench``: what a step costs, per stage and per layer, and the memory it takes."""

import argparse
from pathlib import Path

from kws_reference.cli import program
from kws_reference.errors import KwsError

from kws_host import benchmark, options, report
from kws_host.benchmark import STAGES, BenchJob
from kws_host.cycles import estimate
from kws_host.cycles.text import cycles_text
from kws_host.project import firmware_of
from kws_host.screen import table
from kws_host.target import open_device


def add_parser(subparsers: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Declares the options."""
    parser = subparsers.add_parser(
        "bench", help="measure instructions or cycles, stack and buffers", description=__doc__
    )
    options.add_target(parser)
    parser.add_argument("--wav", type=Path, help="what the device hears (default: noise from --seed)")
    parser.add_argument("--steps", type=int, default=100, help="of noise, at least 2 (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument(
        "--cycles",
        action="store_true",
        help="with --emulate, also estimate what it takes on chips with this core, by the core's documented timings",
    )
    options.add_json(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Measures and prints."""
    job = BenchJob(args.wav, args.steps, args.seed)
    target = options.target_of(args)
    traced = target.emulate if args.cycles else None
    if args.cycles and not traced:
        raise KwsError(
            "--cycles estimates from what an emulator executes: give --emulate. A chip counts its own cycles."
        )
    if traced:
        estimate.require_documented(traced)
    report.require_writable(args.json)
    with open_device(target) as device:
        result = benchmark.run(device, job)
        if traced:
            elf = target.elf or firmware_of(traced)
            result["cycles_estimate"] = estimate.estimate(device, traced, elf, benchmark.audio(device, job))
    if args.json:
        report.write_json(args.json, result)
    if args.json != "-":
        print(_text(result))
    return program.OK


def _text(result: dict) -> str:
    unit = result["unit"]
    source = "executed instructions (emulated core, not cycles)" if unit == "instructions" else "core clock cycles"
    parts = [
        f"{result['board']}, engine {result['engine']}, model {result['model']}: {source} of {result['steps']} steps",
        f"{_stage_table(result)}\nfront end per frame: {result['frontend_per_frame']:,.0f} {unit}",
        *([_part_table(result, "stage", result["frontend_stages"])] if result["frontend_stages"] else []),
        *([_part_table(result, "layer", result["layers"])] if result["layers"] else []),
        _memory_table(result["memory"]),
        *([cycles_text(result["cycles_estimate"])] if "cycles_estimate" in result else []),
    ]
    return "\n\n".join(parts)


def _stage_table(result: dict) -> str:
    rows = [
        (name, *(f"{result['stages'][name][key]:,.0f}" for key in ("mean", "min", "max"))) for name in (*STAGES, "step")
    ]
    return table(("stage", f"{result['unit']}/step", "min", "max"), rows, right=(1, 2, 3))


def _part_table(result: dict, kind: str, parts: list[dict]) -> str:
    whole = sum(part["mean"] for part in parts) or 1.0
    rows = [(x[kind], f"{x['mean']:,.0f}", f"{100 * x['mean'] / whole:.1f} %") for x in parts]
    heading = "front end" if kind == "stage" else kind
    return table((heading, f"{result['unit']}/step", "share"), rows, right=(1, 2))


def _memory_table(memory: dict[str, int]) -> str:
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
    return table(("memory", "bytes"), [(name, f"{value:,}") for name, value in rows], right=(1,))
