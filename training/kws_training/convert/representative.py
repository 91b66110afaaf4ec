"""What the converter measures the ranges of the activations on: recordings, streamed by the float model."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf
from kws_reference.errors import KwsError

from kws_training.streaming import StreamingModel
from kws_training.streaming.model import VALID


def representative(
    model: StreamingModel, function: Callable, recordings: np.ndarray, scale: float
) -> Iterable[dict[str, np.ndarray]]:
    """Inputs of every step, states included.

    Args:
      model: the float streaming model.
      function: its step, traced.
      recordings: int8 features ``[recordings, frames, ...]``; the least and the greatest are stretched to -128 and 127.
      scale: real value of one int8 feature step.
    """
    frames = model.frames_per_step
    features = recordings.astype(np.float32)
    features[np.unravel_index(features.argmin(), features.shape)] = -128
    features[np.unravel_index(features.argmax(), features.shape)] = 127
    behind = -(-model.delay_frames // frames) * frames
    for recording in features * np.float32(scale):
        states = model.initial_states()
        heard = len(recording) - len(recording) % frames
        recording = np.pad(recording[:heard], [(0, behind), *[(0, 0)] * (recording.ndim - 1)])
        for start in range(0, len(recording), frames):
            inputs = {"features": recording[start : start + frames].reshape(model.feature_shape)}
            if model.needs_valid:
                inputs[VALID] = (np.arange(start, start + frames) < heard).astype(np.float32)[None]
            inputs |= {f"{name}_in": value for name, value in states.items()}
            yield inputs
            _, *new = function(*map(tf.constant, inputs.values()))
            states = dict(zip(states, (value.numpy() for value in new), strict=True))


def check_recordings(model: StreamingModel, recordings: np.ndarray) -> None:
    """Refuses recordings that are not features of a model, and a model of several outputs.

    Raises:
      KwsError: see there.
    """
    wanted = tuple(model.input_shape[2:])
    if recordings.dtype != np.int8 or recordings.ndim != len(wanted) + 2 or recordings.shape[2:] != wanted:
        raise KwsError(
            f"recordings for calibration must be int8 [recordings, frames, {', '.join(map(str, wanted))}]. "
            f"Received: {recordings.dtype} {list(recordings.shape)}."
        )
    if model.output_count != 1:
        raise KwsError(
            f"an int8 model has one output. Received: {model.output_count} outputs; export a model for each."
        )
