"""The scenes of a training, epoch by epoch, as `EpochRenderer` renders them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.scenes.hard_moments import read_hard_moments
from kws_training.data.scenes.material import Material
from kws_training.data.scenes.render import CHUNK_SCENES, render_scenes
from kws_training.data.scenes.scene_config import SceneConfig


@dataclasses.dataclass(frozen=True)
class SceneEpochs:
    """Scenes: features ``[scenes, frames, coefficients]`` and targets ``[scenes, moments, labels]``.

    Attributes:
      material: what they are made of.
      seed: of the run.
      config: shares and ranges.
      frontend: with statistics.
      count: scenes of an epoch.
      rounds: files of `HardMoments` by the number of epochs behind which they were found; may be added to.
    """

    material: Material
    seed: int
    config: SceneConfig
    frontend: FrontendConfig
    count: int
    rounds: dict[int, Path] = dataclasses.field(default_factory=dict)

    def found(self, epoch: int) -> Path | None:
        """What a model heard that an epoch knows of.

        The epoch behind a round is being rendered while the round listens; the one after that is the first to know.
        """
        known = [finished for finished in self.rounds if finished < epoch]
        return self.rounds[max(known)] if known else None

    def jobs(self, epoch: int) -> list[Any]:
        """Number of scenes, of the epoch and of the chunk, and the file of what was heard."""
        starts = range(0, self.count, CHUNK_SCENES)
        found = self.found(epoch)
        return [(min(CHUNK_SCENES, self.count - first), epoch, chunk, found) for chunk, first in enumerate(starts)]

    def render(self, job: Any) -> tuple[np.ndarray, ...]:
        """`render_scenes`."""
        count, epoch, chunk, path = job
        found = read_hard_moments(path) if path else None
        return render_scenes(self.material, count, self.seed, epoch, chunk, self.config, self.frontend, found)

    @property
    def temporary(self) -> tuple[Path, ...]:
        """The folder of the speech's samples."""
        return (self.material.speech.path.parent,) if self.material.speech.path else ()

    def light(self) -> "SceneEpochs":
        """Without samples; workers map those of the speech."""
        speech = self.material.speech.without_samples()
        material = dataclasses.replace(self.material, speech=speech, pcm=np.empty((0, 0), np.int16))
        return dataclasses.replace(self, material=material, rounds={})

    def with_clips(self, pcm: np.ndarray) -> "SceneEpochs":
        """With samples."""
        speech = self.material.speech.mapped()
        return dataclasses.replace(self, material=dataclasses.replace(self.material, speech=speech, pcm=pcm))
