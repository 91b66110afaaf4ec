"""What the microphone of an emulated board hears: PCM in a file, which its own timer fetches block by block."""

import contextlib
import dataclasses
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError

from kws_host.emulator.boards import BoardFacts, board_facts
from kws_host.target import Target

BLOCK_SAMPLES = 160
"""That the emulated microphone brings at once (``firmware/boards/recorded_microphone``)."""
FEWEST_TICKS = 1_000
"""Of the core's clock between two blocks that the emulated board's timer takes."""
MOST_INSTRUCTIONS = 1 << 31
FILE_NAME = "microphone.pcm"


@dataclasses.dataclass(frozen=True)
class Pace:
    """How fast it hears.

    Attributes:
      speed: 1: in real time, if the core executes one instruction a clock; > 0.
      jitter: parts of 1,000 of a block's time by which it comes early or late, 0 to 999.
      loops: how often the recording is heard, without a gap; 0: for ever.
    """

    speed: float = 1.0
    jitter: int = 0
    loops: int = 1


@contextlib.contextmanager
def hearing(target: Target, pcm: np.ndarray, rate_hz: int, pace: Pace) -> Iterator[tuple[Target, int]]:
    """A target whose microphone hears a recording.

    Args:
      target: an emulated board.
      pcm: int16 ``[samples]``.
      rate_hz: of the samples.
      pace: how fast.

    Yields:
      The target to open, and the core's instructions between two blocks.

    Raises:
      KwsError: it cannot be emulated, or the speed is beyond its timer.
    """
    assert target.emulate
    instructions = _block_instructions(board_facts(target.emulate), rate_hz, pace)
    with tempfile.TemporaryDirectory() as folder:
        pcm.astype("<i2").tofile(Path(folder) / FILE_NAME)
        words = ("microphone", FILE_NAME, str(instructions), str(pace.jitter), str(pace.loops))
        yield dataclasses.replace(target, arguments=words, folder=Path(folder)), instructions


def _block_instructions(facts: BoardFacts, rate_hz: int, pace: Pace) -> int:
    in_real_time = facts.clock_hz * BLOCK_SAMPLES / rate_hz
    instructions = in_real_time / pace.speed if pace.speed > in_real_time / MOST_INSTRUCTIONS else math.inf
    ticks = instructions * facts.clock_hz * 2**facts.icount_shift / 1e9
    if ticks * (1 - pace.jitter / 1000) < FEWEST_TICKS + 1 or instructions > MOST_INSTRUCTIONS:
        raise KwsError(f"--speed {pace.speed:g} is beyond the timer of {facts.name}: nearer to real time, please.")
    return round(instructions)
