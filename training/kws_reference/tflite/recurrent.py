"""Factors of the operators that keep their state: SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM.

Source: tensorflow/lite/micro/kernels, svdf_common.cc and lstm_eval_common.cc (behaviour, not text).
"""

import math

from kws_reference.tflite.int16 import OUTPUT_SCALE

GATE_SCALE = 2.0**-12
"""Of the arguments of an LSTM's gates, int16: `int16.sigmoid_argument` gives a factor of 3 for it."""
FUNCTION_SCALE = OUTPUT_SCALE
"""Of what a gate lets through, int16."""


def tanh_argument(scale: float) -> tuple[int, int]:
    """Multiplier and right shift that take an LSTM's cell state to the argument of `int16.sigmoid_table`.

    Args:
      scale: of the cell state, a power of two from 2**-30 to 1.

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
