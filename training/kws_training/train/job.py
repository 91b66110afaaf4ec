"""What ``kws-train fit`` is asked to do: data, recipe, starting point, precision; checked before anything is read."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.data.augment_config import AugmentConfig
from kws_training.data.scenes.load_speech import SpeechFolder
from kws_training.data.scenes.scene_config import SceneConfig
from kws_training.data.surroundings_config import SurroundingsConfig
from kws_training.data.training_data import TrainingData
from kws_training.models import Architecture
from kws_training.quantize.precision import Precision
from kws_training.train import published
from kws_training.train.recipe import Recipe

NOISE_SHARE = {"noise_share": 0.5}
"""Of the surroundings, where folders of noise are given and no share."""
QUANTIZED_RECIPE = {"epochs": 8, "learning_rate": 3e-4, "weight_decay": 0.0, "dropout": 0.0}
"""Fields of the recipe of quantization-aware training that differ from the defaults."""


def shares_of(words: tuple[str, ...]) -> dict[str, Any]:
    """Unknown words and silence for a few keywords: a tenth of so little would hardly teach what is no keyword."""
    return {"unknown_percent": 200.0 / len(words), "silence_percent": 50.0 / len(words)} if len(words) < 5 else {}


@dataclasses.dataclass(frozen=True)
class FitJob:
    """One training.

    Attributes:
      out: run folder; an unfinished run in it is continued.
      data: what is learnt from.
      words: the keywords; none: those of the run that is quantized, or the ten of the 12-label task.
      model: its name; None: that of the run to start from, or the kit's default.
      frontend: that the model hears with, before its statistics are measured; None: that of the run to start from, or
        the kit's.
      start_from: run folder whose weights and features it begins with.
      teacher: run folder of a model whose soft labels become targets.
      precision: of quantization-aware training; None: in floating point.
      published: train by the recipe of the published figures.
      recipe, augment: fields of `Recipe` and `AugmentConfig` that are given.
      speech: folders of running speech to train among.
      scenes: fields of `SceneConfig` that are given.
      surroundings: fields of `SurroundingsConfig` that are given.
      seed: of weights, order and augmentation.
      cache: folder of augmented epochs.
      workers: processes that augment clips; None: by the number of cores.
    """

    out: Path
    data: TrainingData
    words: tuple[str, ...] = ()
    model: str | None = None
    frontend: FrontendConfig | None = None
    start_from: Path | None = None
    teacher: Path | None = None
    precision: Precision | None = None
    published: bool = False
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    augment: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    speech: tuple[SpeechFolder, ...] = ()
    scenes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    surroundings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 1
    cache: Path | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        """Checks what needs each other.

        Raises:
          KwsError: something is given without what it belongs to, or beside what it contradicts.
        """
        if self.published and (own := self._own_of_published()):
            raise KwsError(f"the published recipe runs unchanged. Leave out --{own[0].replace('_', '-')}.")
        if "distillation" in self.recipe and not self.teacher:
            raise KwsError("--distillation is the share of a teacher's soft labels. Give --teacher too.")
        if self.scenes and not self.speech:
            option = f"scene-{next(iter(self.scenes))}".replace("_", "-")
            raise KwsError(f"--{option} is about scenes. Give --speech too.")
        SceneConfig(**self.scenes)
        if self.workers is not None and self.workers < 0:
            raise KwsError(f"--workers must be 0 or more. Received: {self.workers}.")
        if self.recipe.get("frozen_blocks") and (self.precision or not self.start_from):
            raise KwsError(
                "--frozen-blocks keeps blocks of a float run while another float run is trained. Give that run by "
                "--start-from, and leave out --precision."
            )
        if self.frontend and self.start_from:
            raise KwsError("--start-from hears with the front end of its run. Leave out --frontend.")
        if self.precision and not self.start_from:
            raise KwsError("--precision trains a float model on. Give its run folder by --start-from.")

    def _own_of_published(self) -> list[str]:
        """Options that the published recipe goes without."""
        others = {
            "frontend": self.frontend,
            "teacher": self.teacher,
            "start-from": self.start_from,
            "precision": self.precision,
            "voices": self.data.voices,
            "speech": self.speech or None,
            "noise": self.data.noise or None,
        }
        return [
            *self.recipe,
            *self.augment,
            *self.surroundings,
            *(name for name, value in others.items() if value is not None),
        ]

    def recipe_of(self, kind: Architecture, words: tuple[str, ...]) -> Recipe:
        """The recipe for a model and its keywords.

        Raises:
          KwsError: a value is out of range, the published recipe is for other models, or the model has its own dropout.
        """
        if kind.files and "dropout" in self.recipe:
            raise KwsError(f"{kind.name} says itself what is dropped. Leave out --dropout.")
        if self.published:
            if kind.name not in published.MODELS:
                raise KwsError(f"the published recipe is for {' and '.join(published.MODELS)}. Received: {kind.name}.")
            return published.recipe()
        surroundings = SurroundingsConfig(**{**(NOISE_SHARE if self.data.noise else {}), **self.surroundings})
        augment = AugmentConfig(**{**shares_of(words), **self.augment}, surroundings=surroundings)
        return Recipe(augment=augment, **{**kind.recipe, **(QUANTIZED_RECIPE if self.precision else {}), **self.recipe})
