"""Micro front end: the law that the C++ in firmware/src/frontend/micro equals bit for bit.

It gives the integers of TensorFlow's experimental microfrontend library, its overflows included. ``>>`` is the
arithmetic shift (floor), int16 wraps. A frame goes through:

1. Window: w = pcm * window_q12 >> 12. p = bits of the largest |w|, -32768 left out; w is shifted left by 15 - p.
2. Complex DFT of 256 points over (even, odd) samples, decimation in time: four stages of radix 4 that quarter first
   (times 8191 in Q15), turn by Q15 twiddles, round after every product, and keep int16.
3. Real split to X[k], k = first_bin .. , halved twice. Energies are below 2^31: half a sum of 32766 and 32768 at most.
4. Bands from Q12 weights: a bin gives w to one band and 1 - w to the next. The sums are below 2^48.
5. Square root, rounded, except that roots of less than 2^32 stop at 65535; shifted right by 15 - p.
6. Noise reduction: a channel's noise estimate is a first-order low pass of its signal; the signal less the estimate
   remains, but a share of it at least.
7. Gain control: a gain by table from the noise estimate, the ratio squared where it is less than 2.
8. Natural logarithm by a table of 128 intervals, between which the library hardly interpolates: its product is shifted
   by 16 bits where 9 would be right.
9. int8: one multiplication, one offset and one shift, saturated.

Noise estimates are the state that frames share: unlike the MFCC, a frame depends on all since the reset.
"""

import functools

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.frontend.micro_config import (
    FFT_SIZE,
    LARGEST_LOG,
    LOG_COEFFICIENT,
    LOG_SCALE,
    STAGES,
    MicroFrontendConfig,
    quantized,
)
from kws_reference.frontend.micro_tables import (
    CORRECTION_BITS,
    FFT_POINTS,
    GAIN_FRACTION_BITS,
    LOG_SEGMENT_BITS,
    SHRUNK_BITS,
    SMOOTHING_FRACTION_BITS,
    SNR_BITS,
    WEIGHT_BITS,
    WINDOW_BITS,
    MicroTables,
    gain_of,
    micro_tables,
)

_CHUNK_FRAMES = 128  # keeps the int32 arrays of a chunk in the second-level cache
_QUARTER, _HALF = 32767 // 4, 32767 // 2  # in Q15
_WORD = 0xFFFFFFFF


class Micro:
    """The front end over whole recordings, each from a reset state.

    Args:
      config: front end parameters.
    """

    def __init__(self, config: MicroFrontendConfig):
        self.config = config
        self.tables = micro_tables(config)

    def frames(self, pcm: np.ndarray) -> np.ndarray:
        """Computes the features of every whole frame.

        Args:
          pcm: int16 [..., n].

        Returns:
          int8 [..., frames, channels]; zero frames when n < window_samples.

        Raises:
          KwsError: ``pcm`` is not int16.
        """
        return quantized(self.logs(pcm), self.config)

    def logs(self, pcm: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
        """Returns what `frames` quantizes, the library's output: uint16 [..., frames, channels].

        Args:
          pcm: int16 [..., n].
          noise: noise estimates, int64 [..., channels], carried on in place. Left out: those of a reset.
        """
        pcm = np.asarray(pcm)
        if pcm.dtype != np.int16 or pcm.ndim < 1:
            raise KwsError(f"front end: PCM must be an int16 array. Received: {pcm.dtype}, {pcm.ndim} dimensions.")
        shape = (*pcm.shape[:-1], self.config.frame_count(pcm.shape[-1]), self.config.channels)
        if 0 in shape:
            return np.zeros(shape, np.uint16)
        windows = np.lib.stride_tricks.sliding_window_view(pcm, self.config.window_samples, axis=-1)
        flat = windows[..., :: self.config.hop_samples, :].reshape(-1, self.config.window_samples)
        signal = np.empty((len(flat), self.config.channels), np.int64)
        for first in range(0, len(flat), _CHUNK_FRAMES):
            chunk = slice(first, first + _CHUNK_FRAMES)
            signal[chunk] = magnitudes(*energies(flat[chunk], self.tables), self.tables)
        if noise is None:
            noise = np.zeros((*shape[:-2], self.config.channels), np.int64)
        return self._of_channels(signal.reshape(shape), noise)[-1]

    def stages(self, pcm: np.ndarray) -> tuple[np.ndarray, ...]:
        """Computes what each of `micro_config.STAGES` does, for who looks for the one that differs.

        Args:
          pcm: int16 [n].

        Returns:
          int64 [frames, values of the stage], all below 2^32; of noise reduction each channel's estimate and signal.
        """
        config, frames = self.config, self.config.frame_count(len(pcm))
        if frames == 0:
            return tuple(np.zeros((0, 0), np.int64) for _ in STAGES)
        windows = np.lib.stride_tricks.sliding_window_view(pcm, config.window_samples)[:: config.hop_samples]
        energy, shift = energies(windows, self.tables)
        signal = magnitudes(energy, shift, self.tables)
        estimates, less, controlled, logs = self._of_channels(signal, np.zeros(config.channels, np.int64))
        noise = np.stack([estimates, less], axis=-1).reshape(frames, -1)
        return energy.T, signal, noise, controlled, logs.astype(np.int64)

    def _of_channels(self, signal: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, ...]:
        """Noise estimates, the signal without noise, the same with its gain controlled, and the logarithm."""
        estimates = noise_estimates(signal, noise, self.tables)
        less = reduced(signal, estimates, self.tables)
        controlled = normalised(less, estimates, self.tables) if self.config.gain_control else less
        return estimates, less, controlled, log_scaled(controlled, self.tables)


class MicroStream:
    """The front end over a stream that arrives in pieces of any size.

    Args:
      config: front end parameters.
    """

    def __init__(self, config: MicroFrontendConfig):
        self._micro = Micro(config)
        self.reset()

    def reset(self) -> None:
        """Forgets all samples and the noise."""
        self._rest = np.zeros(0, np.int16)
        self._noise = np.zeros(self._micro.config.channels, np.int64)

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """Takes the next samples, int16 [n], and returns the frames that they complete, int8 [frames, channels]."""
        pcm = np.asarray(pcm)
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise KwsError(f"front end: PCM must be int16 [n]. Received: {pcm.dtype}, {pcm.ndim} dimensions.")
        pending = np.concatenate([self._rest, pcm])
        logs = self._micro.logs(pending, self._noise)
        self._rest = pending[len(logs) * self._micro.config.hop_samples :]
        return quantized(logs, self._micro.config)


def energies(windows: np.ndarray, t: MicroTables) -> tuple[np.ndarray, np.ndarray]:
    """Windows, scales and transforms frames.

    Args:
      windows: int16 [frames, window_samples].
      t: tables.

    Returns:
      Energies of the bins from ``first_bin`` on, int64 [bins, frames], below 2^31, and each frame's left shift.
    """
    windowed = ((windows.T.astype(np.int32) * t.window_q12[: windows.shape[1], None]) >> WINDOW_BITS).astype(np.int16)
    shift = 15 - _bit_length(np.abs(windowed).max(axis=0, initial=0).astype(np.int64))  # |-32768| is -32768
    samples = np.zeros((FFT_SIZE, len(windows)), np.int16)  # frames side by side, here and in the transform
    samples[: len(windowed)] = windowed.astype(np.int32) << shift
    bins = slice(t.first_bin, t.first_bin + len(t.weight_q12))
    return np.square(_real_split(_complex_dft(samples, t), t)[:, bins]).sum(axis=0), shift


def magnitudes(energy: np.ndarray, shift: np.ndarray, t: MicroTables) -> np.ndarray:
    """Returns the scaled magnitude of each channel, int64 [frames, channels], from the results of `energies`."""
    # Exact: products and sums stay below 2^53, and float matrix products are fast.
    sums = (_weights(t.config).T @ energy.astype(np.float64)).astype(np.int64)
    return (_root(sums) >> shift).T


def noise_estimates(signal: np.ndarray, noise: np.ndarray, t: MicroTables) -> np.ndarray:
    """Follows the noise in each channel.

    Args:
      signal: int64 [..., frames, channels], from `magnitudes`.
      noise: estimates before, int64 [..., channels]; those after the last frame are put in their place.
      t: tables.

    Returns:
      Estimates after each frame, with ``smoothing_bits`` fractional bits, int64 [..., frames, channels].
    """
    smoothing = np.where(np.arange(t.config.channels) % 2, t.odd_smoothing, t.even_smoothing)
    news = ((signal << t.config.smoothing_bits) & _WORD) * smoothing
    old = (1 << SMOOTHING_FRACTION_BITS) - smoothing
    estimates = np.empty_like(signal)
    for frame in range(signal.shape[-2]):
        noise *= old
        noise += news[..., frame, :]
        noise >>= SMOOTHING_FRACTION_BITS
        estimates[..., frame, :] = noise
    return estimates


def reduced(signal: np.ndarray, estimates: np.ndarray, t: MicroTables) -> np.ndarray:
    """Takes the noise off the signal, both int64 [..., channels]; a share of the signal remains."""
    scaled = (signal << t.config.smoothing_bits) & _WORD
    floor = (signal * t.min_signal_remaining) >> SMOOTHING_FRACTION_BITS
    return np.maximum((scaled - np.minimum(estimates, scaled)) >> t.config.smoothing_bits, floor)


def normalised(signal: np.ndarray, estimates: np.ndarray, t: MicroTables) -> np.ndarray:
    """Ratio of signal and noise with 6 fractional bits, squared and less 1 where that is smaller, int64."""
    bits = _bit_length(estimates)
    fraction = np.where(bits < 11, estimates << np.maximum(11 - bits, 0), estimates >> np.maximum(bits - 11, 0))
    gain = gain_of(t.gain[bits], fraction & ((1 << GAIN_FRACTION_BITS) - 1))
    snr = ((signal * gain) >> t.snr_shift) & _WORD
    squared = np.square(np.minimum(snr, 2 << SNR_BITS)) >> (2 + 2 * SNR_BITS - SHRUNK_BITS)
    return np.where(snr < 2 << SNR_BITS, squared, (snr >> (SNR_BITS - SHRUNK_BITS)) - (1 << SHRUNK_BITS))


def log_scaled(signal: np.ndarray, t: MicroTables) -> np.ndarray:
    """Natural logarithm of 8 times the signal in units of 2^-log_scale_shift, 0 for less than 2: uint16."""
    value = (signal << CORRECTION_BITS) & _WORD
    whole = _bit_length(value) - 1
    fraction = value - (1 << np.maximum(whole, 0))
    fraction = np.where(whole < 16, fraction << np.clip(16 - whole, 0, 16), fraction >> np.maximum(whole - 16, 0))
    fraction &= LOG_SCALE - 1
    segment = fraction >> (16 - LOG_SEGMENT_BITS)
    table = t.log2_q16.astype(np.int64)
    between = np.diff(table)[segment] * (fraction - (segment << (16 - LOG_SEGMENT_BITS)))
    log2_q16 = (whole << 16) + fraction + table[segment] + (between >> 16)
    natural = (LOG_COEFFICIENT * log2_q16 + LOG_SCALE // 2) >> 16
    scaled = ((natural << t.config.log_scale_shift) + LOG_SCALE // 2) >> 16
    return np.where(value > 1, np.minimum(scaled, LARGEST_LOG), 0).astype(np.uint16)


def _rounded(product: np.ndarray) -> np.ndarray:
    """Rounds Q15 products in place, half up; as int16 where they may wrap."""
    product += 1 << 14
    product >>= 15
    return product


def _complex_dft(samples: np.ndarray, t: MicroTables) -> np.ndarray:
    """Transforms int16 [fft_size, frames], even samples real and odd ones imaginary, to int16 [2, 256, frames].

    Before a stage, x[:, k, n] is bin k of the transform of every (256 / span)-th point from point n on; a stage joins
    n, n + N, n + 2 N and n + 3 N, N = 64 / span. Points stay in order, and one twiddle serves all n and frames.
    """
    frames, span = samples.shape[1], 1
    x = samples.reshape(FFT_POINTS, 2, frames).transpose(1, 0, 2)
    while span < FFT_POINTS:
        x = _rounded(x.reshape(2, span, 4, -1).astype(np.int32) * _QUARTER)
        twiddle = t.twiddle_q15[: 3 * FFT_POINTS // 4].astype(np.int32)
        step = FFT_POINTS // (4 * span)
        legs = [x[:, :, q] if q == 0 else _turned(x[:, :, q], twiddle[: q * span * step : q * step]) for q in range(4)]
        s, t2, u, v = legs[0] + legs[2], legs[0] - legs[2], legs[1] + legs[3], legs[1] - legs[3]
        out = np.empty((2, 4, *s.shape[1:]), np.int16)
        out[:, 0] = s + u
        out[0, 1], out[1, 1] = t2[0] + v[1], t2[1] - v[0]
        out[:, 2] = s - u
        out[0, 3], out[1, 3] = t2[0] - v[1], t2[1] + v[0]
        x, span = out, 4 * span
    return x.reshape(2, FFT_POINTS, frames)


def _turned(z: np.ndarray, twiddle: np.ndarray) -> np.ndarray:
    """Products of complex int32 [2, k, ...] and twiddles [k, 2], rounded."""
    cos, sin = twiddle.T[:, :, None]
    return np.stack([_rounded(z[0] * cos - z[1] * sin), _rounded(z[0] * sin + z[1] * cos)])


def _real_split(z: np.ndarray, t: MicroTables) -> np.ndarray:
    """Spectrum of the real samples, int64 [2, 256, frames], from `_complex_dft`; bin 0 is not computed."""
    middle = FFT_POINTS // 2
    lower, upper = z[:, 1 : middle + 1].copy(), z[:, : middle - 1 : -1].copy()
    np.negative(upper[1], out=upper[1])  # -32768 stays
    lower, upper = (_rounded(half.astype(np.int32) * _HALF) for half in (lower, upper))
    total, turned = lower + upper, _turned(lower - upper, t.split_q15.astype(np.int32)).astype(np.int16)
    out = np.zeros((2, FFT_POINTS, z.shape[2]), np.int64)
    out[:, 1 : middle + 1] = (total + turned) >> 1
    mirror = out[:, : middle - 1 : -1]  # the middle bin is its own, and this is what the library leaves there
    mirror[0], mirror[1] = (total[0] - turned[0]) >> 1, (turned[1] - total[1]) >> 1
    return out


@functools.lru_cache(maxsize=16)
def _weights(config: MicroFrontendConfig) -> np.ndarray:
    """Weights of each used bin in each channel, Q12 integers as float64 [bins, channels]."""
    t = micro_tables(config)
    segment = np.repeat(np.arange(config.channels + 1), t.segment_bins)
    weights = np.zeros((len(segment), config.channels + 2))
    weights[np.arange(len(segment)), segment] = t.weight_q12  # column c + 1 is channel c
    weights[np.arange(len(segment)), segment + 1] = (1 << WEIGHT_BITS) - t.weight_q12
    return np.ascontiguousarray(weights[:, 1:-1])


def _root(value: np.ndarray) -> np.ndarray:
    """Square roots of int64 below 2^48, rounded; the library's for 32 bits ends at 65535."""
    root = np.sqrt(value.astype(np.float64)).astype(np.int64)  # exact floor: the values have fewer bits than a double
    root += value - root * root > root
    return np.where(value >> 32 == 0, np.minimum(root, 0xFFFF), root)


def _bit_length(value: np.ndarray) -> np.ndarray:
    """Bits of non-negative integers below 2^53, exact; 0 of 0."""
    return np.frexp(value.astype(np.float64))[1].astype(np.int64)
