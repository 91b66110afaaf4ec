"""Long recordings assembled by seed: keywords among unknown words, noise and silence, with the time of every word.

A recording is a sequence of pieces. The plan of all pieces (`kws_training.data.recording_plan`) is small and made at
once; the samples of a piece are rendered when they are asked for, so that any length fits into memory. Everything is a
pure function of the clips, the background noise and the `RecordingSpec`; a longer recording begins with the shorter
one's whole pieces.
"""

import hashlib

import numpy as np
from kws_reference.errors import KwsError

from kws_training.data.clips import SAMPLE_RATE_HZ, ClipSet
from kws_training.data.recording_plan import RecordingSpec, plan
from kws_training.data.word_spans import word_spans

FADE_SAMPLES = 160
CROSSFADE_SAMPLES = 1600


class LongRecordings:
    """Pieces of a long recording; their samples are rendered on demand.

    Args:
      clips: keywords, unknown words and clips of noise (silence), with background noise.
      spec: how they are assembled.
      weights: how often each clip is heard against others of its kind, float ``[clips]``; None: all equally often.

    Raises:
      KwsError: there is no keyword, no background noise, or the piece is too short for a clip.
    """

    def __init__(self, clips: ClipSet, spec: RecordingSpec, weights: np.ndarray | None = None):
        if not clips.noise:
            raise KwsError("recordings need background noise. Give a folder that has _background_noise_.")
        if not spec.hours > 0:
            raise KwsError(f"recordings must last longer than 0 hours. Received: {spec.hours}.")
        self.clips, self.spec, self.weights = clips, spec, weights
        self.pieces = plan(clips.spoken_labels, word_spans(clips.pcm), spec, weights)

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def hours(self) -> float:
        """Length in all."""
        return sum(piece.seconds for piece in self.pieces) / 3600

    def sha256(self) -> str:
        """Digest of all that the samples depend on."""
        digest = hashlib.sha256(repr(self.spec).encode())
        weights = () if self.weights is None else (self.weights,)
        for array in (self.clips.pcm, self.clips.labels, *self.clips.noise, *weights):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def pcm(self, index: int) -> np.ndarray:
        """Renders one piece, int16 ``[samples]``."""
        piece, spec = self.pieces[index], self.spec
        rng = np.random.default_rng([spec.seed, 1, index])
        out = background(rng, self.clips.noise, piece.samples, spec)
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(FADE_SAMPLES) + 0.5) / FADE_SAMPLES)).astype(np.float32)
        for word in piece.words:
            samples = self.clips.pcm[word.clip].astype(np.float32) * np.float32(word.gain)
            samples[:FADE_SAMPLES] *= ramp
            samples[-FADE_SAMPLES:] *= ramp[::-1]
            out[word.clip_start : word.clip_start + len(samples)] += samples
        return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


def background(
    rng: np.random.Generator, noise: tuple[np.ndarray, ...], samples: int, spec: RecordingSpec
) -> np.ndarray:
    """Draws background noise in stretches, one faded into the next over 100 ms.

    Args:
      rng: source of randomness.
      noise: background recordings, int16; one that is shorter than a stretch starts again.
      samples: length.
      spec: lengths, volumes and the share of quiet stretches.

    Returns:
      float32 ``[samples]`` in units of int16.
    """
    out = np.zeros(samples, np.float32)
    ramp = ((np.arange(CROSSFADE_SAMPLES) + 0.5) / CROSSFADE_SAMPLES).astype(np.float32)
    start = 0
    while start < samples:
        length = round(rng.uniform(spec.stretch_low_s, spec.stretch_high_s) * SAMPLE_RATE_HZ)
        recording = noise[rng.integers(len(noise))]
        offset = rng.integers(len(recording))
        volume = 0.0 if rng.random() < spec.quiet_share else rng.uniform(0.0, spec.noise_volume)
        if volume:
            places = np.arange(offset, offset + length + CROSSFADE_SAMPLES) % len(recording)
            stretch = recording[places].astype(np.float32) * np.float32(volume)
            stretch[:CROSSFADE_SAMPLES] *= ramp
            stretch[-CROSSFADE_SAMPLES:] *= ramp[::-1]
            part = out[start : start + len(stretch)]
            part += stretch[: len(part)]
        start += length
    return out
