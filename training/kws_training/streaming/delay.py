"""`Delay`: lets one branch of a streaming model wait for another."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from kws_training.streaming.layer import States, StateSpec, StreamingLayer
from kws_training.streaming.patterns import STATE, append
from kws_training.streaming.taps import Taps


@keras.saving.register_keras_serializable("kws_training")
class Delay(StreamingLayer):
    """Holds frames back: on whole clips it does nothing, step by step its output lags by `frames`.

    A layer that looks ahead lags behind its input; where its output meets a branch that does not, as at the addition of
    a residual, that branch needs a `Delay` of as many frames.
    """

    def __init__(self, frames: int, **kwargs: Any):
        """Args: frames: at least 0."""
        super().__init__(**kwargs)
        if not isinstance(frames, int) or frames < 0:
            raise ValueError(f"frames must be an integer of at least 0. Received: {frames!r}")
        self.frames = self.extra_delay = frames

    def call(self, inputs: Any) -> Any:
        return inputs

    def state_specs(self, input_shape: tuple[int | None, ...], frames: int, delay: int = 0) -> dict[str, StateSpec]:
        return {STATE: StateSpec((self.frames, *input_shape[2:]))} if self.frames else {}

    def stream_inference(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, States]:
        if not self.frames:
            return inputs, {}
        rows, new = append(states[STATE], inputs)
        return rows[:, : inputs.shape[1]], {STATE: new}

    def taps(self, frames: int, delay: int) -> Taps:
        return [[frame - self.frames] for frame in range(frames)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "frames": self.frames}
