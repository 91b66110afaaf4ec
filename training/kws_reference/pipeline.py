"""PCM to detections, step by step: what every device must compute, integer for integer."""

import dataclasses
import zlib

import numpy as np

from kws_reference.bundle import Bundle, DetectorConfig
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
        self._frontend = kinds.stream(bundle.frontend, bundle.features.zero_point)
        self.reset()

    def reset(self) -> None:
        """Forgets all audio."""
        self._frontend.reset()
        self._network.reset()
        self._detector.reset()
        self._frames = np.zeros((0, self.bundle.frontend.coefficients), np.int8)  # too few for a step so far
        self._pcm = memoryview(b"")  # behind the last step
        self._taken_bytes = 0  # by all steps
        self._audio_crc = 0
        self._steps = 0

    def set_detector(self, settings: DetectorConfig) -> None:
        """Takes other settings of the detector from the next step on; it alone forgets the steps before."""
        self.bundle = dataclasses.replace(self.bundle, detector=settings)
        self._detector = Detector(self.bundle)

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
        self.reset()
        steps = self.push(pcm, state_crcs=state_crcs)
        if not frontend_crcs:
            return steps
        stages = kinds.stage_values(self.bundle.frontend, pcm)
        frames = self.bundle.frames_per_step
        return [
            dataclasses.replace(step, frontend_crcs=tuple(_step_crc(values, step.index, frames) for values in stages))
            for step in steps
        ]

    def push(self, pcm: np.ndarray, *, state_crcs: bool = False) -> list[Step]:
        """Goes on from where the last piece, int16 ``[samples]``, ended. Returns the steps that this one completes."""
        frames = np.concatenate([self._frames, self._frontend.push(pcm)])
        whole = self.bundle.clock.whole_steps(frames)
        self._frames = frames[len(whole) * self.bundle.frames_per_step :]
        self._pcm = memoryview(bytes(self._pcm) + np.asarray(pcm, "<i2").tobytes())
        return [self._step(features, state_crcs) for features in whole]

    def _step(self, features: np.ndarray, state_crcs: bool) -> Step:
        needed = 2 * self.bundle.clock.end_samples(self._steps) - self._taken_bytes
        self._audio_crc = zlib.crc32(self._pcm[:needed], self._audio_crc)
        self._pcm = self._pcm[needed:]
        self._taken_bytes += needed
        scores = self._network.step(features)
        digests = tuple(zlib.crc32(state.tobytes()) for state in self._network.states) if state_crcs else ()
        detection = self._detector.step(scores)
        self._steps += 1
        return Step(self._steps - 1, self._audio_crc, features, scores, *self._detector.top, digests, detection)


def _step_crc(values: np.ndarray, step: int, frames: int) -> int:
    """CRC-32 of the values of a step's frames as little-endian words."""
    return zlib.crc32(values[step * frames : (step + 1) * frames].astype("<u4").tobytes())
