"""PCM to detections, step by step: what every device must compute, integer for integer."""

import dataclasses
import zlib

import numpy as np

from kws_reference.bundle import Bundle
from kws_reference.detector.integer import Detection, Detector
from kws_reference.frontend import kinds
from kws_reference.network.oracle import Network


@dataclasses.dataclass(frozen=True)
class Step:
    """What one step computed.

    Attributes:
      index: steps since reset, from 0.
      audio_crc: CRC-32 of the little-endian PCM bytes that the step's last frame needed, all since reset.
      features: int8 ``[frames_per_step, coefficients]``.
      scores: int8 ``[labels]``.
      top_label: label with the largest smoothed posterior after the step, detected or not.
      top_smoothed_q15: that posterior, 0 to 32767.
      state_crcs: CRC-32 of each state in tensor order, after the step; empty unless asked for.
      detection: the event that the step raised, or None.
      frontend_crcs: CRC-32 of what each stage of the front end computed in the step; empty unless asked for, or where
        `frontend.kinds.stages` knows none.
    """

    index: int
    audio_crc: int
    features: np.ndarray
    scores: np.ndarray
    top_label: int
    top_smoothed_q15: int
    state_crcs: tuple[int, ...]
    detection: Detection | None
    frontend_crcs: tuple[int, ...] = ()


class Pipeline:
    """Front end, network and detector of one bundle, in Python."""

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        self._network = Network(bundle)
        self._detector = Detector(bundle)

    def run(self, pcm: np.ndarray, *, state_crcs: bool = False, frontend_crcs: bool = False) -> list[Step]:
        """Resets everything and runs a whole recording.

        Args:
          pcm: int16 ``[samples]`` at the bundle's sample rate.
          state_crcs: also digest every state after every step.
          frontend_crcs: also digest what the stages of the front end computed in every step.

        Returns:
          One `Step` for every ``frames_per_step`` whole frames. A remainder too short for a step is left out, as a
          device still waits for more.
        """
        clock = self.bundle.clock
        frames = kinds.stream(self.bundle.frontend, self.bundle.features.zero_point).push(pcm)
        stages = kinds.stage_values(self.bundle.frontend, pcm) if frontend_crcs else ()
        data = np.asarray(pcm, "<i2").tobytes()
        self._network.reset()
        self._detector.reset()
        steps, crc, done = [], 0, 0
        for index, features in enumerate(clock.whole_steps(frames)):
            needed = 2 * clock.end_samples(index)
            crc = zlib.crc32(data[done:needed], crc)
            done = needed
            scores = self._network.step(features)
            digests = tuple(zlib.crc32(state.tobytes()) for state in self._network.states) if state_crcs else ()
            detection = self._detector.step(scores)
            of_frontend = tuple(_step_crc(values, index, self.bundle.frames_per_step) for values in stages)
            steps.append(Step(index, crc, features, scores, *self._detector.top, digests, detection, of_frontend))
        return steps


def _step_crc(values: np.ndarray, step: int, frames: int) -> int:
    """CRC-32 of the values of a step's frames as little-endian words."""
    return zlib.crc32(values[step * frames : (step + 1) * frames].astype("<u4").tobytes())
