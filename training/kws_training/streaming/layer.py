"""The two ends of the subclass API: what a state is, and what a layer does that carries one."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.errors import KwsError

States = dict[str, tf.Tensor]


class CannotStream(KwsError):
    """A layer, or a way of connecting layers, that no streaming model can compute; the message says which and why."""


@dataclasses.dataclass(frozen=True)
class StateSpec:
    """One state of a layer.

    Attributes:
      shape: of one stream, without the batch axis; of a ring buffer ``(rows, ...)``, the oldest row first.
      initial: value of every element before the first frame.
    """

    shape: tuple[int, ...]
    initial: float = 0.0


@dataclasses.dataclass(frozen=True)
class Context:
    """What a step knows about a layer's input, besides its values.

    Attributes:
      delay: how many frames the input lags behind the clip: its frame ``n`` is the clip's frame ``n - delay``.
      valid: bool ``[batch, frames]``, false for frames before the clip's first and behind its last; None when all are
        in the clip, as they always are in a causal model.
    """

    delay: int = 0
    valid: tf.Tensor | None = None


class StreamingLayer(keras.layers.Layer):
    """A layer that can run on whole clips and, with the same numbers, a few frames at a time.

    Subclasses define `call` (whole clips, for training), `stream_inference` (one step) and `state_specs`. Axis 1 of
    inputs and outputs is time; a clip's surroundings are zeros. Class or instance attributes tell the graph walker
    what the layer does to time:

    Attributes:
      stride: input frames for each output frame.
      upsampling: output frames for each input frame.
      lookahead: frames behind an output's own frame that it needs; the streaming output lags by so many frames.
      extra_delay: frames by which the streaming output lags for another reason (`Delay`).
      context_frames: earlier input frames that an output depends on, counted with `lookahead`: (kernel - 1) * dilation.
      ends_time: the output has no time axis any more: one row for each step.
    """

    stride = 1
    upsampling = 1
    lookahead = 0
    extra_delay = 0
    context_frames = 0
    ends_time = False

    def state_specs(self, input_shape: tuple[int | None, ...], frames: int, delay: int = 0) -> dict[str, StateSpec]:
        """States by name. The name ``"state"`` is replaced by the layer's own.

        Args:
          input_shape: of the training model's input: ``[batch, time, ...]``.
          frames: input frames in a step.
          delay: `Context.delay` of the input.
        """
        return {}

    def stream_inference(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, States]:
        """One step; takes a third argument, the `Context`, if the layer cares for it.

        Args:
          inputs: ``[batch, frames, ...]``.
          states: tensors ``[batch, *StateSpec.shape]`` by the names of `state_specs`.

        Returns:
          The outputs of these frames, and the new states by the same names.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no stream_inference")

    def initial_states(
        self, input_shape: tuple[int | None, ...], frames: int = 1, batch: int = 1
    ) -> dict[str, np.ndarray]:
        """Float32 arrays ``[batch, ...]`` for the first step."""
        return {
            name: np.full((batch, *spec.shape), spec.initial, np.float32)
            for name, spec in self.state_specs(input_shape, frames).items()
        }

    def macs(self, input_shape: tuple[int | None, ...], frames: int) -> int:
        """Multiply-accumulates of one step; 0 for a layer without weights."""
        return 0


def refuse(what: Any, why: str) -> None:
    """Raises `CannotStream` for a layer or operation: its name, its class, and why."""
    raise CannotStream(f"{getattr(what, 'name', what)} ({type(what).__name__}) cannot stream: {why}.")
