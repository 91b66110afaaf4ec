"""How each kind of Keras layer carries time across steps: ring, window, recurrent state, remainder.

The patterns are those of O. Rybakov et al., "Streaming keyword spotting on mobile devices", Interspeech 2020,
arXiv:2005.06720. A pattern works on tensors with the shapes of the training model: ``[batch, time, ...]``.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from kws_training.streaming import depthwise
from kws_training.streaming.layer import Context, States, StateSpec, refuse
from kws_training.streaming.taps import Taps

STATE = "state"
Shape = tuple[int | None, ...]


class Pattern:
    """What `Stream` asks for; the attributes are those of `StreamingLayer`."""

    stride = 1
    upsampling = 1
    lookahead = 0
    context_frames = 0
    crop = 0  # output frames that an upsampling layer drops at the clip's start
    ends_time = False

    def __init__(self, cell: keras.layers.Layer):
        self.cell = self.owner = cell  # the owner is the one that messages name

    def build(self, input_shape: Shape) -> None:
        """Called once with the shape of the training model's input."""

    def batch(self, inputs: Any) -> Any:
        """Whole clips."""
        raise NotImplementedError

    def train(self, inputs: Any) -> Any:
        """`batch` while training: the same numbers, possibly in less time."""
        return self.batch(inputs)

    def padded_shape(self, input_shape: Shape) -> Shape:
        """Of what `batch` gives the cell."""
        return input_shape

    def output_shape(self, input_shape: Shape) -> Shape:
        """Of `batch`."""
        return tuple(self.cell.compute_output_shape(input_shape))

    def specs(self, input_shape: Shape, frames: int, delay: int) -> dict[str, StateSpec]:
        """States of one stream."""
        raise NotImplementedError

    def step(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context) -> tuple[tf.Tensor, States]:
        """One step."""
        raise NotImplementedError

    def taps(self, frames: int, delay: int) -> Taps:
        """What the outputs of a step of so many frames depend on."""
        raise NotImplementedError


def masked(inputs: tf.Tensor, context: Context) -> tf.Tensor:
    """Frames outside the clip as zeros, which is what whole clips are surrounded by."""
    if context.valid is None:
        return inputs
    flags = tf.cast(context.valid, inputs.dtype)
    return inputs * tf.reshape(flags, (*flags.shape, *[1] * (len(inputs.shape) - 2)))


def append(rows: tf.Tensor, new: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Appends new rows to a ring buffer; returns all rows and the buffer's new content, of its old length."""
    every = tf.concat([rows, new], 1)
    return every, every[:, new.shape[1] :]


class Ring(Pattern):
    """Convolutions and pooling: the last frames that the windows of the next step begin with are kept.

    The window of output frame n, of span = (kernel - 1) * dilation + 1 frames, ends with the newest frame of the n-th
    stride, or `lookahead` frames behind it. A stride's frames come together, so that span - stride frames before them
    are kept; where a window is shorter than the stride, the oldest frames of each stride are skipped.
    """

    def __init__(self, cell: keras.layers.Layer, lookahead: int | None):
        is_pool = isinstance(cell, _POOLS)
        kernel = cell.pool_size if is_pool else cell.kernel_size
        dilation = (1,) * len(kernel) if is_pool else cell.dilation_rate
        self.kernel, self.dilation, self.strides = (tuple(value) for value in (kernel, dilation, cell.strides))
        self.context_frames = (self.kernel[0] - 1) * self.dilation[0]
        self.stride = self.strides[0]
        self._longer = self.context_frames + 1 - self.stride  # frames of a window that its stride does not bring
        padding = cell.padding
        if lookahead is None:
            if padding == "same" and self.stride > 1:
                refuse(cell, "padding 'same' with a stride depends on the clip's length; give Stream(..., lookahead=n)")
            lookahead = self.context_frames - self.context_frames // 2 if padding == "same" else 0
        if not 1 - self.stride <= lookahead <= self.context_frames:
            allowed = f"{1 - self.stride}..{self.context_frames}"
            raise ValueError(f"{cell.name}: lookahead must be {allowed}. Received: {lookahead}")
        self.lookahead = lookahead
        self._before = self._longer - lookahead  # frames that the first window begins before the clip
        self.crosses = lookahead > 0 or self._before > 0
        self._same_in_frequency = padding == "same" and len(self.kernel) == 2
        super().__init__(cell if padding == "valid" else _with_valid_padding(cell))

    def frequency_padding(self, bins: int) -> tuple[int, int]:
        """Zeros below and above the bins of a 2-D layer: TensorFlow's rule for ``padding="same"``."""
        if not self._same_in_frequency:
            return 0, 0
        extent, stride = (self.kernel[1] - 1) * self.dilation[1] + 1, self.strides[1]
        total = max((-(-bins // stride) - 1) * stride + extent - bins, 0)
        return total // 2, total - total // 2

    def _pad(self, inputs: Any, before: int, behind: int) -> Any:
        if min(before, behind) < 0:
            inputs = inputs[:, max(-before, 0) : min(behind, 0) or None]
            before, behind = max(before, 0), max(behind, 0)
        bands = self.frequency_padding(inputs.shape[2]) if len(self.kernel) == 2 else (0, 0)
        if not (before or behind or any(bands)):
            return inputs
        padding = [(0, 0), (before, behind), *([bands] if len(self.kernel) == 2 else []), (0, 0)]
        return ops.pad(inputs, padding)

    def _surrounded(self, inputs: Any) -> Any:
        """The clip with the zeros around it that its windows see; a last stride that is not whole gives no window."""
        self._check_length(inputs.shape[1])
        return self._pad(inputs, self._before, self.lookahead)

    def _check_length(self, time: int | None) -> None:
        if time is not None and time < self.stride:
            name = self.owner.name
            raise ValueError(f"{name}: a clip must have a stride of {self.stride} frames. Received: {time}")

    def batch(self, inputs: Any) -> Any:
        return self.cell(self._surrounded(inputs))

    def train(self, inputs: Any) -> Any:
        padded = self._surrounded(inputs)
        # Not in `batch`: a converter cannot take a gradient of one's own.
        if depthwise.can_convolve(self.cell, padded) and self.cell.built:
            return depthwise.convolve(padded, tf.convert_to_tensor(self.cell.kernel), self.dilation[0])
        return self.batch(inputs)

    def padded_shape(self, input_shape: Shape) -> Shape:
        batch, time, *rest = input_shape
        self._check_length(time)
        if len(self.kernel) == 2:
            rest[0] += sum(self.frequency_padding(rest[0]))
        return (batch, None if time is None else time + self._longer, *rest)

    def output_shape(self, input_shape: Shape) -> Shape:
        return tuple(self.cell.compute_output_shape(self.padded_shape(input_shape)))

    def specs(self, input_shape: Shape, frames: int, delay: int) -> dict[str, StateSpec]:
        if frames % self.stride:
            why = f"its stride {self.stride} does not divide the {frames} frames that a step brings it"
            refuse(self.owner, f"{why}: take a multiple of all strides together as frames per step")
        kept = max(self._kept(delay), 0)
        return {STATE: StateSpec((kept, *input_shape[2:]))} if kept else {}

    def _behind(self, delay: int) -> int:
        """Frames of a stride behind the window that it completes."""
        return -(delay + self.lookahead) % self.stride

    def _kept(self, delay: int) -> int:
        """Rows of the state; negative: rows of each stride before its window."""
        return self._longer + self._behind(delay)

    def taps(self, frames: int, delay: int) -> Taps:
        ends = range(self.stride - 1 - self._behind(delay), frames, self.stride)
        return [range(end - self.context_frames, end + 1, self.dilation[0]) for end in ends]

    def skipped(self, delay: int) -> int:
        """Rows of a step before its first window, where windows are shorter than the stride."""
        return max(-self._kept(delay), 0)

    def rows(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context) -> tuple[tf.Tensor, States]:
        """The rows that hold the windows of the step, the first `skipped` rows later, and the new state."""
        if self.crosses:
            inputs = masked(inputs, context)
        if STATE not in states:
            return inputs, {}
        rows, kept = append(states[STATE], inputs)
        return rows, {STATE: kept}

    def step(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context) -> tuple[tf.Tensor, States]:
        rows, new = self.rows(inputs, states, context)
        return self.cell(self._pad(rows, -self.skipped(context.delay), 0)), new


class Window(Pattern):
    """Layers over the whole clip (Flatten, global pooling): the last `frames` frames are kept.

    A shorter clip has zeros before it, of a longer one the last frames count.
    """

    ends_time = True

    def __init__(self, cell: keras.layers.Layer, frames: int | None):
        if getattr(cell, "keepdims", False):
            refuse(
                cell,
                "keepdims leaves a time axis of one row; leave it out (the mean of the last n frames beside frames is "
                "Stream(AveragePooling1D(n, strides=1)))",
            )
        if frames is not None and frames < 1:
            raise ValueError(f"{cell.name}: window must be at least 1. Received: {frames}")
        self.frames = frames
        super().__init__(cell)

    def build(self, input_shape: Shape) -> None:
        if self.frames is None:
            self.frames = input_shape[1]
        if self.frames is None:
            refuse(self.owner, "the clip's length is not fixed; give Stream(..., window=frames)")
        self.context_frames = self.frames - 1

    def batch(self, inputs: Any) -> Any:
        if inputs.shape[1] != self.frames:
            padding = [(0, 0), (self.frames, 0), *[(0, 0)] * (len(inputs.shape) - 2)]
            inputs = ops.pad(inputs, padding)[:, -self.frames :]
        return self.cell(inputs)

    def output_shape(self, input_shape: Shape) -> Shape:
        return tuple(self.cell.compute_output_shape((input_shape[0], self.frames, *input_shape[2:])))

    def kept(self, frames: int, delay: int) -> int:
        """Rows of the state. The window of a step ends with the clip's frame that completes one of its steps."""
        return self.frames - 1 - (delay - 1) % frames

    def specs(self, input_shape: Shape, frames: int, delay: int) -> dict[str, StateSpec]:
        if frames > self.frames:
            refuse(
                self.owner,
                f"a step brings {frames} frames, more than its window of {self.frames}: take fewer frames per step",
            )
        kept = self.kept(frames, delay)
        return {STATE: StateSpec((kept, *input_shape[2:]))} if kept else {}

    def taps(self, frames: int, delay: int) -> Taps:
        end = (delay - 1) % frames
        return [range(end + 1 - self.frames, end + 1)]

    def step(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context) -> tuple[tf.Tensor, States]:
        new = {}
        inputs = masked(inputs, context)
        if STATE in states:
            inputs, new[STATE] = append(states[STATE], inputs)
        return self.cell(inputs[:, : self.frames]), new


class Recurrent(Pattern):
    """GRU, LSTM, SimpleRNN, RNN of any cell: the cell's own states."""

    def __init__(self, cell: keras.layers.RNN):
        for option in ("go_backwards", "stateful", "return_state"):
            if getattr(cell, option):
                reason = "it reads the clip from its end" if option == "go_backwards" else "Stream keeps the states"
                refuse(cell, f"{option}=True: {reason}")
        self.ends_time = not cell.return_sequences
        super().__init__(cell)

    def batch(self, inputs: Any) -> Any:
        return self.cell(inputs)

    def specs(self, input_shape: Shape, frames: int, delay: int) -> dict[str, StateSpec]:
        sizes = keras.tree.flatten(self.cell.cell.state_size)
        names = "hc" if len(sizes) < 3 else [f"s{place}" for place in range(len(sizes))]
        return {
            name: StateSpec((size,), initial)
            for name, size, initial in zip(names, sizes, self._initial(), strict=False)
        }

    def _initial(self) -> list[float]:
        """What every value of each state is before the first frame."""
        states = [np.asarray(state) for state in keras.tree.flatten(self.cell.get_initial_state(1))]
        if any(np.ptp(state) for state in states):
            refuse(self.owner, "a state of its cell begins with different values: let it begin with one, as with zeros")
        return [float(state.flat[0]) for state in states]

    def taps(self, frames: int, delay: int) -> Taps:
        ends = [(delay - 1) % frames] if self.ends_time else range(frames)
        return [range(end + 1 - frames, end + 1) for end in ends]  # and earlier ones

    def step(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context) -> tuple[tf.Tensor, States]:
        sizes, values, outputs = self.cell.cell.state_size, list(states.values()), []
        sizes = list(sizes) if isinstance(sizes, list | tuple) else [sizes]
        for frame in range(inputs.shape[1]):
            packed = keras.tree.pack_sequence_as(sizes, values)
            output, new = self.cell.cell(inputs[:, frame], packed, training=False)
            new = keras.tree.flatten(new)
            if context.delay and context.valid is not None:  # the clip has not begun: stay as it is
                flag = context.valid[:, frame : frame + 1] > 0.5
                new = [tf.where(flag, after, before) for after, before in zip(new, values, strict=True)]
            outputs.append(output)
            values = new
        new_states = dict(zip(states, values, strict=True))
        if self.ends_time:
            return outputs[(context.delay - 1) % len(outputs)], new_states
        return tf.concat([output[:, None] for output in outputs], 1), new_states


class Remainder(Pattern):
    """Transposed convolutions: what a step's outputs spill over into the next step's is kept and added there."""

    def __init__(self, cell: keras.layers.Layer, lookahead: int | None):
        kernel, strides = tuple(cell.kernel_size), tuple(cell.strides)
        if any(rate != 1 for rate in cell.dilation_rate) or cell.output_padding is not None:
            refuse(cell, "a transposed convolution streams without dilation and without output_padding")
        self.kernel, self.strides = kernel, strides
        self.upsampling = strides[0]
        self.spill = max(kernel[0] - strides[0], 0)
        same = cell.padding == "same"
        if lookahead is None:
            lookahead = self.spill // 2 if same else 0
        if not 0 <= lookahead <= self.spill:
            raise ValueError(f"{cell.name}: lookahead must be 0..{self.spill}. Received: {lookahead}")
        self.crop = lookahead
        self.context_frames = -(-self.spill // strides[0])
        self._crop_frequency = same and len(kernel) == 2
        super().__init__(cell if not same else _with_valid_padding(cell))

    def _bands(self, inputs: Any, outputs: Any) -> Any:
        if not self._crop_frequency:
            return outputs
        low = max(self.kernel[1] - self.strides[1], 0) // 2
        return outputs[:, :, low : low + inputs.shape[2] * self.strides[1]]

    def batch(self, inputs: Any) -> Any:
        frames = ops.shape(inputs)[1] * self.strides[0]
        return self._bands(inputs, self.cell(inputs)[:, self.crop : self.crop + frames])

    def output_shape(self, input_shape: Shape) -> Shape:
        batch, time, *bands = input_shape[:-1]
        if bands:
            spill = 0 if self._crop_frequency else max(self.kernel[1] - self.strides[1], 0)
            bands = [bands[0] * self.strides[1] + spill]
        return (batch, None if time is None else time * self.strides[0], *bands, self.cell.filters)

    def specs(self, input_shape: Shape, frames: int, delay: int) -> dict[str, StateSpec]:
        if not self.spill:
            return {}
        bands = input_shape[2:-1]
        if bands:
            bands = (bands[0] * self.strides[1] + max(self.kernel[1] - self.strides[1], 0),)
        return {STATE: StateSpec((self.spill, *bands, self.cell.filters))}

    def taps(self, frames: int, delay: int) -> Taps:
        stride, kernel = self.strides[0], self.kernel[0]
        rows = range(frames * stride)
        return [range((row - kernel) // stride + 1, row // stride + 1) for row in rows]  # row - tap stride < kernel

    def step(self, inputs: tf.Tensor, states: Mapping[str, tf.Tensor], context: Context) -> tuple[tf.Tensor, States]:
        cell, new = self.cell, {}
        frames = inputs.shape[1] * self.strides[0]
        rows = ops.conv_transpose(masked(inputs, context), cell.kernel, self.strides, "valid")
        if self.spill:
            padding = [(0, 0), (0, frames), *[(0, 0)] * (len(rows.shape) - 2)]
            rows = rows + tf.pad(states[STATE], padding)
            new[STATE] = rows[:, frames:]
            rows = rows[:, :frames]
        if cell.use_bias:
            rows = rows + cell.bias
        return cell.activation(self._bands(inputs, rows)), new


_RINGS = (
    layers.Conv1D,
    layers.Conv2D,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
)
_POOLS = (layers.AveragePooling1D, layers.AveragePooling2D, layers.MaxPooling1D, layers.MaxPooling2D)
WINDOWS = (
    layers.Flatten,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
)
_RECURRENT = (layers.GRU, layers.LSTM, layers.SimpleRNN)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose)
_ATTENTION = (layers.MultiHeadAttention, layers.GroupQueryAttention, layers.Attention, layers.AdditiveAttention)


_UNKNOWN = (
    "what it does to frames is not known; write it as a StreamingLayer (layers that work on each frame by itself, "
    "like Dense and LayerNormalization, need no Stream)"
)


def pattern_for(
    cell: keras.layers.Layer, lookahead: int | None, window: int | None, unknown: str = _UNKNOWN
) -> Pattern:
    """Chooses the pattern of a Keras layer; `unknown` is what is said of one that none fits.

    Raises:
      CannotStream: no pattern can carry this layer across steps; the message says why.
      ValueError: an argument does not fit the layer.
    """
    if not isinstance(cell, keras.layers.Layer):
        raise ValueError(f"cell must be a Keras layer. Received: {cell!r}")
    if isinstance(cell, layers.UpSampling1D | layers.UpSampling2D):
        refuse(cell, "there is no pattern for it; use Conv1DTranspose or Conv2DTranspose")
    if isinstance(cell, layers.ZeroPadding1D | layers.ZeroPadding2D | layers.Cropping1D | layers.Cropping2D):
        refuse(cell, "it moves the clip's borders; leave it out, Stream pads (over bins alone it needs no Stream)")
    if isinstance(cell, layers.Bidirectional):
        refuse(
            cell,
            "its backward half starts at the clip's end, which has not been heard yet; use its forward layer alone",
        )
    if isinstance(cell, _ATTENTION):
        refuse(cell, "it attends to the whole clip; use kws_training.streaming.LocalSelfAttention")
    if getattr(cell, "data_format", "channels_last") != "channels_last":
        refuse(cell, "data_format must be channels_last")
    is_window = isinstance(cell, WINDOWS)
    looks = (*_RINGS, *_POOLS, *_TRANSPOSED)
    if lookahead is not None and not isinstance(cell, looks):
        raise ValueError(f"{cell.name}: lookahead is for convolutions and pooling. Received: {type(cell).__name__}")
    if window is not None and not is_window:
        raise ValueError(f"{cell.name}: window is for Flatten and global pooling. Received: {type(cell).__name__}")
    if isinstance(cell, _TRANSPOSED):
        return Remainder(cell, lookahead)
    if isinstance(cell, (*_RINGS, *_POOLS)):
        return Ring(cell, lookahead)
    if is_window:
        return Window(cell, window)
    if isinstance(cell, _RECURRENT) or type(cell) is layers.RNN:
        return Recurrent(cell)
    refuse(cell, unknown)
    raise AssertionError


def counted_from_newest(cell: keras.layers.Layer, lookahead: int | None) -> int | None:
    """The same windows, where `lookahead` was counted from the oldest frame of each stride."""
    stride = cell.strides[0] if isinstance(cell, (*_RINGS, *_POOLS)) else 1
    return lookahead if stride == 1 else (lookahead or 0) + 1 - stride


def _with_valid_padding(cell: keras.layers.Layer) -> keras.layers.Layer:
    if cell.weights:
        raise ValueError(f"{cell.name} is built already: give Stream a new layer, or one with padding='valid'")
    return type(cell).from_config({**cell.get_config(), "padding": "valid"})
