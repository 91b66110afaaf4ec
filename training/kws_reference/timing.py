"""The step clock: samples, frames, steps and seconds of a streaming model, converted in one place.

A step is complete with the last sample that its last frame needs. The first frame takes a window of samples, each
later one a hop, and ``frames_per_step`` frames are a step::

    step 0 is complete after  window + (frames_per_step - 1) * hop  samples,
    step n                    n * frames_per_step * hop             samples later.

``firmware/include/kws/step_clock.h`` is the twin in C++.
"""

import dataclasses
from typing import TypeVar

import numpy as np

MAX_SMOOTHING_STEPS = 255
"""Longest smoothing window of a detector."""

MAX_REFRACTORY_STEPS = 65535
"""Longest refractory period of a detector."""

MAX_RUN_STEPS = 255
"""Longest run that a detector asks for."""

MAX_QUIET_STEPS = 65535
"""Longest time after which a detector still calls it quiet just now."""

Steps = TypeVar("Steps", int, np.ndarray)


@dataclasses.dataclass(frozen=True)
class StepClock:
    """The time axis of a streaming model, counted from its reset. ``Bundle.clock`` and `FrontendConfig.clock` make it.

    Attributes:
      sample_rate_hz: of the PCM.
      window_samples: samples of a frame.
      hop_samples: samples from one frame to the next.
      frames_per_step: frames that the network takes at once.
    """

    sample_rate_hz: int
    window_samples: int
    hop_samples: int
    frames_per_step: int

    @property
    def first_step_samples(self) -> int:
        """Samples from the reset to the first complete step."""
        return self.window_samples + (self.frames_per_step - 1) * self.hop_samples

    @property
    def step_samples(self) -> int:
        """Samples from one complete step to the next."""
        return self.frames_per_step * self.hop_samples

    @property
    def step_s(self) -> float:
        """Seconds from one complete step to the next."""
        return self.step_samples / self.sample_rate_hz

    @property
    def step_ms(self) -> float:
        """Milliseconds from one complete step to the next."""
        return 1000 * self.step_samples / self.sample_rate_hz

    def frames_in(self, samples: int) -> int:
        """Frames that are whole after so many samples."""
        return max(0, (samples - self.window_samples) // self.hop_samples + 1)

    def steps_in(self, samples: int) -> int:
        """Steps that are complete after so many samples; a remainder too short for a step waits for more."""
        return self.frames_in(samples) // self.frames_per_step

    def whole_steps(self, frames: np.ndarray) -> np.ndarray:
        """Groups frames into steps; a remainder too short for a step is left out.

        Args:
          frames: ``[..., frames, coefficients]``.

        Returns:
          ``[..., steps, frames_per_step, coefficients]``.
        """
        *leading, count, coefficients = frames.shape
        steps = count // self.frames_per_step
        whole = frames[..., : steps * self.frames_per_step, :]
        return whole.reshape(*leading, steps, self.frames_per_step, coefficients)

    def samples_for(self, steps: int) -> int:
        """Fewest samples that complete so many steps: 0 for none."""
        return self.end_samples(steps - 1) if steps > 0 else 0

    def end_samples(self, step: Steps) -> Steps:
        """Samples since the reset with which a step is complete. Args: step: index from 0, or int64 array of them."""
        return self.first_step_samples + step * self.step_samples

    def end_samples_at(self, step: Steps, rate_hz: int) -> Steps:
        """`end_samples` counted by a clock of another rate, rounded up: only then has the last sample come in."""
        return -(-self.end_samples(step) * rate_hz // self.sample_rate_hz)

    def end_s(self, step: int) -> float:
        """Seconds from the reset to the moment when a step, counted from 0, is complete."""
        return self.end_samples(step) / self.sample_rate_hz

    def nearest_steps(self, seconds: float) -> int:
        """The whole number of steps nearest to a duration, the even one of two that are equally near."""
        return round(seconds / self.step_s)

    def smoothing_steps(self, seconds: float) -> int:
        """A detector's smoothing window: `nearest_steps`, limited to 1..`MAX_SMOOTHING_STEPS`."""
        return min(max(1, self.nearest_steps(seconds)), MAX_SMOOTHING_STEPS)

    def refractory_steps(self, seconds: float) -> int:
        """A detector's refractory period: `nearest_steps`, limited to 0..`MAX_REFRACTORY_STEPS`."""
        return min(max(0, self.nearest_steps(seconds)), MAX_REFRACTORY_STEPS)
