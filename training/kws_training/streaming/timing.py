"""When a frame of some tensor becomes known, in a model with strides, upsampling and layers that look ahead."""

import dataclasses
from fractions import Fraction

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Timing:
    """The time axis of one tensor of a streaming model.

    Attributes:
      period: model input frames for each of its frames: 1 for the input, 2 behind a stride of 2, 1/2 behind an
        upsampling by 2.
      delay: its own frames by which streaming lags: its frame n is the clip's frame n - delay.
      receptive: model input frames that a frame depends on.
    """

    period: Fraction = Fraction(1)
    delay: int = 0
    receptive: Fraction = Fraction(1)

    def after(
        self,
        *,
        stride: int = 1,
        upsampling: int = 1,
        lookahead: int = 0,
        crop: int = 0,
        extra_delay: int = 0,
        context_frames: int = 0,
    ) -> "Timing":
        """Timing of a layer's output.

        Output frame n of a layer with a stride s stands for the input frames n s .. n s + s - 1, and `lookahead` counts
        from the newest of them: while streaming it comes with the first whole stride that brings the frame
        n s + s - 1 + lookahead. `crop`: output frames that an upsampling layer drops at the clip's start.
        """
        return Timing(
            self.period * stride / upsampling,
            -(-(self.delay + lookahead + extra_delay) // stride) * upsampling + crop,
            self.receptive + context_frames * self.period,
        )

    def frames(self, input_frames: int) -> int:
        """Its frames in a step of so many input frames."""
        return int(input_frames / self.period)

    @property
    def history(self) -> int:
        """Input frames back to the one that its oldest unfinished frame stands for."""
        return int(np.ceil(self.delay * self.period))

    def valid(self, rows: tf.Tensor, history: int) -> tf.Tensor:
        """Tells which frames of a step are in the clip.

        Args:
          rows: the same for the model's input, ``[batch, history + input frames]``, the oldest first.
          history: at least `self.history`.

        Returns:
          ``[batch, frames]``.
        """
        count = self.frames(rows.shape[1] - history)
        index = [history + int(np.floor((frame - self.delay) * self.period)) for frame in range(count)]
        steps = {after - before for before, after in zip(index, index[1:], strict=False)}
        if len(steps) <= 1 and steps != {0}:
            return rows[:, index[0] : index[-1] + 1 : max(steps, default=1)]
        return tf.gather(rows, index, axis=1)
