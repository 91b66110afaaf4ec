"""Layers with a precision that work on each value: functions of one value, products, and changes of shape."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from kws_reference.tflite import functions
from kws_reference.tflite.functions import Quantization

from kws_training.quantize import integer
from kws_training.quantize.flatbuffer import Builder, TensorId
from kws_training.quantize.layers import Quantized, Shape
from kws_training.quantize.precision import Precision
from kws_training.quantize.ranges import ActivationRange, FixedRange

FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
"""Scale and zero point that TensorFlow Lite gives the results of some functions."""

_REAL: dict[str, Callable[..., tf.Tensor]] = {
    "HARD_SWISH": lambda x: x * tf.nn.relu6(x + 3.0) / 6.0,
    "LEAKY_RELU": lambda x, alpha: tf.nn.leaky_relu(x, alpha),
    "LOGISTIC": tf.nn.sigmoid,
    "QUANTIZE": tf.identity,
    "RELU": tf.nn.relu,
    "TANH": tf.nn.tanh,
}


class Function(Quantized):
    """A function of one value; native: the table of its 256 results, as `kws_reference.tflite.functions` makes it.

    Args:
      kind: of TensorFlow Lite's operator, a key of those above; ``QUANTIZE`` is the same value in another range.
      largest: what results are clipped at while their range is measured, as ReLU6 does it.
      **options: of the operator, by their names in the schema.
    """

    def __init__(
        self,
        kind: str,
        precision: Precision,
        inputs: ActivationRange | FixedRange,
        outputs: ActivationRange | FixedRange,
        name: str,
        *,
        largest: float | None = None,
        **options: float,
    ):
        super().__init__(name=name)
        self.kind, self.precision, self.inputs, self.outputs = kind, precision, inputs, outputs
        self.largest, self.options = largest, options
        self.supports_jit = False  # the table is made by Python

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.of(inputs, self.table())

    def of(self, inputs: tf.Tensor, table: tf.Tensor | None) -> tf.Tensor:
        """As `call`, by a table that was made before."""
        outputs = self.outputs
        if table is None:
            result = _REAL[self.kind](inputs, **self.options)
            if not outputs.calibrating:
                return outputs.fake(result)
            result = result if self.largest is None else tf.minimum(result, self.largest)
            outputs.observe(result)
            return result
        wanted = _REAL[self.kind](inputs * self.inputs.scale, **self.options) / outputs.scale
        wanted = tf.clip_by_value(wanted, *outputs.limits)
        places = tf.cast(tf.clip_by_value(inputs + self.inputs.zero_point, -128.0, 127.0), tf.int32) + 128
        return wanted + tf.stop_gradient(tf.gather(table, places) - wanted)

    def table(self) -> tf.Tensor | None:
        """``q - zero_point`` of the 256 inputs, float32; None where results are computed as real numbers."""
        if self.outputs.calibrating or self.precision.mode == "fake":
            return None
        ranges = self.inputs.scale, self.inputs.zero_point, self.outputs.scale, self.outputs.zero_point
        table = tf.numpy_function(self._results, ranges, tf.float32, stateful=False)
        return tf.ensure_shape(table, (256,))

    def _results(self, *ranges: np.float32) -> np.ndarray:
        x, y = (Quantization(float(scale), int(point)) for scale, point in (ranges[:2], ranges[2:]))
        table = getattr(functions, self.kind.lower())(x, y, **self.options)
        return table.astype(np.float32) - np.float32(y.zero_point)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        outputs = builder.activation(self.name, builder.shape(inputs), self.outputs)
        builder.operation(self.kind, [inputs], [outputs], **self.options)
        return outputs


class _Pair(Quantized):
    """What two tensors of one shape give, value by value."""

    kind: str
    """TensorFlow Lite's operator."""
    of_reals: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    of_integers: Callable[..., tf.Tensor]
    """Of both tensors, the three scales, and the limits."""

    def __init__(
        self,
        precision: Precision,
        inputs: tuple[ActivationRange | FixedRange, ActivationRange | FixedRange],
        outputs: ActivationRange,
        name: str,
    ):
        super().__init__(name=name)
        self.precision, self.outputs = precision, outputs
        self.first, self.second = inputs

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        outputs = self.outputs
        if outputs.calibrating or self.precision.mode == "fake":
            result = self.of_reals(*inputs)
            if not outputs.calibrating:
                return outputs.fake(result)
            outputs.observe(result)
            return result
        return self.of_integers(*inputs, self.first.scale, self.second.scale, outputs.scale, *outputs.limits)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])

    def emit(self, builder: Builder, inputs: list[TensorId], frames: int) -> TensorId:
        outputs = builder.activation(self.name, builder.shape(inputs[0]), self.outputs)
        builder.operation(self.kind, inputs, [outputs])
        return outputs


class Multiply(_Pair):
    """The product of two tensors."""

    kind = "MUL"
    of_reals = staticmethod(tf.multiply)
    of_integers = staticmethod(integer.multiply)


class Subtract(_Pair):
    """The first of two tensors without the second."""

    kind = "SUB"
    of_reals = staticmethod(tf.subtract)
    of_integers = staticmethod(integer.subtract)


class Concatenate(Quantized):
    """Tensors of one range side by side on the last axis."""

    def __init__(self, values: ActivationRange | FixedRange, name: str):
        super().__init__(name=name)
        self.values = values

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        return tf.concat(inputs, -1)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return (*input_shape[0][:-1], sum(shape[-1] for shape in input_shape))

    def emit(self, builder: Builder, inputs: list[TensorId], frames: int) -> TensorId:
        shapes = [builder.shape(tensor) for tensor in inputs]
        outputs = builder.activation(self.name, self.compute_output_shape(shapes), self.values)
        builder.operation("CONCATENATION", inputs, [outputs], axis=len(shapes[0]) - 1)
        return outputs


class Frames(Quantized):
    """The same values of each frame in another shape: ``[batch, time, *shape]``."""

    def __init__(self, shape: tuple[int, ...], values: ActivationRange | FixedRange, name: str):
        super().__init__(name=name)
        self.shape, self.values = tuple(shape), values

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.reshape(inputs, (-1, inputs.shape[1], *self.shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:2], *self.shape)

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> TensorId:
        shape = (1, builder.shape(inputs)[1], *(self.shape if len(self.shape) == 2 else (1, *self.shape)))
        return builder.reshape(self.name, inputs, shape, self.values)


class Scores(Quantized):
    """The model's output: native integers to real numbers on the grid of their range."""

    def __init__(self, precision: Precision, values: ActivationRange | FixedRange, name: str):
        super().__init__(name=name)
        self.precision, self.values = precision, values

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs if self.precision.mode == "fake" or self.values.calibrating else inputs * self.values.scale

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def emit(self, builder: Builder, inputs: TensorId, frames: int) -> Any:
        return inputs
