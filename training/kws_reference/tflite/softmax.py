"""SOFTMAX of int8 values in fixed point, as TFLite Micro computes it.

Source: tensorflow/lite/kernels/internal/reference/softmax.h (behaviour, not text).
"""

import numpy as np

from kws_reference.tflite import transcendental
from kws_reference.tflite.fixed_point import divide_by_power_of_two, doubling_high_multiply, quantize_multiplier
from kws_reference.tflite.functions import input_radius

MAX_DEPTH = 511
"""Values of a row whose sum the kernel can divide by: it ends the program at more than 2**8 in its 32 bits."""

_INTEGER_BITS = 5
"""Of the exponential's argument."""
_SUM_INTEGER_BITS = 12
"""Of the sum of a row's exponentials."""


def exponentials(scale: float, beta: float) -> np.ndarray:
    """``exp(-beta * scale * i)`` for the distances `i` of a value from the largest of its row.

    Args:
      scale: of the input.
      beta: factor of the exponent.

    Returns:
      int32 ``[256]``, Q0.31; 0 for values so small that the kernel leaves them out. A value that is not left out can be
      0, too: it then adds nothing, and gives what a value that is left out gives.

    Raises:
      ValueError: the factor is too small.
    """
    factor = min(float(beta) * float(scale) * 2.0 ** (31 - _INTEGER_BITS), 2.0**31 - 1)
    multiplier, shift = quantize_multiplier(factor)
    if factor <= 1:
        raise ValueError(f"the scale {scale:.9g} is too small for an exponential")
    distances = np.arange(256, dtype=np.int64)
    radius = input_radius(_INTEGER_BITS, shift)
    argument = doubling_high_multiply(-np.minimum(distances, radius) << shift, multiplier)
    results = transcendental.exp_of_negative(argument, _INTEGER_BITS)
    return np.where(distances <= radius, results, 0).astype(np.int32)


def softmax(values: np.ndarray, exponentials_of_distance: np.ndarray) -> np.ndarray:
    """SOFTMAX over the last axis.

    Args:
      values: int8 ``[..., depth]``, depth 1 to `MAX_DEPTH`.
      exponentials_of_distance: of `exponentials`.

    Returns:
      int8 of the same shape, scale 1/256 and zero point -128.
    """
    wide = np.asarray(values, np.int64)
    powers = exponentials_of_distance.astype(np.int64)[wide.max(axis=-1, keepdims=True) - wide]
    total = divide_by_power_of_two(powers, _SUM_INTEGER_BITS).sum(axis=-1, keepdims=True)
    # total = (1 + fraction) * 2**bits: the power of two goes into the last division.
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64) - 1
    reciprocal = transcendental.reciprocal_of_one_plus((total << (31 - bits)) - 2**31)
    shares = divide_by_power_of_two(
        doubling_high_multiply(reciprocal, powers), bits - (31 - _SUM_INTEGER_BITS) + 31 - 8
    )
    return np.clip(shares - 128, -128, 127).astype(np.int8)
