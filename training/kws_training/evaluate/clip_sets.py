"""The clips of an evaluated set, with the labels that a model has for them."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
from kws_reference.errors import KwsError
from kws_reference.labels import SILENCE, UNKNOWN, Kind, LabelSet

from kws_training.data.clips import ClipSet, ClipSpec, FolderSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.noise import load_noise

log = logging.getLogger(__name__)

EVERY_UNKNOWN_PERCENT = 1e9
"""`ClipSpec.unknown_percent` with which no unknown word is left out."""


@dataclasses.dataclass(frozen=True)
class SetSource:
    """Where the clips of a set lie: in one of ``test`` and ``validation``.

    Attributes:
      name: of the set, for titles and files.
      test: folder with one subfolder for each label, or None.
      names: file that lists the clips to take of ``test``; None: all.
      validation: folder in the official layout whose validation split is taken, or None.
    """

    name: str
    test: Path | None = None
    names: Path | None = None
    validation: Path | None = None

    def spec(self, words: tuple[str, ...], unknown_percent: float) -> ClipSpec:
        """What to load. Args: unknown_percent: of the validation split; a test folder is taken whole."""
        if self.test:
            return ClipSpec(folders=(FolderSpec(self.test, self.names),), words=words)
        return ClipSpec(self.validation, "validation", words=words, unknown_percent=unknown_percent)


# --- Clips to classify -----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class LabelledClips:
    """Clips to classify.

    Attributes:
      pcm: int16 ``[clips, samples]`` at the model's sample rate.
      truth: row of each clip's label in the model, int64 ``[clips]``.
    """

    pcm: np.ndarray
    truth: np.ndarray

    def __len__(self) -> int:
        return len(self.truth)


def labelled_clips(
    source: SetSource,
    labels: LabelSet,
    sample_rate_hz: int,
    clip_samples: int,
    without: frozenset[str] = frozenset(),
    limit: int | None = None,
) -> LabelledClips:
    """Loads the clips of a set.

    Folders that are no label of the model are unknown words if it has those, as everywhere in the kit; else they are
    refused, or, of a split that draws unknown words and silence by itself, not drawn.

    Args:
      source: where they lie.
      labels: of the model.
      sample_rate_hz: of the model.
      clip_samples: length of a clip.
      without: subfolders of a test folder to leave out.
      limit: take this many clips, drawn by seed 0; None: all.

    Raises:
      KwsError: the model has no keyword, clips have no label, or none is left.
    """
    if not labels.keywords:
        raise KwsError(f"the model has no keyword. Received: {', '.join(labels)}.")
    spec = _spec(source, labels)
    clips = load_clips(dataclasses.replace(spec, sample_rate_hz=sample_rate_hz, clip_samples=clip_samples))
    rows = _rows_without(source, clips, without) if without else np.arange(len(clips))
    rows = _rows_with_a_label(source, clips, rows, labels)
    _log_unknown_words(clips, rows)
    if limit and limit < len(rows):
        rows = rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:limit])]
    row_of = labels.rows_of(clips.label_names)
    return LabelledClips(clips.pcm[rows], np.array([row_of[label] for label in clips.labels[rows]], np.int64))


def _spec(source: SetSource, labels: LabelSet) -> ClipSpec:
    """Of a validation split no clips are drawn for which the model has no label."""
    absent = [name for name in (SILENCE, UNKNOWN) if name not in labels]
    spec = source.spec(labels.keywords, 0.0 if UNKNOWN in absent else 100.0)
    if source.test or not absent:
        return spec
    log.info(f"the model has no {' and no '.join(absent)}: no such clips of the validation split are heard")
    return dataclasses.replace(spec, silence_percent=0.0) if SILENCE in absent else spec


def _folder(name: str) -> str:
    return name.split("/", 1)[0]


def _rows_without(source: SetSource, clips: ClipSet, without: frozenset[str]) -> np.ndarray:
    folders = list(map(_folder, clips.names))
    if without - set(folders):
        raise KwsError(f"{source.test} has no clips of {', '.join(sorted(without - set(folders)))}. See --without.")
    rows = np.array([row for row, folder in enumerate(folders) if folder not in without], np.int64)
    if not len(rows):
        raise KwsError(f"--without leaves no clip. Received: {','.join(sorted(without))}.")
    return rows


def _rows_with_a_label(source: SetSource, clips: ClipSet, rows: np.ndarray, labels: LabelSet) -> np.ndarray:
    """Refuses clips of a test folder that are of no label of the model, and leaves out those of a split."""
    row_of = labels.rows_of(clips.label_names)
    unlabelled = [row for row in rows if row_of[clips.labels[row]] is None]
    if source.validation:
        return np.setdiff1d(rows, unlabelled)  # `_spec` has logged it
    if unlabelled:
        folders = sorted({_folder(clips.names[row]) for row in unlabelled})
        raise KwsError(
            f"{source.test}: {len(unlabelled)} clips of {', '.join(folders)} are of no label of the "
            f"model, which has {', '.join(labels)}. Leave them out by --without {','.join(folders)}."
        )
    return rows


def _log_unknown_words(clips: ClipSet, rows: np.ndarray) -> None:
    unknown = rows[clips.kinds[rows] == Kind.UNKNOWN]
    others = sorted({_folder(clips.names[row]) for row in unknown} - {UNKNOWN})
    if others:
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        log.info(f"no labels of the model, so {UNKNOWN}: {', '.join(others[:8])}{more}")


# --- Clips to assemble -----------------------------------------------------------------------------------------------


def clips_with_noise(source: SetSource, words: tuple[str, ...], noise: Path | None) -> ClipSet:
    """All clips of a set, with background noise, for long recordings.

    Args:
      source: where they lie.
      words: the keywords.
      noise: folder with ``_background_noise_``; None: that of the validation split.

    Raises:
      KwsError: there are no clips or there is no noise.
    """
    clips = load_clips(source.spec(words, EVERY_UNKNOWN_PERCENT))
    if noise is None:
        return clips
    recordings = load_noise(noise)
    if not recordings:
        raise KwsError(f"{noise} holds no _background_noise_ with .wav files. Give the folder above it.")
    return dataclasses.replace(clips, noise=recordings)


def extra_clips(folder: Path, words: tuple[str, ...]) -> ClipSet:
    """The validation split of a further folder, without silence, for choosing thresholds."""
    return load_clips(
        ClipSpec(folder, "validation", words=words, silence_percent=0.0, unknown_percent=EVERY_UNKNOWN_PERCENT)
    )
