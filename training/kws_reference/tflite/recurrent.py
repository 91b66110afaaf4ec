"""Factors and 16-bit functions of the operators that keep their state: SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM.

Source: tensorflow/lite/micro/kernels (svdf_common.cc, lstm_eval_common.cc) and
tensorflow/lite/kernels/internal/reference/integer_ops (behaviour, not text).
"""

import math

import numpy as np

GATE_SCALE = 2.0**-12
"""Of the arguments of an LSTM's gates, int16."""
FUNCTION_SCALE = 2.0**-15
"""Of the results of logistic function and tanh, int16."""

_STEPS_PER_ONE = 24
"""Entries of the table of the logistic function from x to x + 1."""
# Entries that are one more than the rounded function. TFLite Micro's table has no rule for them.
_ONE_MORE = (
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46),
    *(49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)


def logistic_table() -> np.ndarray:
    """The kernels' table of ``1 / (1 + exp(-i / 24))``: uint16 ``[256]``, Q0.16."""
    table = np.rint(65536 / (1 + np.exp(-np.arange(256) / _STEPS_PER_ONE)))
    table[list(_ONE_MORE)] += 1
    return table.astype(np.uint16)


def logistic(values: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-x))``: a line between two entries of `logistic_table`.

    Args:
      values: int16, x in units of `GATE_SCALE`.

    Returns:
      int16, in units of `FUNCTION_SCALE`.
    """
    argument = np.asarray(values, np.int64) * 3
    result = _interpolated(np.abs(argument), fraction_bits=9)
    # The table's 16 bits and the fraction's 9, of which 15 stay.
    return np.where(argument >= 0, result + (1 << 9), (1 << 25) - result + (1 << 9) - 1) >> 10


def tanh(values: np.ndarray, multiplier: int = 3, right_shift: int = 0) -> np.ndarray:
    """``tanh(x)``, as twice a logistic function of twice x less one.

    Args:
      values: int16, x in units of `GATE_SCALE`; of another scale with the two of `tanh_argument`.

    Returns:
      int16, in units of `FUNCTION_SCALE`.
    """
    argument = (np.asarray(values, np.int64) * multiplier + (1 << right_shift >> 1)) >> right_shift
    result = _interpolated(np.abs(argument), fraction_bits=8) - (1 << 23)
    return np.where(argument >= 0, result + (1 << 7), -result + (1 << 7) - 1) >> 8


def _interpolated(argument: np.ndarray, fraction_bits: int) -> np.ndarray:
    """A value of the table's function with `fraction_bits` further bits; beyond the table its largest one."""
    table = logistic_table().astype(np.int64)
    index, fraction = argument >> fraction_bits, argument & ((1 << fraction_bits) - 1)
    inside = np.minimum(index, 254)
    line = (table[inside] << fraction_bits) + fraction * (table[inside + 1] - table[inside])
    largest = 0x7FFF << 10 if fraction_bits == 9 else 0xFFFF << 8
    return np.where(index >= 255, largest, line)


def tanh_argument(scale: float) -> tuple[int, int]:
    """Multiplier and right shift that take int16 values to the arguments of `tanh`.

    Args:
      scale: of the values, a power of two from 2**-30 to 1.

    Raises:
      ValueError: any other scale.
    """
    power = math.log2(scale)
    if power != round(power) or not -30 <= power <= 0:
        raise ValueError(f"the scale {scale:.9g} is no power of two from 2^-30 to 1")
    shift = 12 + round(power)
    return (3 << shift, 0) if shift >= 0 else (3, -shift)


def svdf_factors(
    input_scale: float, feature_scale: float, state_scale: float, time_scale: float, output_scale: float
) -> tuple[float, float]:
    """Factors of SVDF: from the products with the input to its state, and from those with its state to the output.

    In float64, as TFLite Micro computes them today; releases up to 2025 rounded each step to float32.
    """
    return input_scale * feature_scale / state_scale, state_scale * time_scale / output_scale
