"""Cuts a trace into steps and stages, where the firmware reads its counter (`Pipeline` in firmware/src/app)."""

import dataclasses
from collections.abc import Sequence

from kws_reference.errors import KwsError

from kws_host.cycles.trace import Block

_TICKS = "_ZN3kws5board5TicksEv"
_ENGINE_STEP = "_ZN3kws6engine4StepEPKaPa"


@dataclasses.dataclass(frozen=True)
class StepTrace:
    """What one step executed.

    Attributes:
      frontend: pieces of the trace, each with the block that follows it.
      engine: the same.
      detector: the same.
    """

    frontend: tuple[Sequence[Block], ...]
    engine: tuple[Sequence[Block], ...]
    detector: tuple[Sequence[Block], ...]


def instructions_of(pieces: Sequence[Sequence[Block]]) -> int:
    """How many instructions some pieces executed, as the firmware's counter counts them."""
    return sum(len(block.instructions) for piece in pieces for block in piece[:-1])


def steps_of(trace: Sequence[Block]) -> list[StepTrace]:
    """The steps of a bulk run's trace.

    The counter is read before and after each piece of the front end, then before the engine, between it and the
    detector, and after that. A piece reaches from one reading to the next, as the difference of two readings does.

    Raises:
      KwsError: the trace holds no step, or the readings come in another order.
    """
    readings = [
        index
        for index, block in enumerate(trace)
        if block.symbol == _TICKS and (index == 0 or trace[index - 1].symbol != _TICKS)
    ]
    calls = [index for index, block in enumerate(trace) if block.symbol == _ENGINE_STEP]
    pieces = [trace[start : stop + 1] for start, stop in zip(readings, readings[1:], strict=False)]
    engines = {
        number
        for number, (start, stop) in enumerate(zip(readings, readings[1:], strict=False))
        if any(start < call < stop for call in calls)
    }
    steps, first = [], 0
    for number in sorted(engines):
        if (number - first) % 2 or number + 1 >= len(pieces):
            raise KwsError(
                "the firmware reads its counter in another order than this program knows: use one kit for both"
            )
        steps.append(StepTrace(tuple(pieces[first:number:2]), (pieces[number],), (pieces[number + 1],)))
        first = number + 3
    if not steps:
        raise KwsError("the firmware computed no step: it does not know bulk runs, or the recording is too short")
    return steps
