"""The device's integer arithmetic as TensorFlow functions with straight-through gradients.

Tensors hold ``q - zero_point``: integers in float32, where zero is silence. A float32 holds integers up to 2^24, so
that products and sums below it are exact in any order; where sums may pass it, float64 holds them. The rules are those
of `kws_reference.tflite.fixed_point`, whose twin in TensorFlow this is: tests compare the two.
"""

import tensorflow as tf
from kws_reference.tflite.fixed_point import ADD_LEFT_SHIFT

ACCUMULATOR_LIMIT = 2**24
BIAS_LIMIT = 2**22
SMALLEST_FACTOR = 2.0**-14
"""Of accumulator to output: a bias of a whole output range then stays below `BIAS_LIMIT`."""


@tf.custom_gradient
def round_through(x: tf.Tensor):
    """To the nearest integer, ties to even; the gradient passes."""
    return tf.round(x), lambda upstream: upstream


def quantize_multiplier(factor: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Splits real factors into Q31 mantissas and powers of two, as TFLite does.

    Args:
      factor: float64, above 0.

    Returns:
      int64 multiplier in [2^30, 2^31) and int32 shift: ``factor ~ multiplier * 2^(shift - 31)``.
    """
    bits = tf.bitcast(factor, tf.int64)
    exponent = tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits, tf.constant(52, tf.int64)), 0x7FF) - 1022
    mantissa = tf.bitcast(
        tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(bits, (1 << 52) - 1), tf.constant(1022 << 52, tf.int64)),
        tf.float64,
    )
    multiplier = tf.cast(tf.floor(mantissa * 2.0**31 + 0.5), tf.int64)
    full = tf.equal(multiplier, 1 << 31)
    return tf.where(full, multiplier // 2, multiplier), tf.cast(exponent + tf.cast(full, tf.int64), tf.int32)


def requantize(
    accumulator: tf.Tensor,
    factor: tf.Tensor,
    exact: tf.Tensor,
    low: tf.Tensor | float,
    high: tf.Tensor | float,
) -> tf.Tensor:
    """Accumulators to activations.

    Args:
      accumulator: integers ``[..., channels]`` in float32, below `ACCUMULATOR_LIMIT`, or in float64.
      factor: float32 ``[channels]``, through which gradients go.
      exact: float64 ``[channels]``, the same factor as the device's code generator computes it.
      low, high: clamp of ``q - zero_point``.

    Returns:
      float32 integers of the same shape.
    """
    return _requantize(accumulator, factor, *quantize_multiplier(exact), low, high)


@tf.custom_gradient
def _requantize(accumulator, factor, multiplier, shift, low, high):
    low, high = tf.cast(low, tf.float32), tf.cast(high, tf.float32)

    def gradient(upstream):
        total = tf.cast(accumulator, tf.float32)
        of_accumulator = _inside(upstream, total * factor, low, high) * factor
        axes = list(range(len(accumulator.shape) - 1))
        of_factor = tf.reduce_sum(of_accumulator * total, axes) / factor
        return tf.cast(of_accumulator, accumulator.dtype), of_factor, None, None, None, None

    return _multiply(accumulator, multiplier, shift, low, high), gradient


@tf.function(jit_compile=True, autograph=False)
def _multiply(accumulator, multiplier, shift, low, high):
    return tf.clip_by_value(tf.cast(_scaled(tf.cast(accumulator, tf.int64), multiplier, shift), tf.float32), low, high)


@tf.function(jit_compile=True, autograph=False)
def _inside(upstream, wanted, low, high):
    """The gradient where the output was not clamped."""
    return tf.where((wanted >= low - 0.5) & (wanted <= high + 0.5), upstream, 0.0)


def _scaled(value: tf.Tensor, multiplier: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """``value * multiplier * 2^(shift - 31)``, rounded twice; int64 in, int64 out."""
    one, shift = tf.constant(1, tf.int64), tf.cast(shift, tf.int64)
    left, right = tf.maximum(shift, 0), tf.maximum(-shift, 0)
    high = tf.bitwise.right_shift(value * tf.bitwise.left_shift(one, left) * multiplier + (1 << 30), one * 31)
    half = tf.bitwise.right_shift(tf.bitwise.left_shift(one, right), one)
    below = tf.cast((high < 0) & (right > 0), tf.int64)
    return tf.bitwise.right_shift(high + half - below, right)


def add(
    a: tf.Tensor,
    b: tf.Tensor,
    scale_a: tf.Tensor,
    scale_b: tf.Tensor,
    scale: tf.Tensor,
    low: tf.Tensor | float,
    high: tf.Tensor | float,
    sign: int = 1,
) -> tf.Tensor:
    """The sum of two tensors of different scales, at a third scale; all scales are float32 scalars.

    Args:
      sign: -1: the first without the second, which is rounded before it is taken away.
    """
    exact_a, exact_b, exact = (tf.cast(value, tf.float64) for value in (scale_a, scale_b, scale))
    twice = 2.0 * tf.maximum(exact_a, exact_b)
    parts = [quantize_multiplier(part / twice) for part in (exact_a, exact_b)]
    whole = quantize_multiplier(twice / (2.0**ADD_LEFT_SHIFT * exact))
    factors = *parts[0], *parts[1], *whole, tf.constant(sign, tf.int64)
    return _add(a, b, scale_a / scale, scale_b / scale, *factors, low, high)


def subtract(*arguments: tf.Tensor) -> tf.Tensor:
    """`add` with the sign of -1."""
    return add(*arguments, sign=-1)


@tf.custom_gradient
def _add(a, b, factor_a, factor_b, *integers_and_range):
    *integers, sign, low, high = integers_and_range
    low, high = tf.cast(low, tf.float32), tf.cast(high, tf.float32)

    def gradient(upstream):
        signed = factor_b * tf.cast(sign, tf.float32)
        inside = _inside(upstream, a * factor_a + b * signed, low, high)
        of_factors = tf.reduce_sum(inside * a), tf.reduce_sum(inside * b) * tf.cast(sign, tf.float32)
        return inside * factor_a, inside * signed, *of_factors, *[None] * len(integers_and_range)

    return _sum(a, b, *integers, sign, low, high), gradient


@tf.function(jit_compile=True, autograph=False)
def _sum(a, b, multiplier_a, shift_a, multiplier_b, shift_b, multiplier, shift, sign, low, high):
    parts = [
        _scaled(tf.cast(value, tf.int64) * 2**ADD_LEFT_SHIFT, *factor)
        for value, factor in ((a, (multiplier_a, shift_a)), (b, (multiplier_b, shift_b)))
    ]
    total = _scaled(parts[0] + sign * parts[1], multiplier, shift)
    return tf.clip_by_value(tf.cast(total, tf.float32), low, high)


def multiply(
    a: tf.Tensor,
    b: tf.Tensor,
    scale_a: tf.Tensor,
    scale_b: tf.Tensor,
    scale: tf.Tensor,
    low: tf.Tensor,
    high: tf.Tensor,
) -> tf.Tensor:
    """The product of two tensors, at a scale of its own; all scales are float32 scalars."""
    exact_a, exact_b, exact = (tf.cast(value, tf.float64) for value in (scale_a, scale_b, scale))
    product = a * b
    factor = tf.fill((product.shape[-1],), scale_a * scale_b / scale)
    return requantize(product, factor, tf.fill((product.shape[-1],), exact_a * exact_b / exact), low, high)


def mean(rows: tf.Tensor, axis: int, zero_point: tf.Tensor) -> tf.Tensor:
    """Average pooling over an axis: of ``q`` itself, to nearest with ties away from zero."""
    count = rows.shape[axis]
    real = tf.reduce_mean(rows, axis)
    total = tf.reduce_sum(rows, axis) + zero_point * float(count)
    # Half a unit keeps the quotient off whole numbers, so that no rounding of the division matters.
    exact = tf.sign(total) * tf.floor((tf.abs(total) + float(count // 2) + 0.5) / float(count)) - zero_point
    return real + tf.stop_gradient(exact - real)
