"""What a renderer of epochs renders: chunks of clips, chunks of scenes."""

import dataclasses
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet
from kws_training.data.epoch_plan import plan_epoch
from kws_training.data.features import CHUNK_CLIPS
from kws_training.data.render import render_chunk

Arrays = tuple[np.ndarray, ...]


class EpochSource(Protocol):
    """A pure function from the number of an epoch to arrays, in chunks that can be rendered anywhere, in any order."""

    def jobs(self, epoch: int) -> list[Any]:
        """What `render` is called with for each chunk of an epoch."""

    def render(self, job: Any) -> Arrays:
        """One chunk; the first axis of its arrays is that of the epoch."""

    @property
    def temporary(self) -> tuple[Path, ...]:
        """Folders of this process that must not outlive it."""

    def light(self) -> "EpochSource":
        """The same without samples, to be sent to a worker."""

    def with_clips(self, pcm: np.ndarray) -> "EpochSource":
        """Inverse of `light`. Args: pcm: of the training clips, int16 ``[clips, samples]``."""


def whole_epoch(parts: list[Arrays]) -> Arrays:
    """Joins the chunks of an epoch."""
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


@dataclasses.dataclass(frozen=True)
class ClipEpochs:
    """Augmented clips: features ``[clips, frames, coefficients]`` and labels ``[clips]``.

    Attributes:
      training: the clips.
      seed: of the run.
      config: of the augmentation.
      frontend: parameters of the front end.
    """

    training: ClipSet
    seed: int
    config: AugmentConfig
    frontend: FrontendConfig | None

    def jobs(self, epoch: int) -> list[Any]:
        """Rows of the clips, number of the epoch and of the chunk."""
        rows = plan_epoch(self.training, self.seed, epoch, self.config)
        starts = range(0, len(rows), CHUNK_CLIPS)
        return [(rows[first : first + CHUNK_CLIPS], epoch, index) for index, first in enumerate(starts)]

    def render(self, job: Any) -> Arrays:
        """`render_chunk`."""
        rows, epoch, chunk = job
        return render_chunk(self.training, rows, self.seed, epoch, chunk, self.config, self.frontend)

    @property
    def temporary(self) -> tuple[Path, ...]:
        """None."""
        return ()

    def light(self) -> "ClipEpochs":
        """Without samples, and names, which rendering does not need."""
        empty = np.empty((0, 0), np.int16)
        return dataclasses.replace(self, training=dataclasses.replace(self.training, pcm=empty, names=()))

    def with_clips(self, pcm: np.ndarray) -> "ClipEpochs":
        """With samples."""
        return dataclasses.replace(self, training=dataclasses.replace(self.training, pcm=pcm))
