"""Constants of the micro front end, all derived from a `MicroFrontendConfig`.

`kws_reference.frontend.micro` computes with them, and kws-codegen writes them for the firmware's C++. The library
derives its tables in single precision, as pymicro-features compiles it, and so are these derived; cosines and powers
are rounded from double precision.
"""

import dataclasses
import functools

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.frontend.log1p import log1p
from kws_reference.frontend.micro_config import FFT_SIZE, LOG_SCALE, MicroFrontendConfig

WINDOW_BITS = 12
WEIGHT_BITS = 12
SMOOTHING_FRACTION_BITS = 14
SNR_BITS = 12
SHRUNK_BITS = 6
FFT_POINTS = FFT_SIZE // 2  # of the complex transform
CORRECTION_BITS = FFT_SIZE.bit_length() - 1 - WEIGHT_BITS // 2
LOG_SEGMENT_BITS = 7
GAIN_ROWS = 33  # lengths of a noise estimate in bits
GAIN_FRACTION_BITS = 10
LARGEST_GAIN = 32767
_F32 = np.float32
_LARGEST_BEND = 32766  # twice it, times 32 * 1023 as in `gain_of`, stays within 32 bits
_ROOT_BITS = 48  # sums of a channel's energies, of which the firmware takes the root
_ENERGY_BITS = 31


@dataclasses.dataclass(frozen=True)
class MicroTables:
    """Every constant of the micro front end, all derived from a `MicroFrontendConfig`.

    Attributes:
      config: what they were derived from.
      window_q12: int16 [window_samples rounded up to a multiple of 8], Hann between samples, 0 to 4096, zeros behind.
      twiddle_q15: int16 [192, 2], (cos, -sin) of 2 pi k / 256; a stage of span L uses every 64/L-th.
      split_q15: int16 [128, 2], (cos, -sin) of pi (k / 256 + 1 / 2), k = 1 .. 128.
      first_bin: first DFT bin with weight.
      segment_bins: uint8 [channels + 1], bins from each band's lower edge to its centre; the last falls only.
      weight_q12: int16 [sum of segment_bins], weight of each bin in the band below, 4096 less it in its own.
      even_smoothing, odd_smoothing, min_signal_remaining: Q14.
      gain: int16 [33, 4], gain as a parabola of the noise estimate, for each length in bits: value at its beginning,
        slope, curvature, and 0.
      snr_shift: signal * gain >> snr_shift is the ratio of signal and noise in Q12.
      log2_q16: uint16 [130], 2^16 (log2(1 + i / 128) - i / 128), and 0.
    """

    config: MicroFrontendConfig
    window_q12: np.ndarray
    twiddle_q15: np.ndarray
    split_q15: np.ndarray
    first_bin: int
    segment_bins: np.ndarray
    weight_q12: np.ndarray
    even_smoothing: int
    odd_smoothing: int
    min_signal_remaining: int
    gain: np.ndarray
    snr_shift: int
    log2_q16: np.ndarray

    @property
    def table_bytes(self) -> int:
        """Size of all tables on the device."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))


@functools.lru_cache(maxsize=16)
def micro_tables(config: MicroFrontendConfig) -> MicroTables:
    """Derives the tables.

    Raises:
      KwsError: the bands hold no DFT bin or too many, or a gain does not fit.
    """
    first_bin, segment_bins, weight_q12 = _bands(config)
    segment = np.arange((1 << LOG_SEGMENT_BITS) + 1) / (1 << LOG_SEGMENT_BITS)
    result = MicroTables(
        config=config,
        window_q12=_window(config.window_samples),
        twiddle_q15=_turns(-2 * np.pi * np.arange(3 * FFT_POINTS // 4) / FFT_POINTS),
        split_q15=_turns(-np.pi * (np.arange(1, FFT_POINTS // 2 + 1) / FFT_POINTS + 0.5)),
        first_bin=first_bin,
        segment_bins=segment_bins,
        weight_q12=weight_q12,
        even_smoothing=_share(config.even_smoothing),
        odd_smoothing=_share(config.odd_smoothing),
        min_signal_remaining=_share(config.min_signal_remaining),
        gain=_gains(config),
        snr_shift=config.gain_bits - CORRECTION_BITS - SNR_BITS,
        log2_q16=np.append(np.floor(LOG_SCALE * (np.log2(1 + segment) - segment) + 0.5), 0).astype(np.uint16),
    )
    for value in vars(result).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False  # shared by all callers
    return result


def ram_bytes(config: MicroFrontendConfig) -> int:
    """Returns ``sizeof(kws::Frontend)`` on a 32-bit core: samples, spectrum, noise estimates, one counter, 16 aligned.

    The generated tables carry it, and the firmware's front end holds it to the compiler's figure.
    """
    samples = -(-2 * config.window_samples // 16) * 16
    return -(-(samples + 2 * FFT_SIZE + 4 * config.channels + 4) // 16) * 16


def _window(samples: int) -> np.ndarray:
    angle = _F32(2 * np.pi) / _F32(samples) * (np.arange(samples, dtype=_F32) + _F32(0.5))
    cosine = np.cos(angle.astype(np.float64)).astype(_F32)
    value = np.floor((_F32(0.5) - _F32(0.5) * cosine) * _F32(1 << WINDOW_BITS) + _F32(0.5))
    return np.append(value, np.zeros(-samples % 8)).astype(np.int16)


def _turns(angle: np.ndarray) -> np.ndarray:
    return np.floor(0.5 + 32767 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.int16)


def _mel(hz: np.ndarray | float) -> np.ndarray:
    return _F32(1127) * log1p(np.asarray(hz, _F32) / _F32(700))


def _bands(config: MicroFrontendConfig) -> tuple[int, np.ndarray, np.ndarray]:
    """First bin, bins of each segment, and their weights."""
    low, high = _mel(config.low_hz), _mel(config.high_hz)
    spacing = (high - low) / _F32(config.channels + 1)
    centre = low + spacing * np.arange(1, config.channels + 2, dtype=_F32)
    hz_per_bin = _F32(0.5 * config.sample_rate_hz / _F32(FFT_POINTS))
    first = int(_F32(1.5) + _F32(config.low_hz) / hz_per_bin)
    mel = _mel(np.arange(FFT_POINTS + 1, dtype=_F32) * hz_per_bin)
    ends = np.maximum(np.searchsorted(mel, centre, side="right"), first)
    if ends[-1] > FFT_POINTS:
        raise KwsError(f"frontend high_hz: {config.high_hz} takes in half the sample rate. Use less.")
    edges = np.concatenate([[low], centre]).astype(_F32)
    segment = np.searchsorted(ends, np.arange(first, ends[-1]), side="right")
    if len(segment) == 0:
        raise KwsError(
            f"frontend: no DFT bin lies between low_hz {config.low_hz} and high_hz {config.high_hz}. Widen the range."
        )
    part = (centre[segment] - mel[first : ends[-1]]) / (centre[segment] - edges[segment])
    weight = np.floor(part * _F32(1 << WEIGHT_BITS) + _F32(0.5)).astype(np.int64)
    rest = np.floor((_F32(1) - part) * _F32(1 << WEIGHT_BITS) + _F32(0.5)).astype(np.int64)
    halves = np.flatnonzero(weight + rest != 1 << WEIGHT_BITS)
    if len(halves):
        raise KwsError(
            f"frontend: both weights of DFT bin {first + halves[0]} are rounded up. Change low_hz or high_hz a little."
        )
    sums = np.zeros(config.channels + 2, np.int64)
    np.add.at(sums, segment, weight)
    np.add.at(sums, segment + 1, rest)
    if sums.max() >= 1 << (_ROOT_BITS - _ENERGY_BITS):
        raise KwsError(
            f"frontend channels: the widest of {config.channels} holds {sums.max() >> WEIGHT_BITS} DFT bins, at most "
            f"{(1 << (_ROOT_BITS - _ENERGY_BITS - WEIGHT_BITS)) - 1} can be summed. Use more channels."
        )
    return first, np.diff(np.concatenate([[first], ends])).astype(np.uint8), weight.astype(np.int16)


def _share(value: float) -> int:
    return int(_F32(value) * _F32(1 << SMOOTHING_FRACTION_BITS))


def _gain_at(config: MicroFrontendConfig, noise: int) -> int:
    """Gain for a noise estimate, rounded half up; powers as float32 of those in double precision."""
    scaled = _F32(noise) / _F32(1 << (config.smoothing_bits - CORRECTION_BITS))
    base, strength = scaled + _F32(config.gain_offset), _F32(config.gain_strength)
    gain = _F32(1 << config.gain_bits) * _F32(float(base) ** -float(strength))
    return LARGEST_GAIN if gain > LARGEST_GAIN else int(gain + _F32(0.5))


def _gains(config: MicroFrontendConfig) -> np.ndarray:
    rows = np.zeros((GAIN_ROWS, 4), np.int64)
    rows[0, 0], rows[1, 0] = _gain_at(config, 0), _gain_at(config, 1)
    for bits in range(2, GAIN_ROWS):
        start = 1 << (bits - 1)
        end = min(2 * start, 2**32 - 1)
        begin, middle, last = (_gain_at(config, noise) for noise in (start, start + start // 2, end))
        slope = 4 * (middle - begin) - (last - begin)
        rows[bits, :3] = begin, slope, last - begin - slope
    bend = int(np.abs(rows).max())
    reached = gain_of(rows[:, None], np.arange(1 << GAIN_FRACTION_BITS))
    if bend > _LARGEST_BEND or reached.min() < 0 or reached.max() > LARGEST_GAIN:
        raise KwsError(
            f"frontend gain_bits: gains of {config.gain_bits} bits reach {reached.max()} and bend by {bend}, at most "
            f"{LARGEST_GAIN} and {_LARGEST_BEND} fit. Use fewer bits."
        )
    return rows.astype(np.int16)


def gain_of(rows: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """Gains from rows of `MicroTables.gain`, integers [..., 4], at fractions [...] of their lengths in Q10."""
    begin, slope, bend = (rows[..., column].astype(np.int64) for column in range(3))
    return begin + ((((bend * fraction) >> 5) + (slope << 5)) * fraction + (1 << 14) >> 15)
