"""What the tests of the streaming library share: weights far from neutral, and streaming against whole clips."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from kws_training.streaming import StreamingModel, to_streaming

# Streaming and batch add the same float32 terms in another order, and batch normalisation is folded into the weights:
# a few units in the last place of the largest value, never as much as a wrong frame would give.
TOLERANCE = 1e-5


def randomize(model: keras.Model, seed: int = 0) -> keras.Model:
    """Gives a model weights as after a training: no bias is zero, no batch normalisation is neutral."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        shape, name = tuple(weight.shape), weight.path.rpartition("/")[2]
        if name == "moving_variance":
            values = random.uniform(0.3, 2, shape)
        elif name == "gamma":
            values = random.uniform(0.5, 1.5, shape)
        elif len(shape) <= 1 or "bias" in name:  # zeros would hide what happens outside the clip
            values = random.normal(0, 0.5, shape)
        elif "seed" in name:
            continue
        else:
            values = random.normal(0, np.prod(shape[:-1]) ** -0.5, shape)
        weight.assign(values)
    return model


def functional(shape: tuple[int | None, ...], body: Callable[[Any], Any], seed: int = 0) -> keras.Model:
    """A functional model of one input ``[batch, *shape]`` with random weights."""
    inputs = keras.Input(shape, name="features")
    return randomize(keras.Model(inputs, body(inputs)), seed)


def clips_for(model: keras.Model, frames: int, batch: int = 2, seed: int = 0) -> np.ndarray:
    """Random clips that a model takes."""
    shape = (batch, frames, *model.inputs[0].shape[2:])
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def listed(outputs: Any) -> list[np.ndarray]:
    """The outputs of a model as a list of arrays."""
    return [np.asarray(value) for value in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def assert_close(found: Any, wanted: Any, what: str = "") -> None:
    """Compares all outputs, relative to the largest value of each."""
    found, wanted = listed(found), listed(wanted)
    assert len(found) == len(wanted), what
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape, f"{what}: {one.shape} instead of {other.shape}"
        worst = np.abs(one - other).max() / max(np.abs(other).max(), 1e-30)
        assert worst <= TOLERANCE, f"{what}: off by {worst:.2e} of the largest output"


def assert_streams(model: keras.Model, *frames_per_step: int, length: int, batch: int = 2, seed: int = 0) -> Any:
    """Streaming equals batch for each step size; returns the last streaming model."""
    clips = clips_for(model, length, batch, seed)
    wanted = model(clips, training=False)
    streaming = None
    for frames in frames_per_step:
        streaming = to_streaming(model, frames)
        assert_close(streaming.stream(clips), wanted, f"{frames} frames per step")
    return streaming


def calls(model: StreamingModel, features: np.ndarray, steps: int = 1) -> tuple[list[list[np.ndarray]], dict]:
    """Outputs of each call with `steps` steps of features ``[batch, time, ...]``, and the last states."""
    states, collected, size = model.initial_states(len(features)), [], model.frames_per_step * steps
    for start in range(0, features.shape[1], size):
        outputs, states = model(features[:, start : start + size], states)
        collected.append(listed(outputs))
    return collected, states
