"""TensorFlow Lite's fixed-point arithmetic of int8 layers: the kit's one text of it in Python.

The code generator and the batched interpreter compute with it. The twins in other languages are tested against it:
``kws_training/quantize/integer.py`` (TensorFlow, with gradients) and ``firmware/src/engine/aot`` (C++).

A real factor becomes a Q31 multiplier and a power of two. It is applied with two roundings: to nearest with ties up
(doubling high multiplication), then to nearest with ties away from zero (division by a power of two).

Source: tensorflow/lite/kernels/internal/quantization_util.cc, gemmlowp's fixedpoint.h and tensorflow/lite/micro/kernels
(behaviour, not text).
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

ADD_LEFT_SHIFT = 20
"""Extra bits of ADD's operands, so that scaling them loses nothing that an int8 result could show."""
ADD_LEFT_SHIFT_INT16 = 15
"""The same of int16 operands: more do not fit into 32 bits."""

# --- When a model is read: real factors to integers ------------------------------------------------------------------


def quantize_multiplier(factor: float) -> tuple[int, int]:
    """Splits a real factor into a Q31 mantissa and a power of two.

    Args:
      factor: >= 0.

    Returns:
      ``(multiplier, shift)`` with ``factor ~ multiplier / 2**31 * 2**shift``, multiplier 0 or in [2**30, 2**31).
    """
    if factor == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def product_factors(input_scale: float, weight_scales: Sequence[float], output_scale: float) -> list[float]:
    """Factors from the accumulator of a layer with weights to its output, one for each scale of the weights.

    All is float64. Older TensorFlow Lite rounds the product of a dense layer's two scales to float32, where its weights
    have a single one.

    Args:
      input_scale, output_scale: of the activations.
      weight_scales: one for all outputs, or one for each.
    """
    return [float(input_scale) * float(scale) / float(output_scale) for scale in weight_scales]


def fold_zero_point(bias: np.ndarray, weights: np.ndarray, input_zero_point: int) -> np.ndarray:
    """The bias that leaves the input's zero point out of the sums: int64 ``[outputs]``.

    Args:
      bias: integer ``[outputs]``.
      weights: integer ``[outputs, terms of a sum]``.
      input_zero_point: int8.
    """
    return bias.astype(np.int64) - input_zero_point * weights.astype(np.int64).sum(axis=1)


def activation_range(activation: str, scale: float, zero_point: int, bits: int = 8) -> tuple[int, int]:
    """Clamp of a fused activation on int8, or on integers of other `bits`, inclusive.

    Args:
      activation: ``NONE``, ``RELU``, ``RELU6`` or ``RELU_N1_TO_1``.
      scale, zero_point: of the output.

    Raises:
      ValueError: any other activation.
    """

    def quantized(value: float) -> int:
        ratio = float(np.float32(value) / np.float32(scale))
        return zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))

    lowest, highest = -(1 << bits - 1), (1 << bits - 1) - 1
    if activation == "NONE":
        return lowest, highest
    if activation == "RELU":
        return max(lowest, quantized(0.0)), highest
    if activation == "RELU6":
        return max(lowest, quantized(0.0)), min(highest, quantized(6.0))
    if activation == "RELU_N1_TO_1":
        return max(lowest, quantized(-1.0)), min(highest, quantized(1.0))
    raise ValueError(activation)


@dataclasses.dataclass(frozen=True)
class AddMultipliers:
    """Multipliers of ADD and SUB, each ``(multiplier, shift)`` of `quantize_multiplier`.

    Attributes:
      operands: bring each operand, shifted left by `ADD_LEFT_SHIFT` or `ADD_LEFT_SHIFT_INT16`, to twice the larger of
        their scales.
      total: brings the sum to the output's scale.
    """

    operands: tuple[tuple[int, int], tuple[int, int]]
    total: tuple[int, int]


def add_multipliers(
    scale_a: float, scale_b: float, output_scale: float, left_shift: int = ADD_LEFT_SHIFT
) -> AddMultipliers:
    """The multipliers of an ADD or SUB by the scales of its operands and its output."""
    twice = 2.0 * max(float(scale_a), float(scale_b))
    return AddMultipliers(
        (quantize_multiplier(float(scale_a) / twice), quantize_multiplier(float(scale_b) / twice)),
        quantize_multiplier(twice / ((1 << left_shift) * float(output_scale))),
    )


def mean_multiplier(input_scale: float, output_scale: float, count: int) -> tuple[int, int]:
    """The factor from a sum of `count` values to their mean, as MEAN has it.

    Returns:
      ``(multiplier, shift)`` as of `quantize_multiplier`, but the multiplier is rounded down and may be below 2**30.
    """
    multiplier, shift = quantize_multiplier(float(input_scale) / float(output_scale))
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits


# --- When a step is computed: integers to integers -------------------------------------------------------------------


def doubling_high_multiply(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """``round(a * b / 2**31)`` of int32 values as int64, ties up. -2**31 times itself is left out: no multiplier is."""
    high = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    high += 1 << 30
    high >>= 31
    return high


def divide_by_power_of_two(value: ArrayLike, exponent: ArrayLike) -> np.ndarray:
    """``round(value / 2**exponent)`` of int32 values as int64, ties away from zero; exponent 0 to 31."""
    value, exponent = np.asarray(value, np.int64), np.asarray(exponent, np.int64)
    divided = (value >> 63) * (exponent > 0).astype(np.int64)
    divided += value
    divided += (1 << exponent) >> 1
    divided >>= exponent
    return divided


def multiply(value: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> np.ndarray:
    """``value * multiplier * 2**(shift - 31)`` with both roundings.

    Args:
      value: int32 values.
      multiplier, shift: of `quantize_multiplier`, shapes that broadcast; shift -31 to 30. What a shift to the left
        pushes out of 32 bits is lost, as in the kernels.

    Returns:
      int64, not clamped.
    """
    value, shift = np.asarray(value, np.int64), np.asarray(shift, np.int64)
    if (shift > 0).any():
        value = (value << np.maximum(shift, 0)).astype(np.int32)
    return divide_by_power_of_two(doubling_high_multiply(value, multiplier), np.maximum(-shift, 0))


def requantize(
    accumulator: ArrayLike, multiplier: ArrayLike, shift: ArrayLike, zero_point: int, low: int, high: int
) -> np.ndarray:
    """Accumulators of a layer to its int8 output.

    Args:
      accumulator: int32 values, bias included; channels last where multipliers have an axis.
      multiplier, shift: of `quantize_multiplier`.
      zero_point: of the output.
      low, high: of `activation_range`.
    """
    return np.clip(multiply(accumulator, multiplier, shift) + zero_point, low, high).astype(np.int8)


def scale_operand(values: ArrayLike, zero_point: int, multiplier: tuple[int, int]) -> np.ndarray:
    """An operand of ADD on the scale of its sum, int64; `multiplier` is of `AddMultipliers.operands`."""
    return multiply((np.asarray(values, np.int64) - zero_point) << ADD_LEFT_SHIFT, *multiplier)


def add(
    a: ArrayLike,
    b: ArrayLike,
    zero_points: tuple[int, int],
    multipliers: AddMultipliers,
    zero_point: int,
    low: int,
    high: int,
) -> np.ndarray:
    """ADD of int8 tensors with different scales.

    Args:
      a, b: int8 operands of one shape.
      zero_points: theirs.
      multipliers: of `add_multipliers`.
      zero_point: of the output.
      low, high: of `activation_range`.
    """
    parts = [
        scale_operand(values, point, multiplier)
        for values, point, multiplier in zip((a, b), zero_points, multipliers.operands, strict=True)
    ]
    return requantize(parts[0] + parts[1], *multipliers.total, zero_point, low, high)


def mean(total: ArrayLike, count: int) -> np.ndarray:
    """Average of `count` int8 values by their sum, zero point and all, int64: to nearest, ties away from zero."""
    total = np.asarray(total, np.int64)
    return np.sign(total) * ((np.abs(total) + count // 2) // count)
