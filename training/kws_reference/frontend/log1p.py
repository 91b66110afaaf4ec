"""``log1pf`` as C libraries compute it, operation by operation, so that tables are the same on every machine."""

import numpy as np

_F32 = np.float32
_LN2_HIGH, _LN2_LOW = _F32(6.9313812256e-01), _F32(9.0580006145e-06)
_SERIES = tuple(
    map(
        _F32,
        (
            6.6666668653e-01,
            4.0000000596e-01,
            2.8571429849e-01,
            2.2222198546e-01,
            1.8183572590e-01,
            1.5313838422e-01,
            1.4798198640e-01,
        ),
    )
)
_NO_REDUCTION = _F32(np.uint32(0x3ED413D7).view(np.float32))  # sqrt(2) - 1
_SQRT2_FRACTION = 0x3504F7


def log1p(x: np.ndarray) -> np.ndarray:
    """Returns ln(1 + x) by the algorithm of fdlibm (Sun Microsystems), which is not always rounded to the nearest.

    glibc up to 2.40, musl and newlib have it; later glibc rounds to the nearest, which moves weights of the micro front
    end.

    Args:
      x: float32, 0 to 2^24.

    Returns:
      float32 of the same shape.
    """
    x = np.asarray(x, _F32)
    one = _F32(1)
    u = one + x
    bits = u.view(np.uint32).astype(np.int64)
    k = (bits >> 23) - 127
    c = np.where(k > 0, one - (u - x), x - (u - one)) / u  # what the sum lost
    fraction = bits & 0x7FFFFF
    upper = fraction >= _SQRT2_FRACTION
    k += upper
    f = np.where(upper, fraction | 0x3F000000, fraction | 0x3F800000).astype(np.uint32).view(_F32) - one
    small = x < _NO_REDUCTION
    f, c, k = np.where(small, x, f), np.where(small, _F32(0), c), np.where(small, 0, k).astype(_F32)
    half_square = _F32(0.5) * f * f
    s = f / (_F32(2) + f)
    z = s * s
    series = np.zeros_like(z)
    for factor in reversed(_SERIES):
        series = z * (factor + series)
    result = k * _LN2_HIGH - ((half_square - (s * (half_square + series) + (k * _LN2_LOW + c))) - f)
    result = np.where(small, f - (half_square - s * (half_square + series)), result)
    return np.where(x < _F32(2**-15), x - x * x * _F32(0.5), result)
