"""A trained model's look at clips of keywords: in which of them it hears something else entirely."""

from collections.abc import Sequence

import numpy as np
from kws_reference.audio.pcm import convert_rate
from kws_reference.bundle import Bundle
from kws_reference.labels import SILENCE

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.int8_features import int8_features
from kws_training.evaluate.accuracy import int8_streaming

LEAST, MOST = 0.05, 0.8
"""Something else is heard where the label has less than the one, and another one more than the other, posterior."""


class SecondLook:
    """Hears clips by a bundle's integers, from reset states to the last step of each.

    Args:
      bundle: a trained model.
    """

    def __init__(self, bundle: Bundle):
        self._bundle = bundle

    def posteriors(self, pcm: np.ndarray) -> np.ndarray:
        """The softmax of the last step's scores.

        Args:
          pcm: int16 ``[clips, samples]`` at 16 kHz.

        Returns:
          float ``[clips, labels]``.
        """
        rate_hz = self._bundle.frontend.sample_rate_hz
        clips = np.stack([convert_rate(clip, SAMPLE_RATE_HZ, rate_hz) for clip in pcm])
        features = int8_features(self._bundle.frontend, clips, zero_point=self._bundle.features.zero_point)
        scores = int8_streaming(self._bundle, features, np.zeros(len(clips), np.int64)).scores
        real = (scores.astype(np.float64) - self._bundle.scores.zero_point) * self._bundle.scores.scale
        shares = np.exp(real - real.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def __call__(self, pcm: np.ndarray, labels: Sequence[str]) -> list[str]:
        """For each clip the label that is heard in place of its own; "" if none is, or the model has not its label.

        Args:
          pcm: int16 ``[clips, samples]`` at 16 kHz.
          labels: of each clip.
        """
        names = self._bundle.labels
        heard = []
        for label, shares in zip(labels, self.posteriors(pcm), strict=True):
            row, best = names.row(label), int(shares.argmax())
            otherwise = row is not None and shares[row] < LEAST and shares[best] > MOST and names[best] != SILENCE
            heard.append(names[best] if otherwise else "")
        return heard
