"""Exponential, reciprocal, logistic function and tanh in fixed point, as TensorFlow Lite's int8 kernels compute them.

Numbers are int32 in int64 arrays: a real number is its integer divided by ``2**fraction_bits``. Q0.31 has 31 of these
bits and goes from -1 to 1, Q2.29 from -4 to 4. A one in Q0.31 is the largest integer, 2**31 - 1.

Source: gemmlowp's fixedpoint.h (behaviour, not text).
"""

import numpy as np

from kws_reference.tflite.fixed_point import divide_by_power_of_two
from kws_reference.tflite.fixed_point import doubling_high_multiply as product

_MAX = 2**31 - 1
_MIN = -(2**31)

_EXP_OF_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
_EXP_OF_MINUS_POWERS = {
    -2: 1672461947,
    -1: 1302514674,
    0: 790015084,
    1: 290630308,
    2: 39332535,
    3: 720401,
    4: 242,
}
"""Power of two -> exp(-2**power), Q0.31."""

_ONE_Q2 = 1 << 29
_48_OVER_17_Q2 = 1515870810
_MINUS_32_OVER_17_Q2 = -1010580540


def exp_of_negative(value: np.ndarray, integer_bits: int) -> np.ndarray:
    """``exp(value)``.

    Args:
      value: int32 values, none above 0, of ``31 - integer_bits`` fraction bits.
      integer_bits: 3 to 5.

    Returns:
      Q0.31.
    """
    value = np.asarray(value, np.int64)
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    # value = -remainder + rest, rest from -1/4 up to 0, and the remainder a sum of powers of two.
    rest = (value & (quarter - 1)) - quarter
    remainder = rest - value
    result = _exp_above_minus_quarter(rest << integer_bits)
    for power, factor in _EXP_OF_MINUS_POWERS.items():
        if power < integer_bits:
            result = np.where(remainder >> (fraction_bits + power) & 1, product(result, factor), result)
    return np.where(value == 0, _MAX, result)


def _exp_above_minus_quarter(value: np.ndarray) -> np.ndarray:
    """exp of Q0.31 numbers from -1/4 up to 0: four terms of the series around -1/8."""
    x = value + (1 << 28)
    x2 = product(x, x)
    x3 = product(x2, x)
    x4 = product(x2, x2)
    higher = divide_by_power_of_two(product(divide_by_power_of_two(x4, 2) + x3, _THIRD) + x2, 1)
    return _EXP_OF_MINUS_EIGHTH + product(_EXP_OF_MINUS_EIGHTH, x + higher)


def reciprocal_of_one_plus(value: np.ndarray) -> np.ndarray:
    """``1 / (1 + value)`` of Q0.31 numbers from 0 to 1, Q0.31."""
    return _shift_left(_twice_reciprocal_of_one_plus(value), 1)


def logistic(value: np.ndarray, integer_bits: int) -> np.ndarray:
    """``1 / (1 + exp(-value))``, Q0.31; arguments as `exp_of_negative`, of any sign."""
    value = np.asarray(value, np.int64)
    positive = reciprocal_of_one_plus(exp_of_negative(-np.abs(value), integer_bits))
    return np.where(value == 0, 1 << 30, np.where(value > 0, positive, _MAX - positive))


def tanh(value: np.ndarray, integer_bits: int) -> np.ndarray:
    """``tanh(value)``, Q0.31; arguments as `exp_of_negative`, of any sign, with up to 4 integer bits."""
    value = np.asarray(value, np.int64)
    # The same integer with one fraction bit less is twice the number.
    power = exp_of_negative(-np.abs(value), integer_bits + 1)
    magnitude = _shift_left(_twice_reciprocal_of_one_plus(power) - _ONE_Q2, 2)
    return np.sign(value) * magnitude


def _twice_reciprocal_of_one_plus(value: np.ndarray) -> np.ndarray:
    """``2 / (1 + value)`` of Q0.31 numbers from 0 to 1, Q2.29: three steps of Newton and Raphson."""
    half_denominator = (np.asarray(value, np.int64) + _MAX + 1) >> 1
    x = _48_OVER_17_Q2 + product(half_denominator, _MINUS_32_OVER_17_Q2)
    for _ in range(3):
        error = _ONE_Q2 - product(half_denominator, x)
        x = x + _shift_left(product(x, error), 2)
    return x


def _shift_left(value: np.ndarray, bits: int) -> np.ndarray:
    return np.clip(value << bits, _MIN, _MAX)
