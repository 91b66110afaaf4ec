"""What a step takes on boards with a core whose timings are documented: cycles, share of real time, lowest clock."""

import dataclasses
import functools
import operator
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError

from kws_host.benchmark import STAGES
from kws_host.bulk_run import EmulatedBoard
from kws_host.cycles import cortex_m4, stages, trace
from kws_host.cycles.chips import Chip, chips
from kws_host.cycles.cortex_m4 import Cycles
from kws_host.cycles.flash import CodeCache
from kws_host.cycles.stages import StepTrace
from kws_host.device import Device
from kws_host.emulator.boards import board_facts

CORE = "cortex-m4"
TRACED_STEPS = 8
"""From the beginning of what the device heard; a step executes 50,000 lines of the log."""

_UNDOCUMENTED = {
    "cortex-m7": "it issues two instructions at once, and its manual states no timings of single ones",
    "cortex-m33": "its manual states no timings of single instructions",
    "cortex-m55": "its manual states no timings of single instructions, and Helium's overlap",
}


@dataclasses.dataclass(frozen=True)
class Traced:
    """What some steps executed and took, at memory without wait states.

    Attributes:
      steps: how many.
      instructions: of a step, mean, by stage.
      cycles: the same, least, likely and most.
      pieces: all of the steps, in order, for `CodeCache`.
    """

    steps: int
    instructions: dict[str, float]
    cycles: dict[str, dict[str, float]]
    pieces: list[tuple[Sequence[trace.Block], list[Cycles]]]


def require_documented(board: str) -> None:
    """Raises KwsError unless the timings of an emulated board's core are documented."""
    name = board_facts(board).name
    core = next(chip.core for chip in chips() if chip.board == name)
    if core != CORE:
        why = _UNDOCUMENTED.get(core, "its timings are not in this program")
        raise KwsError(f"cycles can be estimated for a {CORE} only. Received: {board}, a {core}: {why}.")


def estimate(device: Device, board: str, elf: Path, pcm: np.ndarray) -> dict:
    """Estimates cycles of a step.

    Args:
      device: the emulated board, whose counter the trace is compared with.
      board: its name, or an environment's.
      elf: its firmware.
      pcm: int16 ``[samples]`` of what it hears, of which the first steps are traced.

    Returns:
      For machines: instructions and cycles by stage, and a row for each board with such a core.

    Raises:
      KwsError: the board's core has no documented timings, or the trace is not what the device counts.
    """
    require_documented(board)
    part = pcm[: device.clock.samples_for(min(TRACED_STEPS, device.clock.steps_in(len(pcm))))]
    steps = stages.steps_of(trace.record(EmulatedBoard(board, elf), part))
    _compare(device, part, steps)
    traced = _add_up(steps)
    step_s = device.info.frames_per_step * device.info.hop_samples / device.info.sample_rate_hz
    weights = device.stats().weights_bytes
    return {
        "core": CORE,
        "steps": traced.steps,
        "instructions": traced.instructions,
        "cycles": traced.cycles,
        "boards": [_on(chip, traced, weights, step_s) for chip in chips() if chip.core == CORE],
    }


def _compare(device: Device, part: np.ndarray, steps: Sequence[StepTrace]) -> None:
    """Raises KwsError unless engine and detector executed what the device's counter says.

    Of the front end it depends, by some instructions, on how the samples were cut into blocks on their way.
    """
    records = device.run(part).steps
    for name in ("engine", "detector"):
        counted = [device.info.units(getattr(record, f"{name}_ticks")) for record in records]
        traced = [stages.instructions_of(getattr(step, name)) for step in steps]
        if counted != traced:
            raise KwsError(
                f"the trace of the {name} is not what the device counts: use the same firmware for both. "
                f"Received: {traced}, counted {counted}."
            )


def _add_up(steps: Sequence[StepTrace]) -> Traced:
    totals = dict.fromkeys(STAGES, Cycles(0, 0, 0))
    counts = dict.fromkeys(STAGES, 0)
    pieces = []
    for step in steps:
        for stage in STAGES:
            for piece in getattr(step, stage):
                cycles = cortex_m4.cycles_of(piece)
                totals[stage] = functools.reduce(operator.add, cycles, totals[stage])
                pieces.append((piece, cycles))
            counts[stage] += stages.instructions_of(getattr(step, stage))
    totals["step"] = functools.reduce(operator.add, totals.values())
    counts["step"] = sum(counts.values())
    mean = len(steps)
    return Traced(
        steps=mean,
        instructions={stage: count / mean for stage, count in counts.items()},
        cycles={
            stage: {key: value / mean for key, value in dataclasses.asdict(total).items()}
            for stage, total in totals.items()
        },
        pieces=pieces,
    )


def _on(chip: Chip, traced: Traced, weights_bytes: int, step_s: float) -> dict:
    """A board's row. Waiting for weights: each line of them is read once a step, and nothing reads it ahead."""
    waits, weight_waits = 0.0, 0.0
    if chip.flash is not None:
        cache = CodeCache(chip.flash)
        waits = sum(cache.waits(piece, cycles) for piece, cycles in traced.pieces) / traced.steps
        weight_waits = float(weights_bytes / chip.flash.line_bytes * chip.flash.wait_states)
    cycles = traced.cycles["step"]["likely"] + waits + weight_waits
    return {
        "board": chip.board,
        "clock_hz": chip.clock_hz,
        "wait_states": None if chip.flash is None else chip.flash.wait_states,
        "code_waits": waits,
        "weight_waits": weight_waits,
        "cycles": cycles,
        "share": cycles / (chip.clock_hz * step_s),
        "lowest_clock_hz": cycles / step_s,
    }
