"""Layouts of 4-bit weights in flash: two per byte, so that every core unpacks them with few instructions.

The kernels that read them: ``firmware/src/engine/aot/pointwise_int4.h`` and ``depthwise_int4.h``.
"""

import numpy as np


def pack_rows(weights: np.ndarray) -> np.ndarray:
    """Packs the rows of a matrix in pairs, as `PointwiseInt4` reads them.

    Byte ``[p][i]`` holds input ``i`` of two outputs: ``weights[2p][i] + 8`` in the low half, and ``weights[2p + 1][i]``
    in two's complement in the high half, so that the byte as int8 is ``16 * weights[2p + 1][i] + weights[2p][i] + 8``:
    the dot product of whole bytes is that of both rows, and one mask gives the lower row's.

    Args:
      weights: integer ``[outputs, inputs]``, -8..7. An odd number of outputs is padded with zeros.

    Returns:
      int8 ``[(outputs + 1) // 2, inputs]``.
    """
    low, high = _halves(weights)
    return (16 * high + low + 8).astype(np.int8)


def pack_taps(weights: np.ndarray) -> np.ndarray:
    """Packs the taps of a depthwise convolution in pairs, as `DepthwiseInt4` reads them.

    Byte ``[p][c]`` holds channel ``c`` of two taps, both in two's complement: tap ``2p`` in the low half, tap
    ``2p + 1`` in the high half.

    Args:
      weights: integer ``[taps, channels]``, -8..7. An odd number of taps is padded with zeros.

    Returns:
      int8 ``[(taps + 1) // 2, channels]``.
    """
    low, high = _halves(weights)
    return (16 * high + (low & 15)).astype(np.int8)


def _halves(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.asarray(weights, np.int64)
    if rows.min(initial=0) < -8 or rows.max(initial=0) > 7:
        raise ValueError(f"4-bit weights must be -8..7. Received: {rows.min()}..{rows.max()}.")
    rows = np.pad(rows, [(0, len(rows) % 2), (0, 0)])
    return rows[0::2], rows[1::2]
