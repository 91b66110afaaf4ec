"""What CMSIS-NN 4.0.0 needs for a layer: the twins of its ``..._wrapper_s8_get_buffer_size`` functions.

A generated engine runs on any core, so each size is the largest of those of plain C, DSP and Helium. Tests compare them
with CMSIS-NN's own answers on all three.
"""

_CHANNEL_BLOCK = 124
"""``CH_IN_BLOCK_MVE``."""


def conv_scratch_bytes(geometry: dict[str, int]) -> int:
    """Working memory of ``arm_convolve_wrapper_s8``.

    Args:
      geometry: of `passes._Lowering._geometry`: sizes, padding and dilation by ``in_c``, ``kernel_h``, ``pad_h``, ...
    """
    g = geometry
    one_tap = g["kernel_h"] == g["kernel_w"] == 1
    if one_tap and g["pad_h"] == g["pad_w"] == 0 and g["dilation_h"] == g["dilation_w"] == 1:
        return 0  # arm_convolve_1x1_s8 and its fast twin
    column = g["in_c"] * g["kernel_h"] * g["kernel_w"]
    if g["in_h"] == g["kernel_h"] == g["dilation_w"] == 1 and g["out_w"] % 4 == 0:
        return 4 * column  # arm_convolve_1_x_n_s8: two int16 columns, nothing with Helium
    # arm_convolve_s8: two int16 columns, or with Helium four int8 columns of whole vectors.
    return max(4 * column, 4 * 8 * -(-column // 8))


def depthwise_scratch_bytes(geometry: dict[str, int], depth_multiplier: int) -> int:
    """Working memory of ``arm_depthwise_conv_wrapper_s8``; `geometry` as above."""
    g = geometry
    if depth_multiplier != 1 or (g["dilation_h"], g["dilation_w"]) != (1, 1):
        return 0  # arm_depthwise_conv_s8
    taps = g["kernel_h"] * g["kernel_w"]
    return max(2 * g["in_c"] * taps, 4 * _CHANNEL_BLOCK * taps)
