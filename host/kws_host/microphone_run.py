"""An emulated board that hears a recording by its microphone, and every integer of it beside the reference's."""

import dataclasses
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.audio.conditioning import Conditioner
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, SourceKind

from kws_host.compare import Comparison, compare_run
from kws_host.device import Device, Run
from kws_host.emulator.boards import BoardFacts, board_facts
from kws_host.target import Target, open_device, require_model

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Pipeline

BLOCK_SAMPLES = 160
"""That the emulated microphone brings at once (``firmware/boards/recorded_microphone``)."""
FEWEST_TICKS = 1_000
"""Of the core's clock between two blocks that the emulated board's timer takes."""
MOST_INSTRUCTIONS = 1 << 31
SILENCE_S = 10.0
"""Without a step for so long the device has heard everything."""
FILE_NAME = "microphone.pcm"


@dataclasses.dataclass(frozen=True)
class MicrophoneJob:
    """What the emulated microphone hears, and how.

    Attributes:
      pipeline: the reference, with the bundle that the device must run.
      pcm: int16 ``[samples]``.
      speed: 1: in real time, if the core executes one instruction a clock; > 0.
      jitter: parts of 1,000 of a block's time by which it comes early or late, 0 to 999.
      gain_q8: 256 is 1.
      remove_dc: whether the constant part goes.
    """

    pipeline: "Pipeline"
    pcm: np.ndarray
    speed: float = 1.0
    jitter: int = 0
    gain_q8: int = 256
    remove_dc: bool = True

    @property
    def bundle(self) -> Bundle:
        """The reference's bundle."""
        return self.pipeline.bundle


@dataclasses.dataclass(frozen=True)
class MicrophoneResult:
    """What came of it.

    Attributes:
      run: what the device sent.
      comparison: with the reference.
      lost_samples: that the board dropped, since the core did not keep up.
      heard_samples: that the pipeline took.
      awake: share of the time, at that speed, in which the core did not sleep.
    """

    run: Run
    comparison: Comparison
    lost_samples: int
    heard_samples: int
    awake: float


def check(target: Target, job: MicrophoneJob) -> MicrophoneResult:
    """Starts an emulated board whose microphone hears the recording.

    Raises:
      KwsError: it cannot be emulated, runs another model, or the speed is beyond its timer.
    """
    assert target.emulate
    facts = board_facts(target.emulate)
    if not job.bundle.clock.steps_in(len(job.pcm)):
        raise KwsError("the recordings are shorter than a step of the model: nothing would be compared")
    instructions = _block_instructions(job, facts)
    with tempfile.TemporaryDirectory() as folder:
        job.pcm.astype("<i2").tofile(Path(folder) / FILE_NAME)
        words = ("microphone", FILE_NAME, str(instructions), str(job.jitter), "1")
        with open_device(dataclasses.replace(target, arguments=words, folder=Path(folder))) as device:
            require_model(device, job.bundle)
            return _hear(device, job, instructions)


def _block_instructions(job: MicrophoneJob, facts: BoardFacts) -> int:
    in_real_time = facts.clock_hz * BLOCK_SAMPLES / job.bundle.frontend.sample_rate_hz
    instructions = in_real_time / job.speed if job.speed > in_real_time / MOST_INSTRUCTIONS else math.inf
    ticks = instructions * facts.clock_hz * 2**facts.icount_shift / 1e9
    if ticks * (1 - job.jitter / 1000) < FEWEST_TICKS + 1 or instructions > MOST_INSTRUCTIONS:
        raise KwsError(f"--speed {job.speed:g} is beyond the timer of {facts.name}: nearer to real time, please.")
    return round(instructions)


def _hear(device: Device, job: MicrophoneJob, instructions: int) -> MicrophoneResult:
    bundle = job.bundle
    device.configure(Config.FEATURES)
    source = messages.SetSource(SourceKind.MICROPHONE, job.gain_q8, int(job.remove_dc))
    run, stats = device.hear(source, bundle.clock.steps_in(len(job.pcm)), SILENCE_S)
    bench = device.bench()
    reference = job.pipeline.run(Conditioner(job.gain_q8, job.remove_dc).push(job.pcm))
    heard = stats.microphone_samples
    time = (heard + stats.microphone_lost_samples) / BLOCK_SAMPLES * instructions
    return MicrophoneResult(
        run,
        compare_run(bundle, run, reference),
        stats.microphone_lost_samples,
        heard,
        device.info.units(bench.awake_ticks) / time if time else 0.0,
    )
