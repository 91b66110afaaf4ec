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
        material = Material.of(scenes.training, training)
        self.source = SceneEpochs(material, seed, config, frontend, steps_per_epoch * config.batch)
        self.validated = SceneValidation(scenes.validation, validation, frontend, config)

    def steps(self, inputs: np.ndarray, targets: np.ndarray, scenes: np.ndarray, right: np.ndarray) -> SceneSteps:
        """An epoch of clips and scenes for `keras.Model.fit`."""
        batch = self._scenes.config.batch
        return SceneSteps(inputs, targets, scenes, right, self._recipe.batch, batch, self._frontend)

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
