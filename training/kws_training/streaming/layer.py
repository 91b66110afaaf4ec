"""The two ends of the subclass API: what a state is, and what a layer does that carries one."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.errors import KwsError

from kws_training.streaming.macs import count_macs
from kws_training.streaming.taps import Taps
from kws_training.streaming.timing import Timing

States = dict[str, Any]
"""Tensors ``[batch, *StateSpec.shape]`` by name; a layer made of layers has a dictionary for each of them."""


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
      valid: ``[batch, frames]``, 1 for frames of the clip, 0 for those before its first and behind its last; None when
        all are in the clip, as they always are in a causal model.
    """

    delay: int = 0
    valid: tf.Tensor | None = None
    _timing: Timing | None = None
    _rows: tf.Tensor | None = None  # `valid` of the model's input, with its history
    _history: int = 0

    def behind(self, layer: "Streaming") -> "Context":
        """The context of a layer's output, whose input this is the context of.

        A layer or model of one's own that is made of layers that look ahead gives it to the next of them.

        Raises:
          ValueError: this context was made by hand, so that earlier flags are not known.
        """
        timing = after(self._timing or Timing(delay=self.delay), layer)
        if self._rows is None:
            if self.valid is not None:
                raise ValueError("only a context that a streaming model made knows what is behind a layer")
            return Context(timing.delay, None, timing)
        valid = timing.valid(self._rows, self._history)
        return Context(timing.delay, valid, timing, self._rows, self._history)

    def of_step(self, step: int, steps: int) -> "Context":
        """Of one step of a call of several."""

        def part(flags: tf.Tensor | None, history: int = 0) -> tf.Tensor | None:
            if flags is None:
                return None
            frames = (flags.shape[1] - history) // steps
            return flags[:, step * frames : (step + 1) * frames + history]

        return Context(self.delay, part(self.valid), self._timing, part(self._rows, self._history), self._history)


class Streaming:
    """What a layer or a model of the subclass API has besides Keras's methods; mix it in before `keras.Model`.

    Subclasses define `call` (whole clips, for training) and `stream_inference` (one step). Axis 1 of inputs and outputs
    is time; a clip is surrounded by zeros. Attributes of the class or the instance tell what happens to time:

    Attributes:
      stride: input frames for each output frame; output n stands for the frames n stride .. n stride + stride - 1.
      upsampling: output frames for each input frame.
      lookahead: input frames behind the newest of its own that an output needs; the streaming output lags by so many,
        rounded up to whole strides.
      extra_delay: frames by which the streaming output lags for another reason (`Delay`).
      context_frames: input frames besides its own that an output depends on: (kernel - 1) * dilation.
      ends_time: the output has no time axis any more: one row for each step.
    """

    stride = 1
    upsampling = 1
    lookahead = 0
    extra_delay = 0
    context_frames = 0
    ends_time = False

    def state_specs(self, input_shape: tuple[int | None, ...], frames: int, delay: int = 0) -> dict[str, Any]:
        """States by name: `StateSpec`, or a dictionary of them for each part. ``"state"`` takes the name of its owner.

        Unless it is overridden: those of the streaming layers that are attributes of this one (or elements of a list
        that is), by the attribute's name; a part without states has an empty dictionary. They must have been called
        once, so that they know their input's shape, and see as many frames in a step as this one.

        Args:
          input_shape: of the training model's input: ``[batch, time, ...]``.
          frames: input frames in a step.
          delay: `Context.delay` of the input.
        """
        specs = {}
        for name, value in vars(self).items():
            if name == "_layers":  # Keras's own list of the same layers
                continue
            parts = value if isinstance(value, list | tuple) else [value]
            for index, part in enumerate(parts):
                if isinstance(part, Streaming) and isinstance(part, keras.layers.Layer):
                    if not part.built:
                        refuse(part, "it was never called: call the model on a clip first")
                    found = part.state_specs(part.get_build_config()["input_shape"], frames, delay)
                    specs[name if part is value else f"{name}_{index}"] = found
        return specs

    def stream_inference(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        """One step; takes a third argument, the `Context`, if it cares for it.

        Args:
          inputs: ``[batch, frames, ...]``.
          states: by the names of `state_specs`.

        Returns:
          The outputs of these frames, and the new states by the same names. A part without states may be left out.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no stream_inference")

    def initial_states(self, input_shape: tuple[int | None, ...], frames: int = 1, batch: int = 1) -> States:
        """Float32 arrays ``[batch, ...]`` for the first step."""
        return keras.tree.map_structure(
            lambda spec: np.full((batch, *spec.shape), spec.initial, np.float32), self.state_specs(input_shape, frames)
        )

    def taps(self, frames: int, delay: int) -> Taps | None:
        """What the outputs of a step depend on, for the latency. Unless it is overridden it is found out by trying.

        Args:
          frames: input frames in a step.
          delay: `Context.delay` of the input.
        """
        return None

    def macs(self, input_shape: tuple[int | None, ...], frames: int) -> int:
        """Multiply-accumulates of one step of one stream. Unless it is overridden: those in its graph."""
        states = keras.tree.map_structure(lambda spec: (1, *spec.shape), self.state_specs(input_shape, frames))
        return count_macs(self.stream_inference, (1, frames, *input_shape[2:]), states)


class StreamingLayer(Streaming, keras.layers.Layer):
    """A layer that runs on whole clips and, with the same numbers, a few frames at a time; see `Streaming`."""


def after(timing: Timing, layer: Streaming) -> Timing:
    """The timing of a layer's output."""
    return timing.after(
        stride=layer.stride,
        upsampling=layer.upsampling,
        lookahead=layer.lookahead,
        crop=getattr(layer, "crop", 0),
        extra_delay=layer.extra_delay,
        context_frames=layer.context_frames,
    )


def refuse(what: Any, why: str) -> None:
    """Raises `CannotStream` for a layer or operation: its name, its class, and why."""
    cell = f" of {type(what.cell).__name__}" if hasattr(what, "pattern") else ""
    raise CannotStream(f"{getattr(what, 'name', what)} ({type(what).__name__}{cell}) cannot stream: {why}.")
