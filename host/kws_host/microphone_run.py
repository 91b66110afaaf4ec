"""An emulated board that hears a recording by its microphone, and every integer of it beside the reference's."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from kws_reference.audio.conditioning import Conditioner
from kws_reference.bundle import Bundle
from kws_reference.cli.progress import Progress
from kws_reference.errors import KwsError
from kws_reference.protocol import messages
from kws_reference.protocol.messages import Config, DetectionRecord, SourceKind

from kws_host.compare import Comparison, StepCountMismatch, compare_run
from kws_host.device import Device
from kws_host.emulated_microphone import BLOCK_SAMPLES, Pace, hearing
from kws_host.target import Target, open_device, require_model

if TYPE_CHECKING:  # the reference is loaded by what runs it
    from kws_reference.pipeline import Pipeline, Step

SILENCE_S = 10.0
"""Without a step for so long the device has heard everything."""
PIECE_STEPS = 250
"""That are compared at once: while they are, the board's results wait in the socket."""
MOST_LOOPS = 100_000
MOST_SAMPLES = (1 << 32) - 1
"""That the device counts."""


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
      loops: how often the recording is heard, without a gap; 1 to `MOST_LOOPS`.
    """

    pipeline: "Pipeline"
    pcm: np.ndarray
    speed: float = 1.0
    jitter: int = 0
    gain_q8: int = 256
    remove_dc: bool = True
    loops: int = 1

    @property
    def samples(self) -> int:
        """That there are to be heard."""
        return self.loops * len(self.pcm)

    def piece(self, start: int, end: int) -> np.ndarray:
        """Int16 ``[end - start]``: samples of the whole, all loops one after the other."""
        return self.pcm.take(np.arange(start, min(end, self.samples)), mode="wrap")

    @property
    def bundle(self) -> Bundle:
        """The reference's bundle."""
        return self.pipeline.bundle


@dataclasses.dataclass(frozen=True)
class MicrophoneResult:
    """What came of it.

    Attributes:
      steps: that the device computed.
      detections: its events.
      comparison: with the reference.
      lost_samples: that the board dropped, since the core did not keep up.
      heard_samples: that the pipeline took.
      awake: share of the time, at that speed, in which the core did not sleep.
    """

    steps: int
    detections: list[DetectionRecord]
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
    if job.samples > MOST_SAMPLES:
        raise KwsError(f"a device counts {MOST_SAMPLES:,} samples. Received: {job.samples:,}. Choose fewer --loops.")
    if not job.bundle.clock.steps_in(job.samples):
        raise KwsError("the recordings are shorter than a step of the model: nothing would be compared")
    rate_hz = job.bundle.frontend.sample_rate_hz
    pace = Pace(job.speed, job.jitter, job.loops)
    with hearing(target, job.pcm, rate_hz, pace) as (hears, instructions), open_device(hears) as device:
        require_model(device, job.bundle)
        return _hear(device, job, instructions)


def _hear(device: Device, job: MicrophoneJob, instructions: int) -> MicrophoneResult:
    device.configure(Config.FEATURES)
    source = messages.SetSource(SourceKind.MICROPHONE, job.gain_q8, int(job.remove_dc))
    wanted = job.bundle.clock.steps_in(job.samples)
    reference = _Reference(job)
    progress = Progress("heard", wanted)
    comparison, detections = Comparison(0, 0, None), []
    for run in device.hear_pieces(source, wanted, SILENCE_S, PIECE_STEPS):
        done = reference.steps
        comparison = comparison.then(compare_run(job.bundle, run, reference.next(len(run.steps))), done)
        detections += run.detections
        progress.update(reference.steps)
    if reference.steps != wanted:
        counts = StepCountMismatch(0, "audio", "number of steps", str(reference.steps), str(wanted))
        comparison = comparison.then(Comparison(0, 1, counts), reference.steps)
    stats, bench = device.stats(), device.bench()
    heard = stats.microphone_samples
    time = (heard + stats.microphone_lost_samples) / BLOCK_SAMPLES * instructions
    return MicrophoneResult(
        reference.steps,
        detections,
        comparison,
        stats.microphone_lost_samples,
        heard,
        device.info.units(bench.awake_ticks) / time if time else 0.0,
    )


class _Reference:
    """The reference hears the same, as many steps at a time as are wanted.

    Attributes:
      steps: that it has computed.
    """

    def __init__(self, job: MicrophoneJob):
        self.steps = 0
        self._job = job
        self._conditioner = Conditioner(job.gain_q8, job.remove_dc)
        self._samples = 0
        job.pipeline.reset()

    def next(self, steps: int) -> "list[Step]":
        """Computes so many steps, or as many as there are."""
        self.steps += steps
        start, self._samples = self._samples, max(self._samples, self._job.bundle.clock.samples_for(self.steps))
        return self._job.pipeline.push(self._conditioner.push(self._job.piece(start, self._samples)))
