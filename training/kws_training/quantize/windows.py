"""Layers with a precision that see several frames and bins: convolutions, pooling, and what ends time.

Which frames they see, and what they keep of them, is what the float layer's pattern in `kws_training.streaming` says.
Tensors are ``[batch, time, channels]`` or ``[batch, time, bins, channels]``; see `layers` for what they hold.
"""

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kws_training.quantize import integer
from kws_training.quantize.flatbuffer import Builder, TensorId
from kws_training.quantize.layers import Quantized, QuantizedLinear, Shape
from kws_training.quantize.precision import Precision
from kws_training.quantize.ranges import ActivationRange, FixedRange
from kws_training.streaming import StateSpec
from kws_training.streaming.layer import Context, States, Streaming, refuse
from kws_training.streaming.patterns import STATE, Ring, append
from kws_training.streaming.taps import Taps


class Ringed(Streaming, Quantized):
    """A layer whose windows slide: its ring is its state.

    Attributes:
      inputs: range of the input.
      ring: of the float layer.
      size, strides, dilation: of a window, frames first and then bins.
    """

    inputs: ActivationRange | FixedRange

    def _take(self, ring: Ring) -> None:
        """Takes the windows of a float layer."""
        self.ring = copy.copy(ring)
        self.ring.owner = self
        self.stride, self.lookahead, self.context_frames = ring.stride, ring.lookahead, ring.context_frames
        self.size, self.strides, self.dilation = (
            (value[0], value[1] if len(value) > 1 else 1) for value in (ring.kernel, ring.strides, ring.dilation)
        )

    def windowed(self, rows: tf.Tensor) -> tf.Tensor:
        """From the rows that hold the windows of all outputs."""
        raise NotImplementedError

    def channels(self, inputs: int) -> int:
        """Of the output."""
        return inputs

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.windowed(self.ring._surrounded(inputs))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *padded, channels = self.ring.padded_shape(tuple(input_shape))
        return (batch, *self._counts(padded), self.channels(channels))

    def state_specs(self, input_shape: Shape, frames: int, delay: int = 0) -> dict[str, StateSpec]:
        if delay:
            refuse(self, f"its input lags by {delay} frames: quantized models look at earlier frames only")
        return self.ring.specs(input_shape, frames, delay)

    def stream_inference(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        rows, new = self.ring.rows(inputs, states, Context())
        return self.windowed(self.ring._pad(rows, -self.ring.skipped(0), 0)), new

    def taps(self, frames: int, delay: int) -> Taps:
        return self.ring.taps(frames, delay)

    def patches(self, rows: tf.Tensor) -> list[tf.Tensor]:
        """What each tap of the windows sees, of all outputs; frames are the slower axis of the taps."""
        counts, found = self._counts(rows.shape[1:-1]), []
        for taps in itertools.product(*(range(size) for size in self.size[: len(counts)])):
            part = []
            for axis, tap in enumerate(taps):
                first, stride = tap * self.dilation[axis], self.strides[axis]
                part.append(slice(first, first + (counts[axis] - 1) * stride + 1, stride))
            found.append(rows[(slice(None), *part)])
        return found

    def _counts(self, sizes: Sequence[int | None]) -> list[int | None]:
        """Windows along each axis of rows that hold them."""
        spans = [(taps - 1) * rate + 1 for taps, rate in zip(self.size, self.dilation, strict=True)]
        return [
            None if size is None else (size - span) // stride + 1
            for size, span, stride in zip(sizes, spans, self.strides, strict=False)
        ]

    def emit_rows(self, builder: Builder, inputs: TensorId) -> tuple[TensorId, Shape]:
        """Adds the ring and the padding of bins; returns the rows that hold the windows, and the output's shape."""
        _, frames, bins, channels = builder.shape(inputs)
        kept = max(self.ring._kept(0), 0)
        rows = builder.ring(self.name, inputs, kept, frames, channels, self.inputs)
        rows = builder.without_first(f"{self.name}/newest", rows, self.ring.skipped(0), self.inputs)
        if len(self.ring.kernel) == 2:
            rows = builder.pad_bins(f"{self.name}/padded", rows, *self.ring.frequency_padding(bins), self.inputs)
        return rows, (1, *self._counts(builder.shape(rows)[1:3]), self.channels(channels))

    @property
    def options(self) -> dict[str, int]:
        """Of the operation: strides and, where there is one, dilation."""
        dilation = {"dilationHFactor": self.dilation[0], "dilationWFactor": self.dilation[1]}
        return {"strideH": self.strides[0], "strideW": self.strides[1]} | (dilation if max(self.dilation) > 1 else {})


class Convolution(Ringed, QuantizedLinear):
    """A convolution over frames and bins.

    Args:
      ring: of the float layer.
      channels, filters: of the input and the output.
      relu, largest: as of `QuantizedLinear`.
    """

    def __init__(
        self,
        ring: Ring,
        channels: int,
        filters: int,
        precision: Precision,
        inputs: ActivationRange | FixedRange,
        outputs: ActivationRange,
        **kwargs: Any,
    ):
        taps = tuple(ring.kernel) if len(ring.kernel) == 2 else (ring.kernel[0], 1)
        self.kernel_shape, fan_in = (*taps, channels, filters), taps[0] * taps[1] * channels
        QuantizedLinear.__init__(
            self, precision.pointwise_bits, precision, inputs, outputs, use_bias=True, fan_in=fan_in, **kwargs
        )
        self._take(ring)

    def channels(self, inputs: int) -> int:
        return self.kernel_shape[-1]

    def windowed(self, rows: tf.Tensor) -> tf.Tensor:
        return self.apply(rows)

    def product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        # A matrix product: convolutions of a library may go through other sums, which are not exact.
        columns = tf.concat(self.patches(x), -1)
        matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
        result = tf.matmul(tf.reshape(columns, (-1, columns.shape[-1])), matrix)
        return tf.reshape(result, (-1, *columns.shape[1:-1], kernel.shape[-1]))

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        rows, shape = self.emit_rows(builder, inputs)
        kernel = np.moveaxis(self.integer_kernel(), -1, 0)
        return self.emit_product(builder, "CONV_2D", rows, kernel, shape, **self.options)


class DepthwiseConvolution(Ringed, QuantizedLinear):
    """A convolution over frames and bins of each channel by itself, with a stride or with several filters for each.

    Args:
      ring: of the float layer.
      channels: of the input.
      multiplier: filters for each.
      relu, largest: as of `QuantizedLinear`.
    """

    def __init__(
        self,
        ring: Ring,
        channels: int,
        multiplier: int,
        precision: Precision,
        inputs: ActivationRange | FixedRange,
        outputs: ActivationRange,
        **kwargs: Any,
    ):
        taps = tuple(ring.kernel) if len(ring.kernel) == 2 else (ring.kernel[0], 1)
        self.kernel_shape, self.multiplier = (*taps, channels * multiplier), multiplier
        bits, fan_in = precision.depthwise_bits, taps[0] * taps[1]
        QuantizedLinear.__init__(self, bits, precision, inputs, outputs, use_bias=True, fan_in=fan_in, **kwargs)
        self._take(ring)

    def channels(self, inputs: int) -> int:
        return self.kernel_shape[-1]

    def windowed(self, rows: tf.Tensor) -> tf.Tensor:
        return self.apply(rows)

    def product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        weights = tf.unstack(tf.reshape(kernel, (-1, kernel.shape[-1])))
        patches = self.patches(x if self.multiplier == 1 else tf.repeat(x, self.multiplier, -1))
        return tf.add_n([patch * weight for patch, weight in zip(patches, weights, strict=True)])

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        rows, shape = self.emit_rows(builder, inputs)
        options = {"depthMultiplier": self.multiplier, **self.options}
        return self.emit_product(builder, "DEPTHWISE_CONV_2D", rows, self.integer_kernel()[None], shape, **options)


class Pool(Ringed):
    """The mean or the largest value of windows; the range is the input's.

    Args:
      ring: of the float layer.
      largest: the largest value, not the mean.
    """

    def __init__(
        self, ring: Ring, precision: Precision, values: ActivationRange | FixedRange, name: str, *, largest: bool
    ):
        super().__init__(name=name)
        self.precision, self.inputs, self.largest = precision, values, largest
        self._take(ring)

    def windowed(self, rows: tf.Tensor) -> tf.Tensor:
        taps = tf.stack(self.patches(rows), -2)
        if self.largest:
            return tf.reduce_max(taps, -2)
        return mean(taps, len(taps.shape) - 2, self.precision, self.inputs)

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        rows, shape = self.emit_rows(builder, inputs)
        outputs = builder.activation(self.name, shape, self.inputs)
        kind = "MAX_POOL_2D" if self.largest else "AVERAGE_POOL_2D"
        size = {"filterHeight": self.size[0], "filterWidth": self.size[1]}
        builder.operation(kind, [rows], [outputs], **size, **self.options)
        return outputs


class LastFrames(Streaming, Quantized):
    """What ends time with the last frames side by side, or with the largest value of each channel among them.

    Args:
      window: frames.
      largest: the largest value, not all of them.
    """

    ends_time = True

    def __init__(self, window: int, values: ActivationRange | FixedRange, name: str, *, largest: bool):
        super().__init__(name=name)
        self.window, self.values, self.largest, self.context_frames = window, values, largest, window - 1

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if inputs.shape[1] != self.window:
            inputs = tf.pad(inputs, ((0, 0), (self.window, 0), *[(0, 0)] * (len(inputs.shape) - 2)))[:, -self.window :]
        if self.largest:
            return tf.reduce_max(inputs, list(range(1, len(inputs.shape) - 1)))
        return tf.reshape(inputs, (-1, int(np.prod(inputs.shape[1:]))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], input_shape[-1] if self.largest else self.window * int(np.prod(input_shape[2:]))

    def state_specs(self, input_shape: Shape, frames: int, delay: int = 0) -> dict[str, StateSpec]:
        if frames > self.window:
            refuse(self, f"a step brings {frames} frames, more than its window of {self.window}: take fewer")
        if delay:
            refuse(self, f"its input lags by {delay} frames: quantized models look at earlier frames only")
        kept = self.window - frames
        return {STATE: StateSpec((kept, *input_shape[2:]))} if kept else {}

    def stream_inference(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        rows, new = inputs, {}
        if STATE in states:
            rows, new[STATE] = append(states[STATE], inputs)
        return self.call(rows), new

    def taps(self, frames: int, delay: int) -> Taps:
        return [range(frames - self.window, frames)]

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        _, frames, bins, channels = builder.shape(inputs)
        rows = builder.ring(self.name, inputs, self.window - frames, frames, channels, self.values)
        if not self.largest:
            return builder.reshape(f"{self.name}/flat", rows, (1, self.window * bins * channels), self.values)
        outputs = builder.activation(self.name, (1, 1, 1, channels), self.values)
        builder.operation("MAX_POOL_2D", [rows], [outputs], filterHeight=self.window, filterWidth=bins)
        return outputs


def mean(rows: tf.Tensor, axis: int, precision: Precision, values: ActivationRange | FixedRange) -> tf.Tensor:
    """The mean over an axis, on the grid of its range."""
    if values.calibrating:
        return tf.reduce_mean(rows, axis)
    if precision.mode == "fake":
        return values.fake(tf.reduce_mean(rows, axis))
    return integer.mean(rows, axis, values.zero_point)
