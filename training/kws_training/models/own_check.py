"""Whether a model of somebody's own can be trained, kept in a run, and exported; said before anything is read."""

import numpy as np
from kws_reference.errors import KwsError

from kws_training.models.own import OwnConfig, OwnModel
from kws_training.streaming import to_streaming

TOLERANCE = 1e-4
"""Of the largest score: float32 sums in another order give 1e-6; a frame missed or heard twice, more than 1e-3."""


def check(kind: OwnModel, config: OwnConfig) -> None:
    """Builds the model, and streams a clip of noise.

    Raises:
      KwsError: it is not the same model each time, looks ahead, or streams to other numbers.
      CannotStream: it does not stream; says which layer, and why.
    """
    model, again = kind.build(config), kind.build(config)
    if not model.trainable_weights:
        raise KwsError(f"{kind.name} has no weights. Give it layers that learn.")
    shapes = [[tuple(weight.shape) for weight in each.weights] for each in (model, again)]
    if shapes[0] != shapes[1]:
        raise KwsError(
            f"{kind.name} builds another model at each call: a run keeps weights and the file, from which the same "
            "model must come again. Leave out what changes."
        )
    streaming = to_streaming(model, config.frames_per_step)
    if streaming.needs_valid:
        raise KwsError(
            f"{kind.name} looks {streaming.delay_frames} frames ahead: the firmware takes causal models only. Leave "
            'out padding="same" and lookahead.'
        )
    left_over = config.clip_frames % config.frames_per_step
    if left_over and getattr(model, "input_shape", (None, None))[1]:
        raise KwsError(
            f"{kind.name} takes clips of {config.clip_frames} frames, no whole steps of {config.frames_per_step}. "
            f"Leave the number open: keras.Input((None, {config.coefficients}))."
        )
    shape = 2, config.clip_frames - left_over, config.coefficients
    clips = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    wanted, found = np.asarray(model(clips)), streaming.stream(clips)
    if wanted.shape != found.shape or np.abs(found - wanted).max() > TOLERANCE * np.abs(wanted).max():
        raise KwsError(
            f"{kind.name} gives other numbers frame by frame than for the whole clip. See that call and "
            "stream_inference compute the same."
        )
