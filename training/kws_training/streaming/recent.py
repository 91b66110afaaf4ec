"""`Recent`: the pattern of a function of the last frames."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kws_training.streaming.layer import Context, States, StateSpec
from kws_training.streaming.patterns import STATE, Pattern, Shape, append, masked
from kws_training.streaming.taps import Taps


class Recent(Pattern):
    """A layer of windows ``[batch, frames + 1, ...]``: a ring of the last `frames` frames.

    Args:
      cell: gives ``[batch, ...]`` for each window, which ends with the frame that it stands for.
      frames: before it.
    """

    def __init__(self, cell: keras.layers.Layer, frames: int):
        if not isinstance(frames, int) or isinstance(frames, bool) or frames < 0:
            raise ValueError(f"{cell.name}: context must be an integer of at least 0. Received: {frames!r}")
        super().__init__(cell)
        self.context_frames = frames

    def batch(self, inputs: Any) -> Any:
        before, rest = self.context_frames, tuple(inputs.shape[2:])
        rows = ops.pad(inputs, [(0, 0), (before, 0), *[(0, 0)] * len(rest)])
        windows = ops.stack([rows[:, first : first - before or None] for first in range(before + 1)], 2)
        outputs = self.cell(ops.reshape(windows, (-1, before + 1, *rest)))
        time = inputs.shape[1] or ops.shape(inputs)[1]
        return ops.reshape(outputs, (-1, time, *outputs.shape[1:]))

    def padded_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.context_frames + 1, *input_shape[2:])

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:2], *self.cell.compute_output_shape(self.padded_shape(input_shape))[1:])

    def specs(self, input_shape: Shape, frames: int, delay: int) -> dict[str, StateSpec]:
        return {STATE: StateSpec((self.context_frames, *input_shape[2:]))} if self.context_frames else {}

    def taps(self, frames: int, delay: int) -> Taps:
        return [range(frame - self.context_frames, frame + 1) for frame in range(frames)]

    def step(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context) -> tuple[tf.Tensor, States]:
        rows, new = masked(inputs, context), {}
        count = rows.shape[1]
        if STATE in states:
            rows, new[STATE] = append(states[STATE], rows)
        windows = [rows[:, frame : frame + self.context_frames + 1] for frame in range(count)]
        outputs = [self.cell(window)[:, None] for window in windows]
        return outputs[0] if count == 1 else tf.concat(outputs, 1), new
