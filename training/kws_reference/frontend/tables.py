"""Constants of the integer front end, all derived from a `FrontendConfig`: tables, scales and what they are bounded by.

`kws_reference.frontend.integer` computes with them, and kws-codegen writes them for the firmware's C++.
"""

import dataclasses
import functools
import math

import numpy as np

from kws_reference.errors import KwsError
from kws_reference.frontend.config import LOG_MEL, FrontendConfig
from kws_reference.frontend.definition import dct_matrix, hann_periodic, mel_position

WINDOWED_BITS = 25
SQRT_INDEX_BITS = 7
LOG2_INDEX_BITS = 6
LOG_FRACTION_BITS = 10
LOG_OFFSET_Q10 = 13 << LOG_FRACTION_BITS
DCT_PRE_SHIFT = 5
LOG_MEL_BITS = 12  # the bands of log-mel are normalised in Q22, with as many bits as the sums of a usual DCT
MAX_LOG2_BITS = 29  # (29 - 13) * 2 in Q10 is the largest sum of two bands that fits int16


@dataclasses.dataclass(frozen=True)
class FrontendTables:
    """Every constant of the integer front end, all derived from a `FrontendConfig`.

    Attributes:
      config: what they were derived from.
      zero_point: int8 value of a normalised feature of 0.
      hann_q16: uint16 [fft_size], periodic Hann over the window, at most 65535, zeros behind. In Q15 its rounding
        would be most of the front end's error (99.9th percentile on real clips 0.47 steps instead of 0.23).
      first_radix: 4 or 2, radix of the stage without twiddles.
      first_index: uint8 [M / first_radix], input index n of the g-th butterfly, which reads n + j * M / first_radix.
      twiddle_q31: int32 [M / 4, 6], (cos, sin) of 2 pi q j / M for q = 1, 2, 3; a stage of span L uses every M/4L-th.
      split_q31: int32 [M / 2, 2], (cos, sin) of 2 pi k / fft_size; row 0 is not used.
      scale_bits: X of the transform is 2^-scale_bits of the exact one (after the real split).
      sqrt_q31: uint32 [97], 2^31 sqrt(i / 128) for i = 32 .. 128.
      log2_q15: uint16 [65], 2^15 log2(1 + i / 64).
      mel_first_bin: first DFT bin with mel weight.
      mel_segment_bins: uint16 [mel_bands + 1], bins from each band edge to the next.
      mel_weight_q16: uint16 [sum of mel_segment_bins], weight of each bin in the band that begins at its segment.
      dct_half: columns of the DCT table: mel_bands / 2 rounded up to a multiple of 8; of log-mel 0.
      dct_bits: fractional bits of the DCT table.
      dct: int16 [coefficients, dct_half]; even rows multiply sums of bands b and mel_bands - 1 - b, odd rows their
        differences. Of log-mel empty.
      multiplier: int32 [coefficients], feature = (multiplier * (dct sum >> 5) + offset) >> (32 + shift); of log-mel
        the band's logarithm << 12 is in the place of the sum.
      offset: int64 [coefficients].
      shift: uint8 [coefficients].
    """

    config: FrontendConfig
    zero_point: int
    hann_q16: np.ndarray
    first_radix: int
    first_index: np.ndarray
    twiddle_q31: np.ndarray
    split_q31: np.ndarray
    scale_bits: int
    sqrt_q31: np.ndarray
    log2_q15: np.ndarray
    mel_first_bin: int
    mel_segment_bins: np.ndarray
    mel_weight_q16: np.ndarray
    dct_half: int
    dct_bits: int
    dct: np.ndarray
    multiplier: np.ndarray
    offset: np.ndarray
    shift: np.ndarray

    @property
    def table_bytes(self) -> int:
        """Size of all tables on the device."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))


def tables_of(config: FrontendConfig, zero_point: int = 0) -> FrontendTables:
    """Derives the tables.

    Args:
      config: front end parameters.
      zero_point: int8 value of a normalised feature of 0 (the bundle's ``features.zero_point``).

    Raises:
      KwsError: the mel range holds no DFT bin, or, of log-mel, one of its bands none.
    """
    return _tables(config, zero_point)


@functools.lru_cache(maxsize=16)
def _tables(config: FrontendConfig, zero_point: int) -> FrontendTables:
    points = config.fft_size // 2
    first_radix = 4 if points.bit_length() % 2 else 2  # 4^k has an odd number of bits
    stages = int(math.log(points // first_radix, 4) + 0.5)
    hann = np.zeros(config.fft_size)
    hann[: config.window_samples] = hann_periodic(config.window_samples)
    angle = 2 * np.pi / points * np.arange(points // 4)[:, None] * np.array([[1, 1, 2, 2, 3, 3]])
    split = 2 * np.pi / config.fft_size * np.arange(points // 2)
    growth_bits = stages + first_radix // 2

    position = mel_position(config)[:points]
    used = np.flatnonzero((position >= 0) & (position < config.mel_bands + 1))
    if len(used) == 0:
        raise KwsError(
            f"frontend: no DFT bin lies between mel_low_hz {config.mel_low_hz} and mel_high_hz {config.mel_high_hz}. "
            "Widen the range."
        )
    segment = np.floor(position[used]).astype(int)
    _check_log_range(config, segment, position[used] - segment, hann)

    mel_weight_q16 = np.minimum(_round(65536 * (position[used] - segment)), 65535).astype(np.uint16)
    if config.kind == LOG_MEL:
        _check_bands(config, segment, mel_weight_q16)
        dct_half, dct_bits, dct = 0, 0, np.zeros((config.coefficients, 0), np.int16)
        multiplier, offset, shift = _log_mel_normalisation(config, zero_point)
    else:
        dct_half, dct_bits, dct = _dct(config)
        multiplier, offset, shift = _normalisation(config, zero_point, dct_bits, dct)
    result = FrontendTables(
        config=config,
        zero_point=zero_point,
        hann_q16=np.minimum(_round(65536 * hann), 65535).astype(np.uint16),
        first_radix=first_radix,
        first_index=_digit_reversal(stages).astype(np.uint8),
        twiddle_q31=_q31(np.where([True, False] * 3, np.cos(angle), np.sin(angle))),
        split_q31=_q31(np.stack([np.cos(split), np.sin(split)], axis=1)),
        scale_bits=points.bit_length() - 1 - growth_bits + 1,
        sqrt_q31=_round(2.0**31 * np.sqrt(np.arange(32, 129) / 128)).astype(np.uint32),
        log2_q15=_round(2.0**15 * np.log2(1 + np.arange(65) / 64)).astype(np.uint16),
        mel_first_bin=int(used[0]),
        mel_segment_bins=np.bincount(segment, minlength=config.mel_bands + 1).astype(np.uint16),
        mel_weight_q16=mel_weight_q16,
        dct_half=dct_half,
        dct_bits=dct_bits,
        dct=dct,
        multiplier=multiplier,
        offset=offset,
        shift=shift,
    )
    for value in vars(result).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False  # shared by all callers
    return result


def _dct(config: FrontendConfig) -> tuple[int, int, np.ndarray]:
    """Columns, fractional bits and rows of the table."""
    half = config.mel_bands // 2
    dct_half = -(-half // 8) * 8
    matrix = dct_matrix(config.mel_bands, config.coefficients).T[:, :half]
    dct_bits = int(math.floor(math.log2(32767 / np.abs(matrix).max())))
    dct = np.zeros((config.coefficients, dct_half), np.int16)
    dct[:, :half] = _round(matrix * 2.0**dct_bits)
    return dct_half, dct_bits, dct


def _normalisation(
    config: FrontendConfig, zero_point: int, dct_bits: int, dct: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    removed = LOG_OFFSET_Q10 * 2 * dct[:, : config.mel_bands // 2].astype(np.int64).sum(axis=1)
    removed[1::2] = 0  # differences lose the offset by themselves
    # Half a unit of the pre-shift's floor is put back with the rest.
    put_back = [(int(value) * 2 + 2**DCT_PRE_SHIFT - 1, DCT_PRE_SHIFT + 1) for value in removed]
    # Fractional bits of the shifted sums.
    return _integers(config, zero_point, LOG_FRACTION_BITS + dct_bits - DCT_PRE_SHIFT, put_back)


def _log_mel_normalisation(config: FrontendConfig, zero_point: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    put_back = [(LOG_OFFSET_Q10 << LOG_MEL_BITS, 0)] * config.coefficients
    return _integers(config, zero_point, LOG_FRACTION_BITS + LOG_MEL_BITS, put_back)


def _integers(
    config: FrontendConfig, zero_point: int, value_bits: int, put_back: list[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Multiplier, offset and shift of values with fractional bits, from each of which something was taken off before.

    Args:
      config: with mean, standard deviation and steps.
      zero_point: of the features.
      value_bits: fractional bits.
      put_back: for each feature n and s, where n / 2^s units were taken off.
    """
    multiplier, offset, shift = [], [], []
    for k, (numerator, places) in enumerate(put_back):
        steps = config.feature_steps_per_std / config.feature_std[k]
        bits = min(54, max(32, 30 + value_bits - math.floor(math.log2(steps))))
        m = min(round(steps * 2.0 ** (bits - value_bits)), 2**31 - 1)
        multiplier.append(m)
        taken_off = m * numerator // 2**places  # in units of 2^-bits
        offset.append(taken_off + round((zero_point + 0.5 - config.feature_mean[k] * steps) * 2.0**bits))
        shift.append(bits - 32)
        assert abs(offset[-1]) + (m << 31) < 2**63, "normalisation exceeds 64 bits"
    return np.array(multiplier, np.int32), np.array(offset, np.int64), np.array(shift, np.uint8)


def _check_bands(config: FrontendConfig, segment: np.ndarray, weight_q16: np.ndarray) -> None:
    """Refuses bands that no DFT bin reaches: their features would never change."""
    weight = np.zeros(config.mel_bands + 2, np.int64)  # [b + 1] is band b
    np.add.at(weight, segment + 1, weight_q16.astype(np.int64))
    np.add.at(weight, segment, 65536 - weight_q16.astype(np.int64))
    empty = np.flatnonzero(weight[1:-1] == 0)
    if len(empty):
        raise KwsError(
            f"frontend mel_bands: band {empty[0]} of {config.mel_bands} lies between two DFT bins "
            f"{config.sample_rate_hz / config.fft_size:g} Hz apart. Use fewer bands or a larger fft_size."
        )


def _check_log_range(config: FrontendConfig, segment: np.ndarray, weight: np.ndarray, hann: np.ndarray) -> None:
    """Shows by Parseval and Cauchy-Schwarz that no band reaches 2^29, which int16 sums of two bands need."""
    square = np.zeros(config.mel_bands + 2)
    np.add.at(square, segment + 1, weight**2)
    np.add.at(square, segment, (1 - weight) ** 2)
    bound = 32768 * np.sqrt(square.max() * config.fft_size * np.sum(hann**2) / 2)
    assert bound < 0.99 * 2**MAX_LOG2_BITS, "a mel band exceeds the logarithm's range"


def _digit_reversal(digits: int) -> np.ndarray:
    """Base-4 digit reversal of 0 .. 4^digits - 1."""
    out = np.zeros(1, int)
    for _ in range(digits):
        out = np.concatenate([out * 4 + digit for digit in range(4)])
    return out


def _q31(value: np.ndarray) -> np.ndarray:
    return np.clip(_round(value * 2.0**31), -(2**31 - 1), 2**31 - 1).astype(np.int32)


def _round(value: np.ndarray) -> np.ndarray:
    return np.floor(value + 0.5).astype(np.int64)


def ram_bytes(config: FrontendConfig) -> int:
    """Returns ``sizeof(kws::Frontend)`` on a 32-bit core: samples, spectrum, log-mel bands, one counter, 16 aligned.

    Preemphasis keeps one more sample. The generated tables carry the size, and the firmware's front end holds it to the
    compiler's figure.
    """
    samples = config.mel_bands + (1 if config.preemphasis_q15 else 0)  # int16, then the counter at a multiple of 4
    return -(-(2 * config.fft_size + 4 * config.fft_size + -(-2 * samples // 4) * 4 + 4) // 16) * 16
