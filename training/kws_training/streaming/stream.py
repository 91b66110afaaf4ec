"""`Stream`: the wrapper that makes a Keras layer streamable."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kws_training.streaming.layer import Context, States, StateSpec, StreamingLayer
from kws_training.streaming.patterns import Pattern, counted_from_newest, pattern_for
from kws_training.streaming.recent import Recent
from kws_training.streaming.taps import Taps

_NEWEST = "newest"  # what windows end with; files that do not say so were written when it was the oldest of a stride


@keras.saving.register_keras_serializable("kws_training")
class Stream(StreamingLayer):
    """A Keras layer with a memory: on whole clips it is the layer, padded with zeros; step by step it is the same.

    ==========================================  ====================================================================
    cell                                        what is kept between steps
    ==========================================  ====================================================================
    Conv1D/2D, DepthwiseConv1D/2D,              ring buffer: the last (kernel - 1) * dilation frames, with a stride
    SeparableConv1D/2D, Average/MaxPooling1D/2D stride - 1 less, if there are as many
    Flatten, GlobalAverage/MaxPooling1D/2D      ring buffer: the last `window` frames
    GRU, LSTM, SimpleRNN, RNN of any cell       the cell's states
    Conv1DTranspose, Conv2DTranspose            remainder: the outputs that reach into the next step
    a function or layer with ``context=n``      ring buffer: the last n frames
    ==========================================  ====================================================================

    Time is axis 1. ``padding`` of the cell tells which frames an output sees: ``"causal"`` and ``"valid"`` only earlier
    ones, ``"same"`` also later ones, so that the streaming output lags by `lookahead` frames (`Delay` makes a residual
    branch lag as much). In frequency (axis 2 of the 2-D layers) padding means what it means in Keras, except that
    pooling counts the padding as zeros.

    A stride of s makes one frame of s. The window of an output ends with the newest of them: what a step brings is
    heard in that step. On whole clips such an output has floor(frames / s) frames (of frames that do not fill a last
    stride nothing is made), that of a transposed convolution frames * s; the frames before the first and behind the
    last are zeros.
    """

    def __init__(
        self,
        cell: keras.layers.Layer | Callable[[Any], Any],
        *,
        lookahead: int | None = None,
        window: int | None = None,
        context: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        """Wraps a layer that is not built yet.

        Args:
          cell: the layer.
          lookahead: frames behind its own that an output sees, instead of what the cell's padding says; its own are,
            with a stride, all frames of the stride. Negative: so many of the newest are not heard; ``1 - stride`` is
            what Keras does with ``padding="causal"``, whose windows end with the oldest frame of each stride. Of a
            transposed convolution, counted in output frames.
          window: frames of Flatten and global pooling; default: the clip's length, if the training model fixes it.
          context: frames before its own that a function or layer of somebody's own is given with it: it takes windows
            ``[batch, context + 1, ...]`` and gives ``[batch, ...]``. Before a clip there are zeros.
          name: also the name of the layer's state.

        Raises:
          CannotStream: no pattern can carry this layer across steps.
          ValueError: an argument does not fit the layer.
        """
        if context is not None and not isinstance(cell, keras.layers.Layer) and callable(cell):
            label = re.sub(r"\W+", "", getattr(cell, "__name__", "")) or "function"
            cell = keras.layers.Lambda(cell, name=label)
        super().__init__(name=name or f"stream_{getattr(cell, 'name', cell)}", **kwargs)
        if context is None:
            self.pattern: Pattern = pattern_for(cell, lookahead, window)
        elif lookahead is None and window is None:
            self.pattern = Recent(cell, context)
        else:
            raise ValueError(f"{self.name}: context goes without lookahead and window. Received: {lookahead}, {window}")
        self.pattern.owner = self
        cell_config = keras.saving.serialize_keras_object(cell)
        self._arguments = {"cell": cell_config, "lookahead": lookahead, "window": window, "context": context}
        self.cell = self.pattern.cell
        self.stride, self.upsampling = self.pattern.stride, self.pattern.upsampling
        self.lookahead, self.crop, self.ends_time = self.pattern.lookahead, self.pattern.crop, self.pattern.ends_time

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.pattern.build(input_shape)
        self.context_frames = self.pattern.context_frames
        if not self.cell.built:
            self.cell.build(self.pattern.padded_shape(tuple(input_shape)))
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self.pattern.train(inputs) if training else self.pattern.batch(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return self.pattern.output_shape(tuple(input_shape))

    def state_specs(self, input_shape: tuple[int | None, ...], frames: int, delay: int = 0) -> dict[str, StateSpec]:
        return self.pattern.specs(input_shape, frames, delay)

    def stream_inference(
        self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context | None = None
    ) -> tuple[tf.Tensor, States]:
        return self.pattern.step(inputs, states, context or Context())

    def taps(self, frames: int, delay: int) -> Taps:
        return self.pattern.taps(frames, delay)

    def macs(self, input_shape: tuple[int | None, ...], frames: int) -> int:
        cell, weights = self.cell, {weight.name: weight for weight in self.cell.weights}
        if isinstance(self.pattern, Recent) or type(cell) is keras.layers.RNN:
            return super().macs(input_shape, frames)
        if isinstance(cell, keras.layers.RNN):
            return frames * sum(int(np.prod(w.shape)) for name, w in weights.items() if name.endswith("kernel"))
        kernels = [weight for name, weight in weights.items() if name.endswith("kernel")]
        if not kernels:
            return 0
        shape = (1, frames, *input_shape[2:])
        if not self.upsampling > 1:  # each output frame, not each input frame, takes a whole kernel
            shape = (1, frames // self.stride, *self.compute_output_shape((1, None, *input_shape[2:]))[2:])
        positions = shape[1] * (shape[2] if len(shape) == 4 else 1)
        return positions * sum(int(np.prod(kernel.shape)) for kernel in kernels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._arguments, "strides_end": _NEWEST}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Stream":
        cell = keras.saving.deserialize_keras_object(config.pop("cell"))
        if config.pop("strides_end", None) != _NEWEST:
            config["lookahead"] = counted_from_newest(cell, config.get("lookahead"))
        return cls(cell, **config)
