"""What a model says of whole recordings: one pass over long stretches, asked every tenth of a second."""

from collections.abc import Iterator

import numpy as np
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float

from kws_training.data.features import quantize_features
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.train.pooled_model import PooledModel

STEP_FRAMES = 10
_CONTEXT = 220  # frames in front of a stretch, more than the networks remember; the first of a recording has none
_NEW = 1000  # frames that each stretch adds
_STRETCHES = 16  # in one pass
_ENDS = tuple(range(STEP_FRAMES, _CONTEXT + _NEW + 1, STEP_FRAMES))


class HeardSpeech:
    """Recordings as inputs of a model, stretch by stretch.

    Args:
      speech: the recordings.
      frontend: with statistics.
      kept: keeps the features, int8, for the next time that they are heard.
    """

    def __init__(self, speech: SpeechSet, frontend: FrontendConfig, kept: bool = False):
        self.speech, self._frontend, self._kept = speech, frontend, kept
        self._places = [(index, first) for index in range(len(speech)) for first in _firsts(self._frames(index))]
        self._features: dict[int, np.ndarray] = {}

    def probabilities(self, model: PooledModel) -> Iterator[np.ndarray]:
        """Softmax outputs of each recording in turn, float32 ``[moments, labels]``.

        Moment m is when ``(m + 1) * STEP_FRAMES`` frames of it have been heard.
        """
        found: list[np.ndarray] = []
        for start in range(0, len(self._places), _STRETCHES):
            places = self._places[start : start + _STRETCHES]
            outputs = model.probabilities(self._inputs(start, places), _ENDS)
            for (index, first), output in zip(places, outputs, strict=False):
                left = self._frames(index) - first
                found.append(output[(_CONTEXT if first else 0) // STEP_FRAMES : left // STEP_FRAMES])
                if left <= _CONTEXT + _NEW:
                    yield np.concatenate(found)
                    found = []

    def _frames(self, index: int) -> int:
        return self._frontend.frame_count(int(self.speech.starts[index + 1] - self.speech.starts[index]))

    def _inputs(self, start: int, places: list[tuple[int, int]]) -> np.ndarray:
        """float32 ``[stretches, frames, coefficients]`` on the int8 grid, always as many."""
        steps = np.float32(self._frontend.feature_steps_per_std)
        if start in self._features:
            return self._features[start].astype(np.float32) / steps
        hop, window = self._frontend.hop_samples, self._frontend.window_samples
        pcm = np.zeros((_STRETCHES, (_CONTEXT + _NEW - 1) * hop + window), np.float32)
        for row, (index, first) in zip(pcm, places, strict=False):
            part = self.speech.recording(index)[first * hop : first * hop + len(row)]
            row[: len(part)] = part
        features = quantize_features(mfcc_float(pcm, self._frontend, np.float32), self._frontend)
        if self._kept:
            self._features[start] = np.rint(features * steps).astype(np.int8)
        return features


def heard_samples(moments: int, frontend: FrontendConfig) -> np.ndarray:
    """Samples that have been heard at each moment of a recording, int64 ``[moments]``."""
    frames = np.arange(1, moments + 1) * STEP_FRAMES
    return (frames - 1) * frontend.hop_samples + frontend.window_samples


def peaks_apart(level: np.ndarray, rest: int) -> list[int]:
    """Places of values above 0, the highest first, each at least ``rest`` places from every higher one."""
    left, places = level.copy(), []
    while len(left) and left.max() > 0:
        place = int(left.argmax())
        places.append(place)
        left[max(0, place - rest + 1) : place + rest] = 0
    return places


def _firsts(frames: int) -> Iterator[int]:
    """First frame of each stretch of a recording."""
    yield 0
    yield from range(_NEW, frames - _CONTEXT, _NEW)
