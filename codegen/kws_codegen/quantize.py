"""TensorFlow Lite's quantization arithmetic at generation time: real factors to integer multipliers and shifts.

Source: tensorflow/lite/kernels/internal/quantization_util.cc and tensorflow/lite/micro/kernels (behaviour, not text).
"""

import math

import numpy as np


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


def product_factors(input_scale: float, weight_scales: tuple[float, ...], output_scale: float) -> list[float]:
    """Factors from accumulator to output, one per weight scale, as a convolution computes them (float64)."""
    return [float(input_scale) * float(scale) / float(output_scale) for scale in weight_scales]


def fully_connected_factor(input_scale: float, weight_scale: float, output_scale: float) -> float:
    """Factor of a fully connected layer with one weight scale: the product of the scales is rounded to float32."""
    return float(np.float32(np.float32(input_scale) * np.float32(weight_scale))) / float(output_scale)


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Clamp of a fused activation on int8, inclusive.

    Args:
      activation: ``NONE``, ``RELU``, ``RELU6`` or ``RELU_N1_TO_1``.

    Raises:
      ValueError: any other activation.
    """

    def quantized(value: float) -> int:
        ratio = float(np.float32(value) / np.float32(scale))
        return zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))

    if activation == "NONE":
        return -128, 127
    if activation == "RELU":
        return max(-128, quantized(0.0)), 127
    if activation == "RELU6":
        return max(-128, quantized(0.0)), min(127, quantized(6.0))
    if activation == "RELU_N1_TO_1":
        return max(-128, quantized(-1.0)), min(127, quantized(1.0))
    raise ValueError(activation)
