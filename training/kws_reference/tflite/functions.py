"""Functions of one int8 value, each as the table of its 256 results, with the integers of TFLite Micro's kernels.

A table is int8 ``[256]``: the results of the inputs -128 to 127 in this order. Where no table is right, the function
raises `ValueError` with the reason.

Source: tensorflow/lite/micro/kernels and tensorflow/lite/kernels/internal/reference (behaviour, not text).
"""

import math
from typing import NamedTuple

import numpy as np

from kws_reference.tflite import transcendental
from kws_reference.tflite.fixed_point import (
    activation_range,
    divide_by_power_of_two,
    multiply,
    quantize_multiplier,
    requantize,
)

_INPUTS = np.arange(-128, 128, dtype=np.int64)
_INTEGER_BITS = 4
"""Of the arguments of logistic function and tanh: beyond 16 both are constant."""


class Quantization(NamedTuple):
    """How int8 values stand for real ones: ``scale * (value - zero_point)``; the scale is a float32."""

    scale: float
    zero_point: int


def quantize(x: Quantization, y: Quantization) -> np.ndarray:
    """Table of the same real value in another quantization."""
    return requantize(_INPUTS - x.zero_point, *_factor(x.scale / y.scale), y.zero_point, -128, 127)


def relu(x: Quantization, y: Quantization) -> np.ndarray:
    """Table of ``max(x, 0)``."""
    low, high = activation_range("RELU", y.scale, y.zero_point)
    return requantize(_INPUTS - x.zero_point, *_factor(x.scale / y.scale), y.zero_point, low, high)


def relu6(x: Quantization, y: Quantization) -> np.ndarray:
    """Table of ``min(max(x, 0), 6)``, which TFLite Micro clamps without rescaling: both must have one quantization."""
    if x != y:
        raise ValueError("input and output must share scale and zero point")
    return np.clip(_INPUTS, *activation_range("RELU6", x.scale, x.zero_point)).astype(np.int8)


def leaky_relu(x: Quantization, y: Quantization, alpha: float) -> np.ndarray:
    """Table of ``x`` where it is positive, else ``alpha * x``; a sign follows the rounding."""
    above = multiply(_INPUTS - x.zero_point, *_factor(x.scale / y.scale))
    below = multiply(_INPUTS - x.zero_point, *_factor(abs(x.scale * float(np.float32(alpha)) / y.scale)))
    below = -below if alpha < 0 else below
    return np.clip(np.where(x.zero_point <= _INPUTS, above, below) + y.zero_point, -128, 127).astype(np.int8)


def logistic(x: Quantization, y: Quantization) -> np.ndarray:
    """Table of ``1 / (1 + exp(-x))``. The output must have scale 1/256 and zero point -128."""
    if y != (1 / 256, -128):
        raise ValueError("the output must have scale 1/256 and zero point -128")
    value, radius = _argument(x)
    result = divide_by_power_of_two(transcendental.logistic(value, _INTEGER_BITS), 31 - 8) - 128
    return _saturate(result, x, radius)


def tanh(x: Quantization, y: Quantization) -> np.ndarray:
    """Table of ``tanh(x)``. The output must have scale 1/128 and zero point 0."""
    if y != (1 / 128, 0):
        raise ValueError("the output must have scale 1/128 and zero point 0")
    value, radius = _argument(x)
    result = divide_by_power_of_two(transcendental.tanh(value, _INTEGER_BITS), 31 - 7)
    return _saturate(result, x, radius)


def hard_swish(x: Quantization, y: Quantization) -> np.ndarray:
    """Table of ``x * min(max(x + 3, 0), 6) / 6``, computed with 16 bits."""
    fine_scale = np.float32(1 / 128) * np.float32(x.scale)
    output_multiplier, output_shift = _factor16(float(fine_scale / np.float32(y.scale)))
    relu_multiplier, relu_shift = _factor16(float(fine_scale / np.float32(3 / 32768)))
    if not -15 <= output_shift <= 0 or relu_shift < -15:
        raise ValueError(f"the scales {x.scale:.9g} and {y.scale:.9g} do not suit 16 bits")
    fine = (_INPUTS - x.zero_point) << 7
    value = _product16(fine, output_multiplier)
    # From -1 to 1 where x goes from -3 to 3. The last doubling saturates, the ones before it must not matter.
    ramp = _saturate16(fine << max(min(relu_shift - 1, 16), 0))
    ramp = _product16(ramp, relu_multiplier)
    if relu_shift > 0:
        ramp = _saturate16(ramp << 1)
    ramp = divide_by_power_of_two(ramp, max(-relu_shift, 0))
    share = (ramp + (1 << 15)) >> 1
    doubled = share * value
    result = np.sign(doubled) * (np.abs(doubled) >> 15)
    return np.clip(divide_by_power_of_two(result, -output_shift) + y.zero_point, -128, 127).astype(np.int8)


def elu(x: Quantization, y: Quantization) -> np.ndarray:
    """Table of ``x`` where it is positive, else ``exp(x) - 1``, which TFLite Micro makes in float32 when it starts.

    Raises:
      ValueError: a result lies so near to a half that it would depend on the rounding of `exp`.
    """
    inverse = np.float32(1) / np.float32(y.scale)
    argument = np.float32(x.scale) * (_INPUTS - x.zero_point).astype(np.float32)
    exponential = np.exp(np.minimum(argument, 0).astype(np.float64)).astype(np.float32)
    result = np.where(argument < 0, exponential - np.float32(1), argument) * inverse
    # Three units in the last place of an exponential, and one for each of the two roundings that follow.
    doubt = (argument < 0) * 3 * 2.0**-24 * float(inverse) + np.abs(result) * 2.0**-22
    to_half = np.abs(np.abs(result.astype(np.float64)) % 1 - 0.5)
    if ((to_half <= doubt) & (argument < 0)).any():
        raise ValueError(f"with the scales {x.scale:.9g} and {y.scale:.9g} a result depends on the rounding of exp")
    rounded = np.sign(result) * np.floor(np.abs(result.astype(np.float64)) + 0.5)  # float32 would round the sum itself
    return np.clip(rounded + y.zero_point, -128, 127).astype(np.int8)


# --- Parts -----------------------------------------------------------------------------------------------------------


def _factor(real: float) -> tuple[int, int]:
    """`quantize_multiplier` of a factor that int8 values can take."""
    multiplier, shift = quantize_multiplier(real)
    if shift > 22:
        raise ValueError(f"a factor of {real:.9g} is too large")
    return multiplier, shift


def _argument(x: Quantization) -> tuple[np.ndarray, int]:
    """Inputs on the scale of the functions above, int32, and from which distance of the zero point on they saturate."""
    mantissa, shift = math.frexp(float(np.float32(x.scale)) * 2.0 ** (31 - _INTEGER_BITS))
    if shift < 0:
        raise ValueError(f"the scale {x.scale:.9g} is too small")
    radius = input_radius(_INTEGER_BITS, shift)
    inside = np.clip(_INPUTS - x.zero_point, -radius, radius)
    return multiply(inside, round(mantissa * 2**31), shift), radius


def input_radius(integer_bits: int, shift: int) -> int:
    """The first distance from zero that a fixed-point function of `integer_bits` does not compute any more.

    Args:
      integer_bits: of the function's argument.
      shift: by how many bits to the left an int8 difference becomes the argument.
    """
    return math.floor(((1 << integer_bits) - 1) * 2.0 ** (31 - integer_bits - shift))


def _saturate(result: np.ndarray, x: Quantization, radius: int) -> np.ndarray:
    distance = _INPUTS - x.zero_point
    result = np.where(distance <= -radius, -128, np.where(distance >= radius, 127, result))
    return np.clip(result, -128, 127).astype(np.int8)


def _factor16(real: float) -> tuple[int, int]:
    """`quantize_multiplier` with a multiplier of 16 bits."""
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, 2**15 - 1), shift


def _product16(a: np.ndarray, b: int) -> np.ndarray:
    """``round(a * b / 2**15)`` of int16 values, ties up."""
    return (a * b + (1 << 14)) >> 15


def _saturate16(value: np.ndarray) -> np.ndarray:
    return np.clip(value, -(2**15), 2**15 - 1)
