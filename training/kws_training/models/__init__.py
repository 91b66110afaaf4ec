"""One model a file: a frozen configuration and ``build(config)``, the Keras model for whole clips; here, all by name.

A model takes float ``features`` ``[batch, frames, coefficients]`` and gives logits ``[batch, labels]``. Its streaming
form comes from `kws_training.streaming.to_streaming`. TensorFlow is imported when a model is first built. A model that
somebody wrote in a file of their own is looked up here, too.
"""

import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

DEFAULT = "matchbox"
FRAMES_PER_STEP = 2  # 20 ms
CLIP_FRAMES = FrontendConfig().frame_count(FrontendConfig().sample_rate_hz)
"""Frames that the kit's front end makes of a second, with which models are trained."""


def clip_frames(frontend: FrontendConfig) -> int:
    """Frames of a clip of a second."""
    return frontend.frame_count(frontend.sample_rate_hz)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A model that can be trained by name.

    Attributes:
      name: what ``--model`` and a run's settings say.
      module: its file in this package.
      config_class: name of the configuration's class there: a frozen dataclass with ``labels`` and ``dropout``,
        ``to_dict()`` and ``from_dict(values)``.
      options: arguments of the configuration that differ from its defaults.
      recipe: fields of `kws_training.train.recipe.Recipe` that differ from its defaults.
      frames_field: field of the configuration that holds the frames of a clip; None: there is none, and the model is
        made for `CLIP_FRAMES`.
    """

    name: str
    module: str
    config_class: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    frames_field: str | None = None

    def config(self, labels: int, frontend: FrontendConfig | None = None) -> Any:
        """The configuration for this number of classes and a front end (None: the kit's).

        Raises:
          KwsError: the model cannot take as many frames as the front end makes of a clip.
        """
        frontend = frontend or FrontendConfig()
        found = self._class()(labels=labels, coefficients=frontend.coefficients, **self.options)
        frames = clip_frames(frontend)
        if frames == CLIP_FRAMES:
            return found
        if self.frames_field is None:
            raise KwsError(
                f"{self.name} takes {CLIP_FRAMES} frames a second, the front end makes {frames}. Choose another hop, "
                f"another model, or give {OWN}."
            )
        step = getattr(found, "frames_per_step", 1)
        steps = {"frames_per_step": 1} if frames % step else {}
        return dataclasses.replace(found, **{self.frames_field: frames}, **steps)

    def config_from_dict(self, values: Mapping[str, Any]) -> Any:
        """The configuration that `to_dict` was called on.

        Raises:
          KeyError, TypeError, ValueError: the values are those of another model.
        """
        return self._class().from_dict(values)

    def build(self, config: Any) -> Any:
        """The untrained Keras model of a configuration."""
        return self._module().build(config)

    @property
    def files(self) -> dict[str, bytes]:
        """What a run folder keeps of it, by name: none of the kit's own models needs anything."""
        return {}

    def check(self, frontend: FrontendConfig | None = None) -> None:
        """Refuses a model that could be trained with a front end (None: the kit's), but not used.

        None of the kit's own.

        Raises:
          KwsError: it is such a model; the message says why.
        """

    def _module(self) -> Any:
        return importlib.import_module(f"{__name__}.{self.module}")

    def _class(self) -> type:
        return getattr(self._module(), self.config_class)


ARCHITECTURES: dict[str, Architecture] = {
    item.name: item
    for item in (
        Architecture("matchbox", "matchbox", "MatchboxConfig", frames_field="pool_frames"),
        Architecture("matchbox_noncausal", "matchbox", "MatchboxConfig", {"causal": False}, frames_field="pool_frames"),
        Architecture(
            "matchbox_teacher",
            "matchbox",
            "MatchboxConfig",
            {"causal": False, "width": 2},
            frames_field="pool_frames",
        ),
        Architecture("transformer", "transformer", "TransformerConfig"),
        Architecture("mixednet", "mixednet", "MixedNetConfig"),
        Architecture(
            "mhatt_rnn",
            "mhatt_rnn",
            "MhattRnnConfig",
            recipe={"learning_rate": 1e-3, "dropout": 0.2},
            frames_field="frames",
        ),
    )
}


OWN = "FILE.py:FUNCTION"
"""How a model of somebody's own is named, see `own`."""


def architecture(name: str, folder: Path | None = None) -> Architecture:
    """Looks up a model.

    Args:
      name: of `ARCHITECTURES`, or a file of somebody's own and a function in it (`OWN`).
      folder: a run's, which keeps a copy of such a file; None: the file is where the name says.

    Raises:
      KwsError: there is none of this name; the message lists those that there are. Or the file cannot be read.
    """
    if ":" in name:
        from kws_training.models.own import OwnModel

        return OwnModel.read(name, folder)
    if name not in ARCHITECTURES:
        raise KwsError(f"no model is called {name!r}. Choose one of {', '.join(ARCHITECTURES)}, or give {OWN}.")
    return ARCHITECTURES[name]
