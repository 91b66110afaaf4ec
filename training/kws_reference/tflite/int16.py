"""TensorFlow Lite's fixed-point arithmetic of int16 activations, where it is not that of int8 ones.

Zero points are 0. Layers with weights sum in 64 bits and round once, with a multiplier of 15 bits; those whose bias has
32 bits sum in 32 and round twice, as int8 layers do. Logistic function and tanh interpolate between the 256 entries of
one table, softmax between the 513 of two.

Source: tensorflow/lite/kernels/internal/common.h, tensorflow/lite/kernels/internal/reference and
tensorflow/lite/micro/kernels (behaviour, not text).
"""

import math
from collections.abc import Callable

import numpy as np

from kws_reference.tflite.fixed_point import quantize_multiplier

OUTPUT_SCALE = 1 / 32768
"""Of logistic function, tanh and softmax; the zero point is 0."""

# --- Layers with weights ---------------------------------------------------------------------------------------------

MAX_SHIFT = 7
"""Largest shift of a factor that is applied in one rounding."""


def reduced_multiplier(multiplier: int, shift: int) -> tuple[int, int]:
    """A factor of `fixed_point.quantize_multiplier` as sums of 64 bits are multiplied with it.

    Args:
      multiplier, shift: Q31, and a shift of at most `MAX_SHIFT`.

    Returns:
      ``(multiplier, right_shift)``: 15 bits, and how far the product is shifted right, 8 to 46, to nearest, ties up.
    """
    return (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF, 15 - shift


# --- Logistic function and tanh --------------------------------------------------------------------------------------

_ABOVE_FLOOR = (
    "0110101011111111111111111111221112121111111211111111111111111111"
    "1011101011111111111110111100011001111101000110111011101100010011"
    "0101001100011010111110111100110010000001010001000110101001110000"
    "0111001101101010101001011011001100110001100001110000011111000001"
)
"""What each entry of the table has more than the next integer below the function's value."""


def sigmoid_table() -> np.ndarray:
    """Logistic function of ``i / 24``, Q0.16: uint16 ``[256]``, as TFLite Micro's interpreter shows it by its TANH."""
    values = 65536 / (1 + np.exp(-np.arange(256) / 24))
    return (np.floor(values) + np.array(list(map(int, _ABOVE_FLOOR)))).astype(np.uint16)


def sigmoid_argument(scale: float, power_of_two_shifts: tuple[int, ...]) -> tuple[int, int]:
    """The factor from int16 values to steps of the table's argument, ``1 / (3 * 4096)``.

    Args:
      scale: of the input.
      power_of_two_shifts: 0 of LOGISTIC, 0 and 1 of TANH. A scale that is ``2**(shift - 12)`` to a thousandth of a
        power is taken for it.

    Returns:
      ``(multiplier, right_shift)``: at most 16 bits, and 0 to 31.

    Raises:
      ValueError: the scale is too large for 32 bits, or so nearly taken for a power of two that the C library decides.
    """
    power = math.log2(scale)
    shift, off = 12 + round(power), abs(power - round(power))
    if shift in power_of_two_shifts and abs(off - 1e-3) < 1e-5:
        raise ValueError(f"the scale {scale:.9g} is neither a power of two nor clearly none")
    if shift in power_of_two_shifts and off < 1e-3:
        return 3 << shift, 0
    factor, right_shift = scale * 4096.0 * 3.0, 0
    while factor <= 32767.0 / 2.0 and right_shift <= 30:
        right_shift += 1
        factor *= 2.0
    if factor >= 2**16:
        raise ValueError(f"the scale {scale:.9g} is too large")
    return int(factor), right_shift


# --- Softmax ---------------------------------------------------------------------------------------------------------

_STEPS = 512
"""Of a table, whose last entry only closes the last step."""


def softmax_factor(scale: float, beta: float) -> tuple[int, int]:
    """``(multiplier, shift)`` of `fixed_point.quantize_multiplier`, from differences to steps of 10 / 65535.

    Args:
      scale: of the input.
      beta: factor of the exponent.

    Raises:
      ValueError: differences would not fit into 32 bits.
    """
    factor = float(np.float32(scale)) * float(np.float32(beta)) / (10.0 / 65535.0)
    multiplier, shift = quantize_multiplier(factor)
    if factor <= 0 or shift > 14:
        raise ValueError(f"the scale {scale:.9g} does not suit an exponential")
    return multiplier, shift


def exponential_table() -> np.ndarray:
    """``exp(x)`` for x from -10 to 0: int16 ``[513]``, Q0.15."""
    rounded = np.vectorize(lambda x: np.float32(math.exp(float(x))), otypes=[np.float32])
    return _table(np.float32(10) / np.float32(65535), 32767, rounded)


def reciprocal_table() -> np.ndarray:
    """``1 / (1 + x)`` for x from 0 to 1: int16 ``[513]``, Q0.15."""
    return _table(np.float32(1) / np.float32(65535), -32768, lambda x: np.float32(1) / (np.float32(1) + x))


def _table(step: np.float32, zero_point: int, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A function of every 128th int16 value, each entry moved by half of the error in the middle of its step.

    All in float32, as the kernel does when it starts.
    """
    first, last = step * np.float32(-32768 - zero_point), step * np.float32(32767 - zero_point)
    width = (last - first) / np.float32(_STEPS)
    per_unit = np.float32(65536) / (np.float32(2) / np.float32(65535) * np.float32(32767 + 32768))
    begins = first + np.arange(_STEPS, dtype=np.float32) * width
    ends = first + np.arange(1, _STEPS + 1, dtype=np.float32) * width
    values, middles = function(begins) * per_unit, function(begins + width / np.float32(2)) * per_unit
    between = _round((function(ends) * per_unit + _round(values)) / np.float32(2))
    moved = _round(values) - _round((between - _round(middles)) / np.float32(2))
    closing = _round(function(np.array([last])) * per_unit)
    return np.clip(np.concatenate([moved, closing]), -32768, 32767).astype(np.int16)


def _round(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.floor(np.abs(values) + np.float32(0.5))
