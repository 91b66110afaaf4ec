"""Depthwise convolution in time: Keras's numbers, and a gradient that takes a fraction of its time."""

import keras
import tensorflow as tf

_OPTIONS = {"strides": [1, 1, 1, 1], "padding": "VALID"}


def can_convolve(cell: keras.layers.Layer, inputs: tf.Tensor) -> bool:
    """Whether `convolve` computes this layer on this input: no stride, no bias, one filter for each channel."""
    return (
        type(cell) is keras.layers.DepthwiseConv1D
        and isinstance(inputs, tf.Tensor)
        and cell.padding == "valid"
        and cell.strides == (1,)
        and cell.depth_multiplier == 1
        and not cell.use_bias
        and cell.activation is keras.activations.linear
        and (cell.dilation_rate == (1,) or (inputs.shape[1] or 1) % cell.dilation_rate[0] == 0)
    )


def convolve(inputs: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """Depthwise convolution without padding.

    Args:
      inputs: ``[batch, time, channels]``; time is a multiple of `dilation`.
      kernel: ``[taps, channels, 1]``.
      dilation: distance of the taps.

    Returns:
      ``[batch, time - (taps - 1) * dilation, channels]``
    """
    batch, time, channels = tf.shape(inputs)[0], inputs.shape[1], inputs.shape[2]
    if dilation == 1:
        return tf.squeeze(_undilated(inputs[:, None], kernel[None]), 1)
    phases = tf.reshape(inputs, (batch, time // dilation, dilation, channels))
    rows = tf.nn.depthwise_conv2d(phases, kernel[:, None], (1, 1, 1, 1), "VALID")
    return tf.reshape(rows, (batch, time - (kernel.shape[0] - 1) * dilation, channels))


@tf.custom_gradient
def _undilated(inputs: tf.Tensor, kernel: tf.Tensor):
    """``[batch, 1, time, channels]`` with ``[1, taps, channels, 1]``; the filter gradient has time as rows."""
    outputs = tf.raw_ops.DepthwiseConv2dNative(input=inputs, filter=kernel, **_OPTIONS)

    def gradient(upstream: tf.Tensor):
        of_inputs = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
            input_sizes=tf.shape(inputs), filter=kernel, out_backprop=upstream, **_OPTIONS
        )
        _, taps, channels, _ = kernel.shape
        of_kernel = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
            input=_as_rows(inputs), filter_sizes=[taps, 1, channels, 1], out_backprop=_as_rows(upstream), **_OPTIONS
        )
        return of_inputs, tf.reshape(of_kernel, kernel.shape)

    return outputs, gradient


def _as_rows(tensor: tf.Tensor) -> tf.Tensor:
    batch, _, time, channels = tf.unstack(tf.shape(tensor))
    return tf.reshape(tensor, (batch, time, 1, channels))
