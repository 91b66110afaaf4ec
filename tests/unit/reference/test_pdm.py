"""Pulse density becomes PCM: the filters' response, and what they make of modulators' bits."""

import functools

import numpy as np
import pytest
from kws_firmware import make_pdm_taps
from kws_reference.audio import conditioning, pdm
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline

from tests.support import clip_files, sigma_delta
from tests.support.paths import ROOT
from tests.support.sigma_delta import BIT_RATE_HZ

RATE_HZ = 16000
SETTLED = 200  # samples, of which the filters remember 45


def _words(bits: np.ndarray) -> np.ndarray:
    return np.packbits(bits.astype(bool)).view(">u2").astype(np.uint16)


def _pcm(words: np.ndarray) -> np.ndarray:
    return pdm.PdmDecimator().push(words)


@functools.cache
def _impulse_response() -> np.ndarray:
    """All three filters as one at the bit rate, 1 at 0 Hz."""
    spread = []
    for taps, apart in ((pdm.taps_128k(), 8), (pdm.half_band_taps(), 32)):
        wide = np.zeros(apart * (len(taps) - 1) + 1)
        wide[::apart] = taps / 32768
        spread.append(wide)
    return np.convolve(np.convolve(pdm.sum_taps() / pdm.FULL_SUM, spread[0]), spread[1])


def _gain_db(frequency_hz: np.ndarray) -> np.ndarray:
    response = _impulse_response()
    turns = np.exp(-2j * np.pi * np.outer(frequency_hz, np.arange(len(response))) / BIT_RATE_HZ)
    return 20 * np.log10(np.maximum(np.abs(turns @ response), 1e-9))


# The response: what firmware/README.md states


def test_pdm_pass_band_is_flat_up_to_7_khz():
    gain = _gain_db(np.arange(0, 7001, 50))
    assert abs(gain[0]) < 1e-9 and np.abs(gain).max() <= 0.0025


def test_pdm_gain_between_the_bands():
    gain = _gain_db(np.array([7500.0, 8000.0, 8500.0]))
    assert gain[0] > -0.7 and -6.1 < gain[1] < -5.9 and gain[2] < -22


def test_pdm_stop_band_from_9_khz_on_is_78_db_down():
    assert _gain_db(np.arange(9000, BIT_RATE_HZ // 2 + 1, 125)).max() <= -78.0


def test_pdm_group_delay_is_1_4_ms_at_all_frequencies():
    response = _impulse_response()
    assert np.allclose(response, response[::-1], rtol=0, atol=1e-15)  # symmetric; the bound is rounding's
    assert pdm.DELAY_BITS == (len(response) - 1) / 2 == 1434
    assert pdm.DELAY_BITS / BIT_RATE_HZ == pytest.approx(1.4e-3, abs=1e-6)


def test_pdm_response_is_that_of_the_integers():
    """An inverted bit of silence is an impulse: the integers' answer is the response, less the rounding."""
    bits = np.resize([False, True], 64 * 120)
    bits[64 * 40 : 64 * 41 : 8] = True  # 8 of 64: far above the rounding, below full scale
    impulses = np.zeros(len(bits))
    impulses[64 * 40 : 64 * 41 : 8] = 2 * 32768
    wanted = np.convolve(impulses, _impulse_response())[63 : len(bits) : 64]
    # Two roundings to integers, the first of which the half-band filter spreads over Σ|taps| = 1.8.
    assert np.abs(_pcm(_words(bits)) - wanted).max() <= 0.5 + 1.8 * 0.5


# What it makes of bits


@pytest.mark.parametrize(("word", "level"), [(0x5555, 0), (0xAAAA, 0), (0xFFFF, 32767), (0x0000, -32768)])
def test_pdm_stuck_bits_give_a_constant(word, level):
    assert set(_pcm(np.full(4 * 400, word, np.uint16))[SETTLED:].tolist()) == {level}


def test_pdm_begins_with_silence():
    assert not _pcm(np.full(400, 0x5555, np.uint16)).any()


def test_pdm_quarter_density_is_half_of_full_scale_down():
    assert set(_pcm(np.full(1600, 0x8888, np.uint16))[SETTLED:].tolist()) == {-16384}


def test_pdm_random_bits_stay_in_int16_and_are_noise():
    pcm = _pcm(np.random.default_rng(3).integers(0, 65536, 4 * 8000).astype(np.uint16))[SETTLED:].astype(float)
    # White noise of power 1 over 512 kHz, of which 8 kHz pass: 32768 * sqrt(1 / 64).
    assert pcm.std() == pytest.approx(4096, rel=0.05)  # of 7,800 samples the deviation varies by 0.8 %


def test_pdm_loudest_square_wave_saturates_and_does_not_wrap():
    bits = np.tile(np.repeat([True, False], 256), 64)  # 2 kHz: its overshoot exceeds full scale
    pcm = _pcm(_words(bits)).astype(int)[SETTLED:]
    assert pcm.max() == 32767 and pcm.min() == -32768
    assert np.abs(np.diff(pcm)).max() < 65535


# Signal to noise, sine of 1 kHz, 50 Hz to 7 kHz. From -20 dB of the fourth order on the noise is that of int16: 98 dB
# under full scale at the end, 101 dB at the rounding before.


@pytest.mark.parametrize(
    ("order", "level_dbfs", "least_db"),
    [(2, -6, 70), (2, -20, 57), (4, -6, 86), (4, -20, 74), (4, -40, 54), (4, -60, 34)],
)
def test_pdm_signal_to_noise_of_a_modulated_sine(order, level_dbfs, least_db):
    signal = sigma_delta.sine(level_dbfs, 1000, 0.12)
    pcm = _pcm(sigma_delta.modulate(signal, order))[SETTLED:].astype(float)
    found = sigma_delta.snr_db(pcm, 1000, RATE_HZ, 7000)
    assert found >= least_db
    amplitude = np.sqrt(2) * pcm[: len(pcm) // 16 * 16].std()  # 16 samples are a period
    # The last digit of the quietest sine is 3 % of it.
    assert amplitude == pytest.approx(32768 * 10 ** (level_dbfs / 20), rel=0.03 if level_dbfs <= -60 else 0.01)


def test_pdm_tone_above_the_band_does_not_fold_back():
    """12 kHz at -10 dB of full scale would be 4 kHz at 16 kHz."""
    pcm = _pcm(sigma_delta.modulate(sigma_delta.sine(-10, 12_000, 0.12), 4))[SETTLED:].astype(float)
    assert np.abs(pcm).max() <= 6  # 78 dB below 10,362 is 1.3, and the modulator's own noise


@pytest.mark.slow
def test_pdm_of_a_spoken_word_is_heard_as_the_word_itself():
    """The word as a microphone's bits, 6 dB down so that the modulator does not overload, and back by the gain."""
    import scipy.signal

    word = clip_files.word()
    sound = scipy.signal.resample_poly(word / 65536, 64, 1)
    pcm = conditioning.Conditioner(2 * conditioning.UNITY_GAIN_Q8).push(_pcm(sigma_delta.modulate(sound, 4)))
    bundle = Bundle.load(ROOT / "training" / "zoo" / "matchbox")
    heard = [
        [step.detection.label for step in Pipeline(bundle).run(audio) if step.detection is not None]
        for audio in (word, pcm)
    ]
    assert [bundle.labels[label] for label in heard[1]] == ["left"] and heard[0] == heard[1]


# Pieces and refusals


def test_pdm_pieces_of_any_size_give_what_the_whole_gives():
    words = np.random.default_rng(1).integers(0, 65536, 4 * 500).astype(np.uint16)
    cuts = [0, 4, 8, 72, 76, 1200, 2000]
    parts = pdm.PdmDecimator()
    pieces = [parts.push(words[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    assert np.array_equal(np.concatenate(pieces), _pcm(words))


@pytest.mark.parametrize(
    ("words", "received"),
    [
        (np.zeros(5, np.uint16), r"uint16 \(5,\)"),
        (np.zeros(4, np.int16), "int16"),
        (np.zeros((4, 4), np.uint16), "4, 4"),
    ],
)
def test_pdm_words_that_make_no_whole_samples_are_refused(words, received):
    with pytest.raises(ValueError, match=f"PDM comes in uint16 words, 4 for each sample. Received: .*{received}"):
        _pcm(words)


def test_pdm_sums_that_make_no_whole_samples_are_refused():
    with pytest.raises(ValueError, match="sums come in 8 for each sample. Received: 12"):
        pdm.PdmDecimator().push_sums(np.zeros(12, np.int64))


def test_pdm_taps_keep_the_constant_and_fit_the_accumulator():
    for taps, largest in ((pdm.taps_128k(), pdm.FULL_SUM), (pdm.half_band_taps(), 32768)):
        assert taps.sum() == 32768
        assert np.abs(taps).sum() * largest + (1 << 14) < 1 << 31  # int32 in C++


# The firmware's header


def test_pdm_header_of_the_firmware_is_of_these_taps(capsys):
    assert make_pdm_taps.main(["--check"]) == 0


def test_pdm_header_of_other_taps_exit_1_and_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_pdm_taps, "HEADER", tmp_path / "pdm_taps.h")
    assert make_pdm_taps.main(["--check"]) == 1
    assert "Run python -m kws_firmware.make_pdm_taps --overwrite" in capsys.readouterr().err
    assert make_pdm_taps.main(["--overwrite"]) == 0 and make_pdm_taps.main(["--check"]) == 0
