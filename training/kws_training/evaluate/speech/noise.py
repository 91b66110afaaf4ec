"""Noise and near-silence: nobody speaks, so that whatever is raised is wrong."""

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import BACKGROUND_FOLDER, Recording
from kws_reference.bundle import DetectorConfig

from kws_training.data.clips import SAMPLE_RATE_HZ
from kws_training.data.noise_folders import noise_recordings
from kws_training.data.recording_plan import Piece
from kws_training.data.signal.textures import TEXTURES, texture_recording
from kws_training.evaluate.intervals import poisson_bounds
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.speech.streams import LONGEST_STREAM_S

TEXTURE_S = 20.0
TEXTURE_SEED = 1
TEXTURE_LEVELS = (0.0, 0.3, 0.6, 0.9, 1.2, 1.6, 2.0, 3.0, 4.5, 7.0, 10.0, 14.0, 20.0, 30.0)
"""Root mean squares in least significant bits."""


@dataclasses.dataclass(frozen=True)
class NoisePiece:
    """Noise that is heard from a reset.

    Attributes:
      kind: class of noise, or texture.
      name: of the recordings, or the level.
      files: recordings that are heard one behind the other; none: a texture.
      level: of a texture.
    """

    kind: str
    name: str
    files: tuple[Path, ...] = ()
    level: float = 0.0

    def pcm(self) -> np.ndarray:
        """Its samples, int16 ``[samples]``."""
        if self.files:
            return np.concatenate([read_wav(path, SAMPLE_RATE_HZ) for path in self.files])
        return texture_recording(self.kind, self.level, round(TEXTURE_S * SAMPLE_RATE_HZ), TEXTURE_SEED)


@dataclasses.dataclass(frozen=True)
class Noise:
    """Pieces of noise to listen to."""

    parts: tuple[NoisePiece, ...]

    def __len__(self) -> int:
        return len(self.parts)

    def pcm(self, index: int) -> np.ndarray:
        """One piece, int16 ``[samples]``."""
        return self.parts[index].pcm()

    @functools.cached_property
    def _heard(self) -> tuple[tuple[Piece, ...], str]:
        """The pieces, without words, and the digest of their samples: all are made once."""
        pieces, digest = [], hashlib.sha256()
        for index in range(len(self)):
            pcm = self.pcm(index)
            pieces.append(Piece(index, len(pcm), ()))
            digest.update(pcm.data)
        return tuple(pieces), digest.hexdigest()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces; there are no words in them."""
        return self._heard[0]

    def sha256(self) -> str:
        """Digest of all samples."""
        return self._heard[1]


def recorded_noise(folders: Sequence[Path]) -> Noise:
    """The recordings of folders of noise that are kept for testing, those of a class one behind the other.

    Of a folder called ``_background_noise_``, whose few long recordings are everybody's, all are heard.

    Raises:
      KwsError: see `noise_recordings`.
    """
    parts: list[NoisePiece] = []
    for folder in folders:
        classes: dict[str, list[Recording]] = {}
        kept = noise_recordings(folder, "testing")
        if folder.resolve().name == BACKGROUND_FOLDER:
            kept = tuple(sorted((*kept, *noise_recordings(folder, "training")), key=lambda item: item.name))
        for item in kept:
            classes.setdefault(item.name.rpartition("/")[0] or folder.name, []).append(item)
        for kind, items in classes.items():
            parts += _joined(kind, items)
    return Noise(tuple(parts))


def _joined(kind: str, items: Sequence[Recording]) -> list[NoisePiece]:
    found: list[list[Recording]] = []
    length = 0.0
    for item in items:
        seconds = len(read_wav(item.path, SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        if not found or length + seconds > LONGEST_STREAM_S:
            found.append([])
            length = 0.0
        found[-1].append(item)
        length += seconds
    return [
        NoisePiece(kind, f"{group[0].name} to {group[-1].name}", tuple(item.path for item in group)) for group in found
    ]


def near_silence() -> Noise:
    """Every texture at every level, `TEXTURE_S` each."""
    return Noise(
        tuple(NoisePiece(kind, f"{level:g} bits", level=level) for kind in TEXTURES for level in TEXTURE_LEVELS)
    )


def noise_figures(noise: Noise, replay: DetectorReplay, detector: DetectorConfig) -> dict[str, Any]:
    """What is raised in noise.

    Args:
      noise: what is heard.
      replay: its scores; any smoothing window.
      detector: the settings.

    Returns:
      ``hours``, ``false_accepts``, ``false_accepts_per_hour`` with the interval of chance, those of each kind, and
      where each one is.
    """
    replay = replay.smoothed(detector.smoothing_steps)
    raised = [
        {
            "kind": part.kind,
            "name": part.name,
            "seconds": round(event.sample / SAMPLE_RATE_HZ, 2),
            "label": replay.bundle.labels[event.label],
        }
        for index, part in enumerate(noise.parts)
        for event in replay.detections(index, detector)
    ]
    kinds = [one["kind"] for one in raised]
    return {
        "hours": replay.hours,
        "false_accepts": len(raised),
        "false_accepts_per_hour": len(raised) / replay.hours,
        "by_chance_95": [bound / replay.hours for bound in poisson_bounds(len(raised), 0.025, 0.975)],
        "by_kind": {kind: kinds.count(kind) for kind in dict.fromkeys(part.kind for part in noise.parts)},
        "raised": raised,
    }
