"""Clips of keywords with silence around, each heard from a reset: how often words are heard when nothing disturbs."""

import dataclasses
import functools
import hashlib
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.labels import Kind, LabelSet

from kws_training.data.clips import SAMPLE_RATE_HZ, ClipSet, ClipSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.recording_plan import Piece, Word
from kws_training.data.word_spans import word_spans
from kws_training.evaluate.clip_sets import SetSource

SILENCE_S = 0.5
"""Before and behind each clip, digital zero."""

DEFAULT_PER_KEYWORD = 120


@dataclasses.dataclass(frozen=True)
class ClipsInSilence:
    """Clips as pieces to listen to.

    Attributes:
      clips: int16 ``[clips, samples]`` at `SAMPLE_RATE_HZ`.
      labels: of each.
    """

    clips: np.ndarray
    labels: tuple[str, ...]

    @functools.cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The clips with their words; a word is found from the clip's beginning on."""
        silence, samples = round(SILENCE_S * SAMPLE_RATE_HZ), self.clips.shape[1]
        spans = word_spans(self.clips)
        return tuple(
            Piece(row, samples + 2 * silence, (Word(row, label, silence, silence, silence + int(spans[row, 1]), 1.0),))
            for row, label in enumerate(self.labels)
        )

    def __len__(self) -> int:
        return len(self.labels)

    def pcm(self, index: int) -> np.ndarray:
        """One clip with its silence, int16 ``[samples]``."""
        return np.pad(self.clips[index], round(SILENCE_S * SAMPLE_RATE_HZ))

    def sha256(self) -> str:
        """Digest of all samples."""
        digest = hashlib.sha256(repr((self.clips.shape, self.labels)).encode())
        digest.update(np.ascontiguousarray(self.clips).data)
        return digest.hexdigest()


def keyword_clips(
    source: SetSource, labels: LabelSet, per_keyword: int = DEFAULT_PER_KEYWORD, extra: Path | None = None
) -> ClipsInSilence:
    """Loads the keyword clips of a set.

    Args:
      source: where they lie.
      labels: of the model.
      per_keyword: at most so many of each, drawn by seed 0.
      extra: a further folder, whose validation split is added in the same way; None: none.

    Raises:
      KwsError: there is none, or a file cannot be read.
    """
    sets = [load_clips(source.spec(labels.keywords, 0.0))]
    if extra:
        sets.append(load_clips(ClipSpec(extra, "validation", words=labels.keywords, unknown_percent=0.0)))
    rows = [_drawn(clips, per_keyword) for clips in sets]
    names = [clips.spoken_labels[row] for clips, of_set in zip(sets, rows, strict=True) for row in of_set]
    if not names:
        raise KwsError(f"{source.test or source.validation} holds no clip of {', '.join(labels.keywords)}.")
    pcm = np.concatenate([clips.pcm[of_set] for clips, of_set in zip(sets, rows, strict=True)])
    return ClipsInSilence(pcm, tuple(names))


def _drawn(clips: ClipSet, per_keyword: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = [np.zeros(0, np.int64)]
    for label, kind in enumerate(clips.label_names.kinds):
        if kind is Kind.KEYWORD:
            rows.append(np.sort(rng.permutation(np.flatnonzero(clips.labels == label))[:per_keyword]))
    return np.concatenate(rows)
