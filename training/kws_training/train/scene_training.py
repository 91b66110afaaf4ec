"""What scenes of speech add to a training: their epochs, a model that takes them, validation, hard moments."""

import dataclasses
import logging
import time
from pathlib import Path

import keras
import numpy as np
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.clips import ClipSet
from kws_training.data.scenes.hard_moments import read_hard_moments
from kws_training.data.scenes.material import Material
from kws_training.data.scenes.moments import Grid
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.scenes.scene_epochs import SceneEpochs
from kws_training.data.scenes.speech_set import SpeechSet
from kws_training.train.hard_rounds import listen, rounds_of
from kws_training.train.optimizer import averaged
from kws_training.train.recipe import Recipe
from kws_training.train.run_folder import RunFolder
from kws_training.train.scene_model import SceneModel, SceneSteps
from kws_training.train.scene_validation import SceneValidation

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Scenes:
    """What is asked for.

    Attributes:
      training, validation: running speech of different people.
      config: how scenes are drawn and what they count.
      architecture: name of the model, for messages.
      knows_keywords: it starts from a model of the same labels.
    """

    training: SpeechSet
    validation: SpeechSet
    config: SceneConfig
    architecture: str
    knows_keywords: bool = False


def scene_epochs(
    scenes: Scenes, training: ClipSet, frontend: FrontendConfig, seed: int, steps_per_epoch: int
) -> SceneEpochs:
    """The scenes of a training, as many in an epoch as its steps take in all passes together."""
    count = -(-steps_per_epoch * scenes.config.batch // scenes.config.passes)
    return SceneEpochs(Material.of(scenes.training, training), seed, scenes.config, frontend, count)


class SceneTraining:
    """Scenes beside the clips of a training.

    Attributes:
      model: what is compiled and fitted in the place of the model.
      source: of the epochs.
    """

    def __init__(
        self,
        scenes: Scenes,
        training: ClipSet,
        validation: ClipSet,
        model: keras.Model,
        frontend: FrontendConfig,
        recipe: Recipe,
        seed: int,
        steps_per_epoch: int,
    ):
        """Renders what validates.

        Args:
          scenes: what is asked for.
          training, validation: clips.
          model: to train.
          frontend: with statistics.
          recipe: of the clips.
          seed: of the scenes.
          steps_per_epoch: each takes a batch of scenes.
        """
        self._scenes, self._frontend, self._recipe = scenes, frontend, recipe
        config, ends = scenes.config, Grid.of(scenes.config, frontend).ends
        self.model = SceneModel(model, scenes.architecture, ends, config, recipe.label_smoothing)
        self.source = scene_epochs(scenes, training, frontend, seed, steps_per_epoch)
        self.validated = SceneValidation(scenes.validation, validation, frontend, config)

    def steps(
        self,
        rng: np.random.Generator,
        clips: tuple[np.ndarray, np.ndarray],
        scenes: tuple[np.ndarray, np.ndarray],
    ) -> SceneSteps:
        """An epoch for `keras.Model.fit`.

        Args:
          rng: draws the order in which each pass takes the scenes.
          clips: inputs on the int8 grid, and targets.
          scenes: features and targets, as `SceneEpochs` gives them.
        """
        config = self._scenes.config
        rows = np.concatenate([rng.permutation(len(scenes[0])) for _ in range(config.passes)])
        return SceneSteps(clips, scenes, rows, self._recipe.batch, config.batch, self._frontend)

    def hard_round(self, run: RunFolder, epochs: int) -> None:
        """Takes up the rounds of a run that are behind it, and listens if one is due.

        Args:
          run: its history says how many epochs are finished.
          epochs: that hear what none before heard.

        Raises:
          KwsError: the file of a round is missing or damaged, or cannot be written.
        """
        scenes, finished = self._scenes, len(run.history)
        for number in rounds_of(scenes.config, epochs, scenes.knows_keywords):
            path = run.path / f"hard_moments_{number:03}.npz"
            if number > finished or number in self.source.rounds:
                continue
            if number == finished and not path.exists():
                self._listen(run, path)
            read_hard_moments(path)
            self.source.rounds[number] = path

    def _listen(self, run: RunFolder, path: Path) -> None:
        began, scenes = time.monotonic(), self._scenes
        with averaged(self.model):
            labels = self.source.material.label_names
            found = listen(self.model.pooled, scenes.training, labels, self._frontend, scenes.config)
        run.write_arrays(path.name, found.arrays())
        believed = f"; {len(found.believed):,} are believed to be one" if len(found.believed) else ""
        log.info(
            f"{len(found):,} moments of {scenes.training.hours:.2f} h of training speech raise a keyword above "
            f"{scenes.config.hard_level:g}{believed}; {time.monotonic() - began:.0f} s"
        )
