"""Layers that take a precision: on whole clips for training, on a few frames at a time, and as parts of a ``.tflite``.

Tensors are ``[batch, time, channels]``, of some layers also ``[batch, time, bins, channels]``. With ``mode="fake"``
they hold real numbers on the grid of their range; with ``mode="native"`` they hold ``q - zero_point``, see `integer`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from kws_reference.errors import KwsError

from kws_training.quantize import integer
from kws_training.quantize.flatbuffer import Builder, TensorId
from kws_training.quantize.integer import round_through
from kws_training.quantize.precision import Precision
from kws_training.quantize.ranges import ActivationRange, FixedRange, WeightRange
from kws_training.streaming import StateSpec, depthwise
from kws_training.streaming.layer import States, Streaming, refuse
from kws_training.streaming.patterns import STATE, append
from kws_training.streaming.taps import Taps

Shape = tuple[int | None, ...]


class Quantized(keras.layers.Layer):
    """A layer with a precision."""

    frame_by_frame = True  # what `to_streaming` asks of layers that keep no states

    def build(self, input_shape: Any) -> None:
        self.built = True  # the weights are there since the layer was made

    def emit(self, builder: Builder, inputs: Any, frames: int) -> TensorId:
        """Adds the operations of one streaming step.

        Args:
          builder: of the ``.tflite``.
          inputs: the tensor, or tensors, that the layer takes.
          frames: of a step.
        """
        raise NotImplementedError


class Features(Quantized):
    """The model's input. Native: real features, multiples of the scale, to integers."""

    def __init__(self, precision: Precision, outputs: FixedRange, name: str):
        super().__init__(name=name)
        self.precision, self.outputs = precision, outputs

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self.precision.mode == "fake" or self.outputs.calibrating:
            return inputs
        return tf.round(inputs / self.outputs.scale)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        return inputs


class QuantizedLinear(Quantized):
    """A product of a kernel and the input, a bias, and the rounding of the result.

    Attributes:
      inputs, outputs: ranges. The input's is that of the layer before.
      kernel: ``[..., channels]``; a scale for each of the last axis.
      relu: whether what is negative becomes zero.
      largest: what outputs are clipped at while their range is measured, as ReLU6 does it: the range then ends there.
      fan_in: values of the input that one output depends on.
    """

    kernel_shape: tuple[int, ...]

    def __init__(
        self,
        bits: int,
        precision: Precision,
        inputs: ActivationRange | FixedRange,
        outputs: ActivationRange,
        *,
        relu: bool,
        use_bias: bool,
        fan_in: int,
        name: str,
        largest: float | None = None,
    ):
        super().__init__(name=name)
        self.precision, self.inputs, self.outputs, self.relu = precision, inputs, outputs, relu
        self.largest = largest
        self.kernel = self.add_weight(shape=self.kernel_shape, initializer="glorot_uniform", name="kernel")
        channels = self.kernel_shape[-1]
        self.bias = self.add_weight(shape=(channels,), initializer="zeros", name="bias") if use_bias else None
        self.weights_range = WeightRange(bits, precision.learned, channels, f"{name}_weights")
        sums = fan_in * 255 * self.weights_range.largest + integer.BIAS_LIMIT
        self._accumulator = tf.float32 if sums < integer.ACCUMULATOR_LIMIT else tf.float64

    def product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Of a prepared input and a kernel."""
        raise NotImplementedError

    def settle(self) -> None:
        """Chooses the first scales of the weights."""
        self.weights_range.settle(self.kernel.numpy())

    def apply(self, x: tf.Tensor) -> tf.Tensor:
        """From prepared input to output."""
        kernel, outputs = tf.convert_to_tensor(self.kernel), self.outputs
        if outputs.calibrating:
            result = self._activated(self._biased(self.product(x, kernel)))
            result = result if self.largest is None else tf.minimum(result, self.largest)
            outputs.observe(result)
            return result
        scales = self.scales()
        weights = self.weights_range.integers(kernel, scales)
        if self.precision.mode == "fake":
            return outputs.fake(self._activated(self._biased(self.product(x, weights * scales))))
        accumulator = self.product(tf.cast(x, self._accumulator), tf.cast(weights, self._accumulator))
        if self.bias is not None:
            accumulator = accumulator + tf.cast(self._integer_bias(scales), self._accumulator)
        low, high = outputs.limits
        low = tf.maximum(low, 0.0) if self.relu else low
        return integer.requantize(
            accumulator, self.inputs.scale * scales / outputs.scale, self._exact_factor(scales), low, high
        )

    def scales(self) -> tf.Tensor:
        """Of the weights, float32 ``[channels]``."""
        least = self.outputs.scale / self.inputs.scale * integer.SMALLEST_FACTOR
        return self.weights_range.scales(tf.convert_to_tensor(self.kernel), least)

    def _exact_factor(self, scales: tf.Tensor) -> tf.Tensor:
        double = [tf.cast(value, tf.float64) for value in (self.inputs.scale, scales, self.outputs.scale)]
        return double[0] * double[1] / double[2]

    def _integer_bias(self, scales: tf.Tensor) -> tf.Tensor:
        steps = tf.convert_to_tensor(self.bias) / (self.inputs.scale * scales)
        return round_through(tf.clip_by_value(steps, -float(integer.BIAS_LIMIT), float(integer.BIAS_LIMIT)))

    def _biased(self, x: tf.Tensor) -> tf.Tensor:
        return x if self.bias is None else x + self.bias

    def _activated(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x) if self.relu else x

    def emit_product(
        self, builder: Builder, kind: str, inputs: TensorId, kernel: np.ndarray, shape: Shape, **options: int
    ) -> TensorId:
        """Adds the operation with its weights, as the forward pass has them.

        Args:
          kernel: layout of the operation: channels first, or last of a depthwise convolution.
          **options: of the operation, by their names in the schema.
        """
        scales = self.scales()
        bias = np.zeros(kernel.shape[-1] if kind.startswith("DEPTHWISE") else len(kernel))
        if self.bias is not None:
            bias = self._integer_bias(scales).numpy()
        weights = builder.weights(f"{self.name}/kernel", kernel, scales.numpy(), self.weights_range.bits)
        bias_scales = (self.inputs.scale * scales).numpy()
        constant = builder.constant(f"{self.name}/bias", bias.astype(np.int32), bias_scales)
        outputs = builder.activation(self.name, shape, self.outputs)
        builder.operation(kind, [inputs, weights, constant], [outputs], relu=self.relu, **options)
        return outputs

    def integer_kernel(self) -> np.ndarray:
        """The weights that the forward pass uses, in the layout of `kernel`, int8."""
        return self.weights_range.integers(tf.convert_to_tensor(self.kernel), self.scales()).numpy().astype(np.int8)


class Pointwise(QuantizedLinear):
    """A convolution of one frame and bin: the last axis, ``channels``, becomes ``filters``. With a bias."""

    def __init__(
        self, channels: int, filters: int, precision: Precision, inputs: Any, outputs: ActivationRange, **kwargs: Any
    ):
        self.kernel_shape = (channels, filters)
        super().__init__(precision.pointwise_bits, precision, inputs, outputs, use_bias=True, fan_in=channels, **kwargs)

    def product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.matmul(tf.reshape(x, (-1, x.shape[-1])), kernel), (-1, *x.shape[1:-1], kernel.shape[1]))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.apply(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.kernel_shape[1])

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        kernel, shape = self.integer_kernel().T[:, None, None], builder.shape(inputs)
        return self.emit_product(builder, "CONV_2D", inputs, kernel, (*shape[:3], self.kernel_shape[1]))


class Depthwise(Streaming, QuantizedLinear):
    """A causal convolution in time, each channel by itself; its ring is its state.

    Args:
      kernel: taps.
      dilation: distance of the taps in frames.
      use_bias, relu, largest: as of `QuantizedLinear`.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        dilation: int,
        precision: Precision,
        inputs: Any,
        outputs: ActivationRange,
        name: str,
        *,
        use_bias: bool = False,
        relu: bool = False,
        largest: float | None = None,
    ):
        self.kernel_shape, self.dilation = (kernel, channels), dilation
        self.context_frames = (kernel - 1) * dilation
        about = {"use_bias": use_bias, "relu": relu, "largest": largest, "name": name}
        super().__init__(precision.depthwise_bits, precision, inputs, outputs, fan_in=kernel, **about)

    def product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        behind = -x.shape[1] % self.dilation
        rows = tf.pad(x, ((0, 0), (0, behind), (0, 0))) if behind else x
        result = depthwise.convolve(rows, kernel[..., None], self.dilation)
        return result[:, : x.shape[1] - self.context_frames] if behind else result

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.apply(tf.pad(inputs, ((0, 0), (self.context_frames, 0), (0, 0))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def state_specs(self, input_shape: Shape, frames: int, delay: int = 0) -> dict[str, StateSpec]:
        return {STATE: StateSpec((self.context_frames, self.kernel_shape[1]))} if self.context_frames else {}

    def stream_inference(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        rows, new = inputs, {}
        if self.context_frames:
            rows, new[STATE] = append(states[STATE], inputs)
        return self.apply(rows), new

    def taps(self, frames: int, delay: int) -> Taps:
        return [range(frame - self.context_frames, frame + 1, self.dilation) for frame in range(frames)]

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        taps, channels = self.kernel_shape
        rows = builder.ring(self.name, inputs, self.context_frames, frames, channels, self.inputs)
        kernel, shape = self.integer_kernel()[None, :, None], (1, frames, 1, channels)
        if self.dilation == 1:
            return self.emit_product(builder, "DEPTHWISE_CONV_2D", rows, kernel, shape)
        if frames % self.dilation:  # no whole phases
            return self.emit_product(builder, "DEPTHWISE_CONV_2D", rows, kernel, shape, dilationHFactor=self.dilation)
        # Taps at distance d become neighbours, the phases lie side by side.
        phases = (1, (self.context_frames + frames) // self.dilation, self.dilation, channels)
        rows = builder.reshape(f"{self.name}/phases", rows, phases, self.inputs)
        side_by_side = (1, frames // self.dilation, self.dilation, channels)
        result = self.emit_product(builder, "DEPTHWISE_CONV_2D", rows, kernel, side_by_side)
        return builder.reshape(f"{self.name}/frames", result, shape, self.outputs)


class Add(Quantized):
    """The sum of two tensors and, unless it is told otherwise, a ReLU; `largest` as of `QuantizedLinear`."""

    def __init__(
        self,
        precision: Precision,
        inputs: tuple[ActivationRange | FixedRange, ActivationRange | FixedRange],
        outputs: ActivationRange,
        name: str,
        *,
        relu: bool = True,
        largest: float | None = None,
    ):
        super().__init__(name=name)
        self.precision, self.outputs, self.relu, self.largest = precision, outputs, relu, largest
        self.first, self.second = inputs

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        outputs = self.outputs
        if outputs.calibrating or self.precision.mode == "fake":
            result = inputs[0] + inputs[1]
            result = tf.nn.relu(result) if self.relu else result
            if not outputs.calibrating:
                return outputs.fake(result)
            result = result if self.largest is None else tf.minimum(result, self.largest)
            outputs.observe(result)
            return result
        low, high = outputs.limits
        scales = self.first.scale, self.second.scale, outputs.scale
        return integer.add(*inputs, *scales, tf.maximum(low, 0.0) if self.relu else low, high)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])

    def emit(self, builder: Builder, inputs: list[TensorId], frames: int) -> TensorId:
        outputs = builder.activation(self.name, builder.shape(inputs[0]), self.outputs)
        builder.operation("ADD", inputs, [outputs], relu=self.relu)
        return outputs


class WindowMean(Streaming, Quantized):
    """The mean of a window's frames, rounded twice: the mean of groups of `step` frames, and that of the groups.

    These are the integers that were trained, whatever the step that streams them. A streaming step of whole groups
    keeps a ring of their means; any other keeps the frames themselves: groups are counted from the window's end.

    Args:
      window: frames, a multiple of `step`.
      step: frames of a group: of the streaming step that the model is made for.
    """

    ends_time = True

    def __init__(self, window: int, step: int, precision: Precision, values: ActivationRange, name: str):
        super().__init__(name=name)
        if window % step:
            raise KwsError(f"{name}: a quantized mean takes whole steps of {step} frames. Received: {window} frames.")
        self.window, self.step, self.precision, self.values = window, step, precision, values
        self.context_frames = window - 1

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if inputs.shape[1] != self.window:
            inputs = tf.pad(inputs, ((0, 0), (self.window, 0), *[(0, 0)] * (len(inputs.shape) - 2)))[:, -self.window :]
        return self._mean(self._groups(inputs), 1)

    def sliding(self, inputs: tf.Tensor, ends: Sequence[int]) -> tf.Tensor:
        """The same at several moments of one pass.

        Args:
          inputs: ``[batch, frames, channels]``; a multiple of `step` frames.
          ends: frames behind which each window ends, multiples of `step`; before the first frame there are zeros.

        Returns:
          ``[batch, windows, channels]``.
        """
        groups, size = self._groups(inputs), self.window // self.step
        groups = tf.pad(groups, ((0, 0), (size, 0), (0, 0)))
        windows = [groups[:, end // self.step : end // self.step + size] for end in ends]
        return self._mean(tf.stack(windows, 1), 2)

    def _groups(self, rows: tf.Tensor) -> tf.Tensor:
        """The means of groups of frames, and of all of their bins: ``[batch, groups, channels]``."""
        group = self.step * int(np.prod(rows.shape[2:-1]))
        return self._mean(tf.reshape(rows, (-1, rows.shape[1] // self.step, group, rows.shape[-1])), 2)

    def _mean(self, rows: tf.Tensor, axis: int) -> tf.Tensor:
        if self.values.calibrating:
            return tf.reduce_mean(rows, axis)
        if self.precision.mode == "fake":
            return self.values.fake(tf.reduce_mean(rows, axis))
        return integer.mean(rows, axis, self.values.zero_point)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], input_shape[-1]

    def state_specs(self, input_shape: Shape, frames: int, delay: int = 0) -> dict[str, StateSpec]:
        if frames > self.window:
            refuse(self, f"a step brings {frames} frames, more than its window of {self.window}: take fewer")
        if delay:
            refuse(self, f"its input lags by {delay} frames: quantized models look at earlier frames only")
        kept = self._kept(frames)
        rest = input_shape[2:] if frames % self.step else input_shape[-1:]
        return {STATE: StateSpec((kept, *rest))} if kept else {}

    def _kept(self, frames: int) -> int:
        """Rows of the state: means of groups, or frames where groups lie across the steps."""
        return (self.window - frames) // (1 if frames % self.step else self.step)

    def stream_inference(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        whole, new = inputs.shape[1] % self.step == 0, {}
        rows = self._groups(inputs) if whole else inputs
        if STATE in states:
            rows, new[STATE] = append(states[STATE], rows)
        return self._mean(rows if whole else self._groups(rows), 1), new

    def taps(self, frames: int, delay: int) -> Taps:
        return [range(frames - self.window, frames)]

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        channels, whole, kept = builder.shape(inputs)[3], frames % self.step == 0, self._kept(frames)
        rows = inputs

        def groups(count: int) -> TensorId:
            if builder.shape(rows)[1:3] == (count, 1):
                return rows
            return builder.pool(f"{self.name}/step", rows, (1, count, 1, channels), self.values)

        if whole:
            rows = groups(frames // self.step)
        if kept:
            rows = builder.ring(self.name, rows, kept, builder.shape(rows)[1], channels, self.values)
        if not whole:
            rows = groups(self.window // self.step)
        return builder.pool(f"{self.name}/mean", rows, (1, 1, 1, channels), self.values)


class Dense(QuantizedLinear):
    """The classifier: ``[batch, channels]`` to real logits ``[batch, filters]`` on the grid of their range.

    Args:
      hidden: another layer follows: native precision keeps to integers. Then it may have a ReLU.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        precision: Precision,
        inputs: ActivationRange,
        outputs: ActivationRange,
        name: str,
        *,
        hidden: bool = False,
        relu: bool = False,
        largest: float | None = None,
    ):
        self.kernel_shape, self.hidden = (channels, filters), hidden
        about = {"use_bias": True, "relu": relu, "largest": largest, "name": name}
        super().__init__(precision.dense_bits, precision, inputs, outputs, fan_in=channels, **about)

    def product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.matmul(x, kernel)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        result = self.apply(inputs)
        real = self.precision.mode == "fake" or self.outputs.calibrating or self.hidden
        return result if real else result * self.outputs.scale

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], self.kernel_shape[1]

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        shape = (1, self.kernel_shape[1])
        return self.emit_product(builder, "FULLY_CONNECTED", inputs, self.integer_kernel().T, shape)
