"""Describes what a person names: a bundle, a run folder, or a model with random weights."""

from pathlib import Path

import keras
from kws_reference.bundle import Bundle, is_bundle
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig

from kws_training.inspect.batch_model import describe_batch
from kws_training.inspect.bundle import describe_bundle
from kws_training.inspect.description import Description
from kws_training.inspect.streaming_model import describe_streaming
from kws_training.models import ARCHITECTURES, FRAMES_PER_STEP, OWN, architecture
from kws_training.streaming import CannotStream, to_streaming
from kws_training.train.trained_run import load_run

LABELS = 12  # of a model with random weights


def describe(target: str, frames_per_step: int | None = None, *, as_run: bool = False) -> Description:
    """Describes a target.

    Args:
      target: a folder, or what `kws_training.models.architecture` takes.
      frames_per_step: frames of a streaming step; None: the run's, else the kit's.
      as_run: of a folder that is bundle and run, describe the run.

    Raises:
      KwsError: there is no such target, or an argument does not fit to it.
    """
    folder = Path(target)
    if target in ARCHITECTURES or ":" in target and not folder.exists():
        if as_run:
            raise KwsError(f"--as-run is for folders. Received the model {target}.")
        return _described(target, *_untrained(target), frames_per_step)
    if not folder.is_dir():
        raise KwsError(
            f"{target} is neither a folder nor a model. Give a bundle, a run folder, one of "
            f"{', '.join(ARCHITECTURES)}, or {OWN}."
        )
    if is_bundle(folder) and not as_run:
        if frames_per_step is not None:
            raise KwsError("--frames-per-step is for models and runs: a bundle has its step built in.")
        return describe_bundle(Bundle.load(folder))
    settings, model = load_run(folder)
    frontend = FrontendConfig.from_dict(settings["frontend"])
    return _described(folder.resolve().name, model, frontend, settings["frames_per_step"], frames_per_step)


def _untrained(name: str) -> tuple[keras.Model, FrontendConfig, int]:
    kind = architecture(name)
    config = kind.config(LABELS)
    return kind.build(config), FrontendConfig(), getattr(config, "frames_per_step", FRAMES_PER_STEP)


def _described(
    name: str, model: keras.Model, frontend: FrontendConfig, frames_per_step: int, wanted: int | None
) -> Description:
    """Describes how a model streams; one that does not, as it takes whole clips, unless a step was asked for."""
    try:
        streaming = to_streaming(model, wanted or frames_per_step)
    except CannotStream as error:
        if wanted:
            raise
        frames = model.input_shape[1] or frontend.frame_count(frontend.sample_rate_hz)
        return describe_batch(name, model, frontend, frames, str(error))
    return describe_streaming(name, streaming, frontend)
