"""What a streaming model is made of: operations on one step of frames, in the layout that TFLite's kernels want.

A tensor ``[batch, time, channels]`` of the training model travels as ``[batch, time, 1, channels]``; batch
normalisation is folded into the convolution before it, in float64.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kws_training.streaming.layer import Context, States, StateSpec, Streaming, refuse
from kws_training.streaming.patterns import STATE, Ring, Window, append, masked
from kws_training.streaming.proof import works_on_each_value
from kws_training.streaming.stream import Stream
from kws_training.streaming.taps import Taps, found_taps, zeros


@dataclasses.dataclass(frozen=True)
class Value:
    """A tensor on its way through a step.

    Attributes:
      tensor: of the training model's rank, or, planar, of rank 4.
      rank: of the training model's tensor: 4, 3, or less once time has ended.
    """

    tensor: tf.Tensor
    rank: int

    @property
    def planar(self) -> tf.Tensor:
        """``[batch, time, bins or 1, channels]``."""
        if self.tensor.shape.rank == 4:
            return self.tensor
        batch, *rest = self.tensor.shape
        return tf.reshape(self.tensor, (batch, rest[0], 1, rest[1]) if self.rank == 3 else (batch, 1, 1, *rest))

    @property
    def as_float32(self) -> "Value":
        """What layers make of the truth values and integers that functions give."""
        return self if self.tensor.dtype == tf.float32 else Value(tf.cast(self.tensor, tf.float32), self.rank)

    @property
    def plain(self) -> tf.Tensor:
        """As in the training model; when time has ended, several steps lie side by side in the batch axis."""
        if self.tensor.shape.rank == self.rank:
            return self.tensor
        batch, time, _, channels = self.tensor.shape
        return tf.reshape(self.tensor, (batch, time, channels) if self.rank == 3 else (batch * time, channels))


def is_keras_activation(function: Any) -> bool:
    """Whether it is one of Keras's functions, which work on each value, or along the last axis."""
    return inspect.isfunction(function) and function.__module__.startswith("keras.src.activations.")


def takes_any_rank(activation: Any) -> bool:
    """Whether an activation may see an axis of one before the channels; somebody's own may count axes."""
    return is_keras_activation(activation) or works_on_each_value(activation)


class Operation:
    """One node's computation.

    Attributes:
      specs: its states by their own names.
      macs: multiply-accumulates of one step.
      needs_history: it asks for the flags behind layers inside of it (`Context.behind`).
      taps: input frames that the outputs of a step depend on; None if each on its own frame.
    """

    specs: dict[str, Any]
    macs = 0
    needs_history = False
    taps: Taps | None = None

    def __init__(self) -> None:
        self.specs = {}

    def apply(self, values: list[Value], states: States, context: Context, steps: int) -> tuple[Value, States]:
        """Computes `steps` steps at once."""
        raise NotImplementedError


class Linear(Operation):
    """A convolution with its bias, and with the ring buffer that `Stream` gave it.

    Attributes:
      kernel: float64 ``[taps, bins, in, out]``, or ``[taps, bins, in, multiplier]`` when `depthwise`.
      bias: float64 ``[out]`` or None.
    """

    def __init__(self, cell: Any, ring: Ring | None, rank: int):
        super().__init__()
        kernel = np.asarray(cell.kernel, np.float64)
        self.depthwise = "Depthwise" in type(cell).__name__
        self.kernel = kernel if kernel.ndim == 4 else kernel[:, None] if kernel.ndim == 3 else kernel[None, None]
        self.bias = None if cell.bias is None else np.asarray(cell.bias, np.float64)
        self.activation = None if cell.activation is keras.activations.linear else cell.activation
        self._any_rank = takes_any_rank(cell.activation)
        strides = tuple(getattr(cell, "strides", (1,)))
        self.strides = strides if len(strides) == 2 else (strides[0], 1)
        dilation = tuple(getattr(cell, "dilation_rate", (1,)))
        self.dilation = dilation if len(dilation) == 2 else (dilation[0], 1)
        self.ring, self.rank = ring, rank

    def skip(self, rows: int) -> None:
        """Lets the windows begin `rows` earlier, with taps of zero: to cut the rows off would be one more operator."""
        self.kernel = np.pad(self.kernel, [(rows, 0), (0, 0), (0, 0), (0, 0)])

    @property
    def is_one_tap(self) -> bool:
        """Scales each channel and does nothing else."""
        return (
            self.depthwise
            and self.kernel.shape[:2] == (1, 1)
            and self.kernel.shape[3] == 1
            and self.strides == (1, 1)
            and self.bias is None
            and self.activation is None
        )

    def fold_scale(self, gain: np.ndarray, offset: np.ndarray) -> None:
        """Multiplies the output by `gain` and adds `offset`, both float64 ``[out]``."""
        if self.depthwise:
            self.kernel = self.kernel * gain.reshape(self.kernel.shape[2:])
        else:
            self.kernel = self.kernel * gain
        self.bias = offset if self.bias is None else self.bias * gain + offset

    def fold_one_tap(self, before: "Linear") -> None:
        """Takes over the scaling of the input's channels by a one-tap depthwise convolution."""
        self.kernel = self.kernel * before.kernel.transpose(0, 1, 3, 2).reshape(1, 1, -1, 1)

    def apply(self, values: list[Value], states: States, context: Context, steps: int) -> tuple[Value, States]:
        x, new = values[0].planar, {}
        bands = (0, 0)
        if self.ring:
            x, new = self.ring.rows(x, states, context)
            if len(self.ring.kernel) == 2:
                bands = self.ring.frequency_padding(x.shape[2])
        x = self._convolve(x, self.kernel.astype(np.float32), bands)
        if self.bias is not None:
            x = tf.nn.bias_add(x, self.bias.astype(np.float32))
        value = Value(x, self.rank)
        if self.activation is None:
            return value, new
        return Value(self.activation(x if self._any_rank else value.plain), self.rank), new

    def _convolve(self, x: tf.Tensor, kernel: np.ndarray, bands: tuple[int, int]) -> tf.Tensor:
        padding = "VALID" if not any(bands) else [[0, 0], [0, 0], list(bands), [0, 0]]
        strides = (1, *self.strides, 1)
        if not self.depthwise:
            if self.strides == self.dilation == (1, 1):
                return tf.nn.conv2d(x, kernel, 1, padding)
            return tf.nn.conv2d(x, kernel, strides, padding, dilations=self.dilation)
        if any(bands):  # explicit padding and a bias behind it abort TensorFlow's fused kernel
            x, padding = tf.pad(x, padding), "VALID"
        rate = self.dilation[0]
        if self.dilation == (1, 1):
            return tf.nn.depthwise_conv2d(x, kernel, strides, padding)
        if x.shape[1] % rate or x.shape[2] != 1 or self.strides != (1, 1):
            return tf.nn.depthwise_conv2d(x, kernel, strides, padding, dilations=self.dilation)
        # [1, n * d, 1, c] -> [1, n, d, c]: taps at distance d become neighbours, the phases lie side by side.
        batch, count, _, channels = x.shape
        phases = tf.reshape(x, (batch, count // rate, rate, channels))
        result = tf.nn.depthwise_conv2d(phases, kernel, strides, "VALID")
        return tf.reshape(result, (batch, -1, 1, result.shape[3]))


class Classifier(Operation):
    """A dense layer behind the end of time."""

    def __init__(self, layer: Any):
        super().__init__()
        self._kernel = np.asarray(layer.kernel, np.float32)
        self._bias = None if layer.bias is None else np.asarray(layer.bias, np.float32)
        self._activation = None if layer.activation is keras.activations.linear else layer.activation
        self.macs = self._kernel.size

    def apply(self, values: list[Value], states: States, context: Context, steps: int) -> tuple[Value, States]:
        tensor = values[0].tensor
        x = tf.matmul(tf.reshape(tensor, (-1 if steps > 1 else tensor.shape[0], self._kernel.shape[0])), self._kernel)
        if self._bias is not None:
            x = tf.nn.bias_add(x, self._bias)
        return Value(x if self._activation is None else self._activation(x), 2), {}


class Scale(Operation):
    """Batch normalisation that no convolution could take over."""

    def __init__(self, gain: np.ndarray, offset: np.ndarray, rank: int):
        super().__init__()
        self._gain, self._offset, self._rank = gain.astype(np.float32), offset.astype(np.float32), rank

    def apply(self, values: list[Value], states: States, context: Context, steps: int) -> tuple[Value, States]:
        return Value(values[0].tensor * self._gain + self._offset, self._rank), {}


class WindowMean(Operation):
    """Global average pooling over a window of whole steps: a ring of the means of the steps."""

    def __init__(self, window: Window, channels: int, frames: int):
        super().__init__()
        self.taps = window.taps(frames, 0)
        self._frames, self._means = frames, window.frames // frames
        if self._means > 1:
            self.specs = {STATE: StateSpec((self._means - 1, 1, channels))}

    def apply(self, values: list[Value], states: States, context: Context, steps: int) -> tuple[Value, States]:
        x, new = masked(values[0].planar, context), {}
        if self._frames > 1:
            x = tf.nn.avg_pool2d(x, (self._frames, 1), 1 if steps == 1 else (self._frames, 1), "VALID")
        if self._means > 1:
            x, new[STATE] = append(states[STATE], x)
            x = tf.nn.avg_pool2d(x, (self._means, 1), 1, "VALID")
        return Value(x, 2), new


class Layer(Operation):
    """A streaming layer's own `stream_inference`."""

    def __init__(self, layer: Streaming, shape: tuple[int | None, ...], frames: int, delay: int, rank: int):
        super().__init__()
        self._layer, self._frames, self._rank = layer, frames, rank
        self._takes_context = len(inspect.signature(layer.stream_inference).parameters) > 2
        self.needs_history = self._takes_context and layer.lookahead > 0 and not isinstance(layer, Stream)
        if type(layer).stream_inference is Streaming.stream_inference:
            refuse(layer, "it defines no stream_inference(inputs, states)")
        late = delay % layer.stride
        if late and not self._takes_context:
            refuse(
                layer,
                f"its input lags by {delay} frames, no multiple of its stride {layer.stride}, and it does not ask for "
                f"that: put Delay({layer.stride - late}) before it, or take the context as a third argument",
            )
        try:
            self.specs = layer.state_specs(shape, frames, delay)
        except TypeError as error:
            refuse(layer, f"state_specs(input_shape, frames, delay=0) failed ({error})")
        if not all(isinstance(spec, StateSpec) for spec in keras.tree.flatten(self.specs)):
            refuse(layer, "state_specs must give a dictionary of StateSpec(shape)")
        self._shape, self._delay = shape, delay

    @functools.cached_property
    def taps(self) -> Taps:
        known = self._layer.taps(self._frames, self._delay)
        if known is not None:
            return known
        context, shape = Context(self._delay), (self._frames, *self._shape[2:])
        return found_taps(
            lambda inputs, states: self._step(tf.constant(inputs), states, context),
            lambda batch: keras.tree.map_structure(tf.constant, zeros(self.specs, batch)),
            shape,
            self._layer.ends_time,
        )

    @functools.cached_property
    def macs(self) -> int:
        return self._layer.macs(self._shape, self._frames)

    def apply(self, values: list[Value], states: States, context: Context, steps: int) -> tuple[Value, States]:
        x = values[0].plain
        if not self._layer.ends_time:
            outputs, states = self._step(x, states, context)
            return Value(outputs, self._rank), states
        outputs = []
        for step in range(steps):
            part = slice(step * self._frames, (step + 1) * self._frames)
            output, states = self._step(x[:, part], states, context.of_step(step, steps))
            outputs.append(output)
        if steps == 1:
            return Value(outputs[0], self._rank), states
        stacked = tf.stack(outputs, 1)
        return Value(tf.reshape(stacked, (-1, *stacked.shape[2:])), self._rank), states

    def _step(self, x: tf.Tensor, states: States, context: Context) -> tuple[tf.Tensor, States]:
        if self._takes_context:
            result = self._layer.stream_inference(x, states, context)
        else:
            result = self._layer.stream_inference(masked(x, context), states)
        self._check(x, result, states)
        return result

    def _check(self, x: tf.Tensor, result: Any, states: States) -> None:
        """Finds the mistakes of somebody's own stream_inference, by the layer's name."""
        layer = self._layer
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
            refuse(layer, "stream_inference must return its outputs and a dictionary of the new states")
        before, after = (
            {path: tuple(leaf.shape) for path, leaf in keras.tree.flatten_with_path(value)}
            for value in (states, result[1])
        )
        if before != after:
            name = ", ".join(
                ".".join(map(str, path))
                for path in sorted(before.keys() | after.keys())
                if before.get(path) != after.get(path)
            )
            refuse(layer, f"stream_inference must return the states it was given, in their shapes; see {name}")
        frames = x.shape[1] * layer.upsampling // layer.stride
        if not layer.ends_time and result[0].shape[1] != frames:
            refuse(
                layer, f"of {x.shape[1]} frames, stream_inference must give {frames}. Received: {result[0].shape[1]}"
            )


class Memoryless(Operation):
    """A layer or function that works on each frame by itself.

    `call` gets tensors in the training model's rank, or, where the rank does not matter, as they come; `count` tells
    the multiply-accumulates when somebody asks.
    """

    def __init__(
        self,
        call: Callable[[list[tf.Tensor]], tf.Tensor],
        rank: int,
        any_rank: bool,
        count: Callable[[], int] = lambda: 0,
    ):
        super().__init__()
        self._call, self._rank, self._any_rank, self._count = call, rank, any_rank, count

    @functools.cached_property
    def macs(self) -> int:
        return self._count()

    def apply(self, values: list[Value], states: States, context: Context, steps: int) -> tuple[Value, States]:
        if self._any_rank and {value.rank for value in values} == {self._rank}:
            if len({value.tensor.shape.rank for value in values}) == 1:
                return Value(self._call([value.tensor for value in values]), self._rank), {}
            if self._rank == 3:
                return Value(self._call([value.planar for value in values]), self._rank), {}
        return Value(self._call([value.plain for value in values]), self._rank), {}
