"""A model of somebody's own: a Python file, and a function in it that builds the Keras model for whole clips.

The model of ``build(labels: int, coefficients: int)`` takes features ``[batch, frames, coefficients]`` and gives logits
``[batch, labels]``. ``FRAMES_PER_STEP`` in the file, if it is there, is the frames of a streaming step.
"""

import dataclasses
import functools
import hashlib
import runpy
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.models import CLIP_FRAMES, FRAMES_PER_STEP, Architecture, clip_frames

SUFFIX = ".py"


@dataclasses.dataclass(frozen=True)
class OwnConfig:
    """What a run's settings say of a model of somebody's own, besides its name.

    Attributes:
      labels: number of classes.
      sha256: of the file, of which the run folder keeps a copy.
      coefficients: features per frame.
      frames_per_step: of a streaming step.
      dropout: 0: what is dropped, the file says.
      clip_frames: frames of a clip of a second, with which it is trained.
    """

    labels: int
    sha256: str
    coefficients: int = FrontendConfig().coefficients
    frames_per_step: int = FRAMES_PER_STEP
    dropout: float = 0.0
    clip_frames: int = CLIP_FRAMES

    def to_dict(self) -> dict[str, Any]:
        """JSON form; `from_dict` reads it."""
        values = dataclasses.asdict(self)
        if self.clip_frames == CLIP_FRAMES:
            del values["clip_frames"]  # as runs are from before there were others
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "OwnConfig":
        """Inverse of `to_dict`."""
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class OwnModel(Architecture):
    """A file, and a function in it; see `Architecture` for what it is asked.

    Attributes:
      file: where it is read.
      function: what builds the model.
      source: content of the file.
    """

    file: Path = Path()
    function: str = ""
    source: bytes = b""

    @classmethod
    def read(cls, name: str, folder: Path | None = None) -> "OwnModel":
        """Reads the file.

        Args:
          name: ``FILE.py:FUNCTION``.
          folder: in which the file lies, of which only the name counts then: a run's.

        Raises:
          KwsError: the name is none, or the file cannot be read.
        """
        path, _, function = name.rpartition(":")
        file = Path(path) if folder is None else folder / Path(path).name
        if file.suffix != SUFFIX or not function.isidentifier():
            raise KwsError(f"a model of your own is given as FILE{SUFFIX}:FUNCTION. Received: {name}.")
        try:
            source = file.read_bytes()
        except OSError as error:
            raise KwsError(f"{file} cannot be read ({error.strerror}). Give the file that builds the model.") from None
        return cls(
            f"{file.name}:{function}",
            "own",
            OwnConfig.__name__,
            recipe={"dropout": 0.0},
            file=file,
            function=function,
            source=source,
        )

    @property
    def files(self) -> dict[str, bytes]:
        """The file."""
        return {self.file.name: self.source}

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.source).hexdigest()

    def config(self, labels: int, frontend: FrontendConfig | None = None) -> OwnConfig:
        """The configuration for this number of classes and a front end (None: the kit's).

        Raises:
          KwsError: the file does not run, or names no number of frames.
        """
        frames = self._names.get("FRAMES_PER_STEP", FRAMES_PER_STEP)
        if type(frames) is not int or frames < 1:
            self._refuse(f"FRAMES_PER_STEP must be an integer of at least 1. Received: {frames!r}")
        frontend = frontend or FrontendConfig()
        return OwnConfig(
            labels, self.sha256, frontend.coefficients, frames_per_step=frames, clip_frames=clip_frames(frontend)
        )

    def config_from_dict(self, values: Any) -> OwnConfig:
        """The configuration that `to_dict` was called on.

        Raises:
          KwsError: it is that of another file.
          KeyError, TypeError, ValueError: the values are those of another model.
        """
        config = OwnConfig.from_dict(values)
        if config.sha256 != self.sha256:
            raise KwsError(f"{self.file} is not the file that the run was trained with (SHA-256). Restore it.")
        return config

    def build(self, config: OwnConfig) -> keras.Model:
        """The untrained Keras model, which knows its shapes.

        Raises:
          KwsError: there is no such function, or what it builds is no model of the shapes that are wanted.
        """
        function = self._names.get(self.function)
        if not callable(function):
            self._refuse(f"the file has no function {self.function}(labels, coefficients)")
        model = self._run(lambda: function(config.labels, config.coefficients))
        if not isinstance(model, keras.Model):
            self._refuse(f"it must return a keras.Model. Received: {type(model).__name__}")
        clips = np.zeros((2, config.clip_frames, config.coefficients), np.float32)
        logits = self._run(lambda: model(clips))  # a subclassed model knows its shapes after its first call
        shape, wanted = getattr(logits, "shape", None), (2, config.labels)
        if shape is None or tuple(shape) != wanted:
            received = type(logits).__name__ if shape is None else list(shape)
            self._refuse(f"of clips {list(clips.shape)} it must make logits {list(wanted)}. Received: {received}")
        return model

    def label_weights(self, config: OwnConfig) -> list[int]:
        """Places of the weights that know the labels: with one label more they have another shape.

        Raises:
          KwsError: with one label more there are other weights.
        """
        mine, other = (
            [tuple(weight.shape) for weight in self.build(dataclasses.replace(config, labels=labels)).weights]
            for labels in (config.labels, config.labels + 1)
        )
        if len(mine) != len(other):
            self._refuse(
                "with other labels it has another number of weights: --start-from needs a run of the same labels"
            )
        return [place for place, shape in enumerate(mine) if shape != other[place]]

    def check(self, frontend: FrontendConfig | None = None) -> None:
        """Refuses a model that could be trained, but not used (`kws_training.models.own_check`)."""
        from kws_training.models.own_check import check

        try:
            check(self, self.config(3, frontend))
        except KwsError as error:
            raise KwsError(str(error) if str(error).startswith(self.name) else f"{self.name}: {error}") from None

    @functools.cached_property
    def _names(self) -> dict[str, Any]:
        """What the file defines."""
        return self._run(lambda: runpy.run_path(str(self.file), run_name=self.file.stem))

    def _run(self, work: Callable[[], Any]) -> Any:
        """Does what runs code of the file; what that raises is told in one line, with the line of the file."""
        try:
            return work()
        except KwsError:
            raise
        except (Exception, SystemExit) as error:
            lines = [
                item.lineno for item in traceback.extract_tb(error.__traceback__) if item.filename == str(self.file)
            ]
            where = f"line {lines[-1]} raises " if lines else ""
            first = next(iter(str(error).strip().splitlines()), "")
            self._refuse(f"{where}{type(error).__name__}: {first[:200]}")

    def _refuse(self, why: str) -> None:
        raise KwsError(f"{self.name}: {why.rstrip('.')}. Change {self.file}.")
