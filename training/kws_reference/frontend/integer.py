"""Integer MFCC and log-mel front ends: the law that the C++ in firmware/src/frontend/mfcc equals bit for bit.

Everything is integer arithmetic with defined rounding; ``>>`` is the arithmetic shift (floor). Where there is
preemphasis a of 15 fractional bits, each sample x[n] becomes (2^15 x[n] - a x[n - 1] + 2^14) >> 15, saturated to int16;
x[-1] is 0. A frame goes through:

1. Block scaling. p = bits of the frame's largest sample (-2^p <= pcm < 2^p), shift = 9 - p, so that a windowed sample
   stays within +-2^25 after the shift.
2. Window. w = (pcm * hann_q16) shifted left by ``shift`` (right when negative).
3. Complex DFT of M = fft_size / 2 points over (even, odd) samples, decimation in time: one stage without twiddles of
   radix 4 (radix 2 where M is not a power of 4; growth 4 or 2), then radix-4 stages that multiply by Q31 twiddles with
   `_mulr`, which halves (growth 2). Bound: |z| <= 2^25.5 grows to at most 2^25.5 * 2^5 = 2^30.5, within int32.
4. Real split to X[k] / 2, k = 1 .. M - 1, within +-2^30. X[0] and X[M] never carry mel weight.
5. Magnitude with 2 fractional bits: 64-bit power (below 2^58: Hann's mean is 1/2, and sign patterns reach at most 3/4
   of it off DC and Nyquist), normalised to 32 bits, table square root of 96 intervals with linear interpolation.
6. Mel bands from Q16 weights: a bin gives w to one band and 1 - w to the one below. 64-bit sums.
7. log2 by a table of 64 intervals with linear interpolation, the block's exponent taken off, floored at log2(1), Q10.
8. Bands folded to sums and differences (int16, 13.0 taken off so that they fit), int16 DCT-II, 64-bit sums.
9. int8: one multiplication, one offset and one shift per coefficient, saturated.

Log-mel leaves step 8 out: the bands' logarithms, 13.0 taken off, with 12 more fractional bits, are what step 9 takes.
"""

import functools
from collections.abc import Callable

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.frontend.config import LOG_MEL, FrontendConfig
from kws_reference.frontend.tables import (
    DCT_PRE_SHIFT,
    LOG2_INDEX_BITS,
    LOG_FRACTION_BITS,
    LOG_MEL_BITS,
    LOG_OFFSET_Q10,
    SQRT_INDEX_BITS,
    WINDOWED_BITS,
    FrontendTables,
    tables_of,
)

_CHUNK_FRAMES = 128  # keeps the int64 arrays of a chunk in the second-level cache


class Mfcc:
    """The front end over whole recordings.

    Args:
      config: front end parameters with feature_mean and feature_std.
      zero_point: the bundle's ``features.zero_point``.
    """

    def __init__(self, config: FrontendConfig, zero_point: int = 0):
        self.config = config
        self.tables = tables_of(config, zero_point)

    def frames(self, pcm: np.ndarray) -> np.ndarray:
        """Computes the features of every whole frame.

        Args:
          pcm: int16 [..., n].

        Returns:
          int8 [..., frames, coefficients]; zero frames when n < window_samples.

        Raises:
          KwsError: ``pcm`` is not int16.
        """
        return self._frames(self._preemphasised(pcm))

    def _frames(self, pcm: np.ndarray) -> np.ndarray:
        """`frames` of samples that are preemphasised already."""
        t = self.tables
        if self.config.kind == LOG_MEL:
            return self._each_chunk(self._windows(pcm), lambda w: quantize_log_mel(log_mel_q10(w, t), t))
        return self._each_chunk(self._windows(pcm), lambda w: quantize(dct_sums(log_mel_q10(w, t), t), t))

    def mfcc(self, pcm: np.ndarray) -> np.ndarray:
        """Returns what `frames` quantizes, in units of the float definition: float64 [..., frames, coefficients]."""
        windows = self._windows(self._preemphasised(pcm))
        if self.config.kind == LOG_MEL:
            return self._each_chunk(windows, lambda w: log_mel_q10(w, self.tables)) * 2.0**-LOG_FRACTION_BITS
        scale = 2.0 ** -(LOG_FRACTION_BITS + self.tables.dct_bits)
        offset = LOG_OFFSET_Q10 * _fold_ones(self.tables)
        sums = self._each_chunk(windows, lambda w: dct_sums(log_mel_q10(w, self.tables), self.tables))
        return (sums + offset) * scale

    def _preemphasised(self, pcm: np.ndarray) -> np.ndarray:
        pcm = np.asarray(pcm)
        if pcm.dtype != np.int16 or pcm.ndim < 1:
            raise KwsError(f"front end: PCM must be an int16 array. Received: {pcm.dtype}, {pcm.ndim} dimensions.")
        return preemphasis(pcm, np.zeros_like(pcm[..., :1]), self.config.preemphasis_q15)

    def _windows(self, pcm: np.ndarray) -> np.ndarray:
        if self.config.frame_count(pcm.shape[-1]) == 0:
            return np.zeros((*pcm.shape[:-1], 0, self.config.window_samples), np.int16)
        windows = np.lib.stride_tricks.sliding_window_view(pcm, self.config.window_samples, axis=-1)
        return windows[..., :: self.config.hop_samples, :]

    def _each_chunk(self, windows: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        shape = windows.shape[:-1]
        flat = windows.reshape(-1, windows.shape[-1])
        parts = [function(flat[first : first + _CHUNK_FRAMES]) for first in range(0, len(flat), _CHUNK_FRAMES)]
        out = np.concatenate(parts) if parts else np.zeros((0, self.config.coefficients), np.int8)
        return out.reshape(*shape, self.config.coefficients)


class MfccStream:
    """The front end over a stream that arrives in pieces of any size.

    Args:
      config: front end parameters with feature_mean and feature_std.
      zero_point: the bundle's ``features.zero_point``.
    """

    def __init__(self, config: FrontendConfig, zero_point: int = 0):
        self._mfcc = Mfcc(config, zero_point)
        self.reset()

    def reset(self) -> None:
        """Forgets all samples."""
        self._rest = np.zeros(0, np.int16)
        self._last = np.zeros(1, np.int16)

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """Takes the next samples, int16 [n], and returns the frames that they complete, int8 [frames, coefficients]."""
        pcm = np.asarray(pcm)
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise KwsError(f"front end: PCM must be int16 [n]. Received: {pcm.dtype}, {pcm.ndim} dimensions.")
        filtered = preemphasis(pcm, self._last, self._mfcc.config.preemphasis_q15)
        self._last = np.concatenate([self._last, pcm])[-1:]
        pending = np.concatenate([self._rest, filtered])
        frames = self._mfcc._frames(pending)
        self._rest = pending[len(frames) * self._mfcc.config.hop_samples :]
        return frames


def preemphasis(pcm: np.ndarray, last: np.ndarray, share_q15: int) -> np.ndarray:
    """Takes a share of the sample before off each sample.

    Args:
      pcm: int16 [..., n].
      last: the sample before the first, int16 [..., 1].
      share_q15: 0 to 32767; 0 leaves the samples as they are.

    Returns:
      int16 [..., n], saturated.
    """
    if not share_q15:
        return pcm
    before = np.concatenate([last, pcm], axis=-1)[..., :-1]
    # Within 32 bits: 2^15 * (2^15 - 1) + 32767 * 2^15 + 2^14 < 2^31.
    value = ((pcm.astype(np.int32) << 15) - share_q15 * before.astype(np.int32) + (1 << 14)) >> 15
    return np.clip(value, -32768, 32767).astype(np.int16)


def block_shift(windows: np.ndarray) -> np.ndarray:
    """Returns each frame's left shift, int64 [frames], -6 to 9, from int16 [frames, window_samples]."""
    # Bit i of x ^ (x << 1) says that bits i and i - 1 differ: the highest is the magnitude's length.
    bits = np.bitwise_or.reduce((windows ^ (windows << 1)).view(np.uint16), axis=-1) | 1
    return (WINDOWED_BITS - 16) - (_bit_length(bits.astype(np.int64)) - 1)


def spectrum(windows: np.ndarray, t: FrontendTables) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows, scales and transforms frames.

    Args:
      windows: int16 [frames, window_samples].
      t: tables.

    Returns:
      Real and imaginary parts, int64 [frames, M], of X / 2^scale_bits times 2^(16 + shift); bin 0 is not meaningful.
      Upper half's imaginary parts have the opposite sign, which the magnitude does not see. And ``shift`` [frames].
    """
    shift = block_shift(windows)
    # shift + 6 = 15 - p brings each frame to the full range of int16, so that its products fit int32.
    windowed = np.zeros((t.config.fft_size, len(windows)), np.int32)  # frames side by side, here and in the transform
    used = windowed[: windows.shape[1]]
    used[:] = windows.T
    used <<= (shift + 6).astype(np.int32)
    used *= t.hann_q16[: len(used), None].astype(np.int32)
    used >>= 6
    real, imag = _real_split(_complex_dft(windowed, t), t)
    return real.T, imag.T, shift


def magnitude_q2(real: np.ndarray, imag: np.ndarray, t: FrontendTables) -> np.ndarray:
    """Returns 4 |real + j imag| by table, int64, for parts within +-2^29; 0 is taken for 1."""
    power = real * real
    power += imag * imag
    power |= power < 1 << 32
    # An even shift s brings the power to 2^62 .. 2^64, of which the upper 32 bits are used.
    s = 64 - _bit_length(power)
    s &= ~1
    v = power.view(np.uint64)
    v <<= s.view(np.uint64)
    v >>= np.uint64(32)
    v = v.view(np.int64)
    index = v >> (32 - SQRT_INDEX_BITS)
    index -= 32
    table = t.sqrt_q31.astype(np.int64)
    root = np.diff(table)[index]
    v <<= SQRT_INDEX_BITS
    v &= 0xFFFFFFFF  # position between two entries
    root *= v
    root >>= 32
    root += table[index]
    s >>= 1
    s -= 3
    root >>= s
    return root


def log_mel_q10(windows: np.ndarray, t: FrontendTables) -> np.ndarray:
    """Returns log2 of the mel bands, Q10, 0 or more, int64 [frames, mel_bands], from int16 [frames, window_samples]."""
    real, imag, shift = spectrum(windows, t)
    bins = len(t.mel_weight_q16)
    used = slice(t.mel_first_bin, t.mel_first_bin + bins)
    magnitude = magnitude_q2(real[:, used], imag[:, used], t)
    # Exact: products and sums stay below 2^53, and float matrix products are fast.
    energy = (magnitude.astype(np.float64) @ _mel_weights(t.config)).astype(np.int64)
    # Magnitude 1.0 in units of PCM is 2^(16 + shift - scale_bits + 2), and weights add 16 bits.
    one = 34 - t.scale_bits + shift[:, None]
    energy = np.maximum(energy, 1)
    length = _bit_length(energy)
    v = energy << np.maximum(32 - length, 0)
    v >>= np.maximum(length - 32, 0)
    index = (v >> (31 - LOG2_INDEX_BITS)) - (1 << LOG2_INDEX_BITS)
    table = t.log2_q15.astype(np.int64)
    fraction = (v >> (15 - LOG2_INDEX_BITS)) & 0xFFFF
    log_q15 = ((length - 1 - one) << 15) + table[index] + ((np.diff(table)[index] * fraction) >> 16)
    return np.maximum((log_q15 + 16) >> (15 - LOG_FRACTION_BITS), 0)


def dct_sums(log_q10: np.ndarray, t: FrontendTables) -> np.ndarray:
    """Returns the DCT's 64-bit sums, int64 [frames, coefficients], from `log_mel_q10`."""
    half = t.config.mel_bands // 2
    log_q10 = log_q10 - LOG_OFFSET_Q10
    low, high = log_q10[:, :half], log_q10[:, : half - 1 : -1]
    out = np.empty((len(log_q10), t.config.coefficients), np.int64)
    dct = t.dct[:, :half].astype(np.float64)  # exact: the sums stay below 2^53, and float matrix products are fast
    out[:, 0::2] = ((low + high).astype(np.float64) @ dct[0::2].T).astype(np.int64)
    out[:, 1::2] = ((low - high).astype(np.float64) @ dct[1::2].T).astype(np.int64)
    return out


def quantize(sums: np.ndarray, t: FrontendTables) -> np.ndarray:
    """Normalises the DCT's sums, int64 [frames, coefficients], to int8 features."""
    return _normalised(sums >> DCT_PRE_SHIFT, t)


def quantize_log_mel(log_q10: np.ndarray, t: FrontendTables) -> np.ndarray:
    """Normalises `log_mel_q10`, int64 [frames, mel_bands], to int8 features."""
    return _normalised((log_q10 - LOG_OFFSET_Q10) << LOG_MEL_BITS, t)


def _normalised(value: np.ndarray, t: FrontendTables) -> np.ndarray:
    scaled = t.multiplier.astype(np.int64) * value + t.offset
    return np.clip(scaled >> (32 + t.shift.astype(np.int64)), -128, 127).astype(np.int8)


def _mulr(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Upper 32 bits of the 64-bit product, rounded half up: SMMULR and VRMULH of Arm cores."""
    product = a * b
    product += 1 << 31
    product >>= 32
    return product


def _complex_dft(samples: np.ndarray, t: FrontendTables) -> np.ndarray:
    """Transforms int32 [fft_size, frames], even samples real and odd ones imaginary, to int64 [2, M, frames].

    Before a stage, x[:, k, n] is bin k of the transform of every (M / span)-th point from point n on; a stage of radix
    4 joins n, n + N, n + 2 N and n + 3 N, N = M / (4 span). Points stay in order, and one twiddle serves all n and
    frames, which are next to each other in memory.
    """
    frames, points, span = samples.shape[1], t.config.fft_size // 2, t.first_radix
    x = samples.reshape(span, points // span, 2, frames).transpose(2, 0, 1, 3)
    if span == 4:
        x = _butterfly(*x.swapaxes(0, 1))
    else:
        x = np.stack([x[:, 0] + x[:, 1], x[:, 0] - x[:, 1]], axis=1)
    x = x.astype(np.int64)
    while span < points:
        x = x.reshape(2, span, 4, -1)
        twiddle = t.twiddle_q31[:: points // (4 * span)].astype(np.int64)[:, :, None]
        legs = [x[:, :, 0] >> 1]
        legs += [_turned(x[:, :, q], twiddle[:, 2 * q - 2], twiddle[:, 2 * q - 1]) for q in (1, 2, 3)]
        x = _butterfly(*legs)
        span *= 4
    return x.reshape(2, points, frames)


def _turned(z: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """z (cos - j sin) / 2 of complex numbers [2, ...], each product rounded."""
    out = _mulr(z, cos)
    out += _mulr(z[::-1], np.stack([sin, -sin]))
    return out


def _butterfly(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Transforms of four points: complex [2, ...] each, result [2, 4, ...]."""
    s, t, u, v = a + c, a - c, b + d, b - d
    out = np.empty((2, 4, *a.shape[1:]), a.dtype)
    np.add(s, u, out=out[:, 0])
    np.add(t[0], v[1], out=out[0, 1])
    np.subtract(t[1], v[0], out=out[1, 1])
    np.subtract(s, u, out=out[:, 2])
    np.subtract(t[0], v[1], out=out[0, 3])
    np.add(t[1], v[0], out=out[1, 3])
    return out


def _real_split(z: np.ndarray, t: FrontendTables) -> np.ndarray:
    """Half the spectrum of the real samples, from `_complex_dft`'s int64 [2, M, frames]; works in place."""
    points = z.shape[1]
    z >>= 1  # bins 0 (not used) and M / 2 (its own mirror) are done
    lower, upper = z[:, 1 : points // 2], z[:, : points // 2 : -1]
    cos, sin = t.split_q31[1:].astype(np.int64).T[:, :, None]
    ar, ai = lower[0] + upper[0], lower[1] - upper[1]
    br, bi = lower[0] - upper[0], lower[1] + upper[1]
    ar >>= 1
    ai >>= 1
    p = _mulr(bi, cos)
    p += _mulr(br, -sin)
    q = _mulr(br, cos)
    q += _mulr(bi, sin)
    np.add(ar, p, out=lower[0])
    np.subtract(ai, q, out=lower[1])
    np.subtract(ar, p, out=upper[0])
    np.add(ai, q, out=upper[1])
    return z


@functools.lru_cache(maxsize=16)
def _mel_weights(config: FrontendConfig) -> np.ndarray:
    """Weights of each used bin in each band, Q16 integers as float64 [bins, mel_bands]."""
    t = tables_of(config)
    segment = np.repeat(np.arange(config.mel_bands + 1), t.mel_segment_bins)
    weights = np.zeros((len(segment), config.mel_bands + 2))
    weights[np.arange(len(segment)), segment + 1] = t.mel_weight_q16  # column b + 1 is band b
    weights[np.arange(len(segment)), segment] = 65536.0 - t.mel_weight_q16
    return np.ascontiguousarray(weights[:, 1:-1])


def _fold_ones(t: FrontendTables) -> np.ndarray:
    ones = 2 * t.dct.astype(np.int64).sum(axis=1)
    ones[1::2] = 0
    return ones


def _bit_length(value: np.ndarray) -> np.ndarray:
    """Bits of positive integers below 2^63, exact."""
    bits = value >> 1
    bits &= value
    bits ^= value  # begins with 10 as value is as long: rounded to float64 it stays below the next power of two
    length = bits.astype(np.float64).view(np.int64)
    length >>= 52  # the exponent
    length -= 1022
    return length
