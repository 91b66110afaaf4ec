"""What scenes are made of: running speech, clips of words, noise."""

import dataclasses

import numpy as np
from kws_reference.labels import Kind, LabelSet

from kws_training.data.augment import resampled
from kws_training.data.clips import SAMPLE_RATE_HZ, ClipSet
from kws_training.data.scenes.hard_moments import HardMoments
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.data.signal.mixing import piece
from kws_training.data.word_spans import word_spans

_LEAST_OF_SPEECH = 0.25
"""A window of speech holds at least this share of itself of a recording, which begins or ends within it."""


@dataclasses.dataclass(frozen=True)
class Material:
    """Sources that scenes are drawn from.

    Attributes:
      speech: running speech.
      pcm: clips, int16 ``[clips, samples]``.
      spans: where the word of each is, `word_spans`.
      labels: of each.
      rows: of each keyword that has clips its rows; rows of unknown words.
      noise: background recordings and those of everyday noise, int16, where there are any.
      label_names: of the model.
    """

    speech: SpeechSet
    pcm: np.ndarray
    spans: np.ndarray
    labels: np.ndarray
    keywords: tuple[np.ndarray, ...]
    unknown: np.ndarray
    noise: tuple[tuple[np.ndarray, ...], ...]
    label_names: LabelSet

    @classmethod
    def of(cls, speech: SpeechSet, clips: ClipSet) -> "Material":
        """Of training speech and training clips."""
        kinds = clips.kinds
        keywords = [np.flatnonzero(clips.labels == row) for row in clips.label_names.keyword_rows]
        return cls(
            speech=speech,
            pcm=clips.pcm,
            spans=word_spans(clips.pcm),
            labels=clips.labels,
            keywords=tuple(rows for rows in keywords if len(rows)),
            unknown=np.flatnonzero(kinds == Kind.UNKNOWN),
            noise=tuple(recordings for recordings in (clips.noise, clips.everyday_noise) if recordings),
            label_names=clips.label_names,
        )

    def draw_speech(
        self,
        rng: np.random.Generator,
        samples: int,
        resample: float,
        found: HardMoments | None = None,
        hard: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws a window anywhere in the speech, every second of it alike, or around a hard moment.

        Args:
          rng: source of randomness.
          samples: of the window.
          resample: the speed is U(1 - resample, 1 + resample).
          found: what a model heard in the speech.
          hard: one of the moments found is to lie in the second half of the window.

        Returns:
          float32 ``[samples]``, zero where the recording has not begun or has ended; and where keywords are said in it,
          int64 ``[words, 2]``.
        """
        speed = rng.uniform(1.0 - resample, 1.0 + resample)
        span = samples * speed
        if hard and found is not None and len(found):
            moment = rng.integers(len(found))
            index = int(found.recordings[moment])
            start = found.samples[moment] - rng.uniform(0.5, 1.0) * span
        else:
            place = int(rng.integers(self.speech.starts[-1]))
            index = int(np.searchsorted(self.speech.starts, place, "right")) - 1
            length = len(self.speech.recording(index))
            lowest = min(0.0, length - span) - (1 - _LEAST_OF_SPEECH) * min(span, length)
            start = place - self.speech.starts[index] - rng.uniform(0.0, 1.0) * span
            start = float(np.clip(start, lowest, length - _LEAST_OF_SPEECH * min(span, length)))
        recording = self.speech.recording(index)
        first = max(0, int(start) - 3)
        part = recording[first : max(first, int(start + span) + 4)]
        pcm = resampled(part, speed, start - first, samples)
        said = self.speech.said[index]
        if found is not None:
            said = np.concatenate([said, found.believed_in(index)])
        said = (said - start) / speed
        inside = (said[:, 1] > -2 * SAMPLE_RATE_HZ) & (said[:, 0] < samples)
        return pcm, np.rint(said[inside]).astype(np.int64)

    def draw_word(
        self, rng: np.random.Generator, keyword: bool, resample: float
    ) -> tuple[np.ndarray, tuple[int, int], int]:
        """Draws a clip: each keyword as often as another, or any unknown word.

        Returns:
          float32 ``[samples]``; first sample of its word, and first behind it; its label.
        """
        rows = self.keywords[rng.integers(len(self.keywords))] if keyword else self.unknown
        row = rows[rng.integers(len(rows))]
        speed = rng.uniform(1.0 - resample, 1.0 + resample)
        pcm = resampled(self.pcm[row], speed, 0.0, int(self.pcm.shape[1] / speed))
        begin, end = (int(place / speed) for place in self.spans[row])
        return pcm, (begin, end), int(self.labels[row])

    def draw_noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draws noise of either kind, with a root mean square of 1, float32 ``[samples]``; zeros if there is none."""
        if not self.noise:
            return np.zeros(samples, np.float32)
        pcm = piece(rng, self.noise[rng.integers(len(self.noise))], samples)
        pcm /= np.float32(rms(pcm))
        return pcm


def rms(pcm: np.ndarray) -> float:
    """Root mean square, at least 1."""
    return float(np.sqrt(max(1.0, np.dot(pcm, pcm) / max(1, len(pcm)))))
