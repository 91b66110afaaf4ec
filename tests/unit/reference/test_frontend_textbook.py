"""The integer front ends against what a textbook computes in float64, for many sizes, rates and both kinds."""

import dataclasses

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float
from kws_reference.frontend.integer import Mfcc, MfccStream, log_mel_q10, preemphasis, spectrum

from tests.support.frontend_configs import random_config
from tests.support.frontend_native import LOG_MEL_8K_CONFIG, LOG_MEL_CONFIG
from tests.support.signals import hostile, speech_like

SEEDS = range(24)


def textbook(pcm: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """Preemphasis, Hann window, magnitudes, HTK triangles, log2, DCT-II: one loop over frames and bands each."""
    x = pcm.astype(np.float64)
    if config.preemphasis:
        x = np.clip(np.floor(x - config.preemphasis_q15 / 32768 * np.concatenate([[0], x[:-1]]) + 0.5), -32768, 32767)
    window = np.hanning(config.window_samples + 1)[:-1]
    bins_hz = np.arange(1, config.fft_size // 2) * config.sample_rate_hz / config.fft_size
    edges = np.linspace(_mel(config.mel_low_hz), _mel(config.mel_high_hz), config.mel_bands + 2)
    rows = []
    for first in range(0, len(x) - config.window_samples + 1, config.hop_samples):
        magnitude = np.abs(np.fft.rfft(x[first : first + config.window_samples] * window, config.fft_size))[1:-1]
        energies = [
            np.interp(_mel(bins_hz), edges[band : band + 3], [0, 1, 0]) @ magnitude for band in range(config.mel_bands)
        ]
        rows.append(np.log2(np.maximum(energies, 1)))
    if config.kind == "log_mel":
        return np.array(rows)
    return scipy.fft.dct(np.array(rows), norm="ortho")[:, : config.coefficients]


def _mel(hz):
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


@pytest.mark.parametrize("seed", SEEDS)
def test_frontend_of_any_sizes_equals_the_textbook_within_a_rounding(seed: int):
    config, rng = random_config(seed), np.random.default_rng(seed)
    pcm = (rng.normal(0, 10 ** rng.uniform(2, 4), 4000)).clip(-32768, 32767).astype(np.int16)
    wanted = textbook(pcm, config)
    # The kit's 1127 ln and the textbook's 2595 log10 are the same scale to 1e-5; float64 gives the rest.
    np.testing.assert_allclose(mfcc_float(pcm, config), wanted, atol=2e-3)
    # Logarithms in Q10 are half of 1/1024 off, tables of square root and logarithm about as much; a DCT adds up to
    # sqrt(bands) of them.
    atol = 4e-3 * (1 if config.kind == "log_mel" else np.sqrt(config.mel_bands))
    np.testing.assert_allclose(Mfcc(config).mfcc(pcm), wanted, atol=atol)


@pytest.mark.parametrize("config", [LOG_MEL_CONFIG, LOG_MEL_8K_CONFIG], ids=["16k", "8k"])
def test_log_mel_error_on_speech_like_audio_is_a_fraction_of_a_step(config: FrontendConfig):
    pcm = speech_like(5.0)
    exact = (mfcc_float(pcm, config) - config.feature_mean) / config.feature_std * config.feature_steps_per_std
    features = Mfcc(config).frames(pcm)
    # Half a step of rounding; 2 / 1024 of log2 are 0.02 steps.
    assert np.abs(np.clip(exact, -128, 127) - features).max() < 0.55
    assert features.std() > 10


@pytest.mark.parametrize("std", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_log_mel_normalisation_of_any_scale_is_that_of_its_definition(std: float, zero_point: int):
    config = dataclasses.replace(LOG_MEL_CONFIG, feature_mean=(9.0,) * 40, feature_std=(std,) * 40)
    mfcc, pcm = Mfcc(config, zero_point), speech_like(2.0)
    steps = (mfcc.mfcc(pcm) - 9.0) / std * config.feature_steps_per_std
    np.testing.assert_array_equal(mfcc.frames(pcm), np.clip(np.floor(steps + zero_point + 0.5), -128, 127))


def test_preemphasis_of_extremes_saturates_and_rounds_half_up():
    extremes = np.array([-32768, 32767, -32768, -32768, 0, 2, 1], np.int16)
    got = preemphasis(extremes, np.array([32767], np.int16), 16384)
    assert got.tolist() == [-32768, 32767, -32768, -16384, 16384, 2, 0]
    assert preemphasis(extremes, extremes[:1], 0) is extremes


def test_preemphasis_is_part_of_the_definition():
    pcm, config = speech_like(1.0), LOG_MEL_8K_CONFIG
    plain = dataclasses.replace(config, preemphasis=0.0)
    filtered = preemphasis(pcm, np.zeros(1, np.int16), config.preemphasis_q15)
    np.testing.assert_array_equal(Mfcc(config).frames(pcm), Mfcc(plain).frames(filtered))
    assert np.abs(mfcc_float(pcm, config) - mfcc_float(pcm, plain)).max() > 1


@settings(max_examples=40, deadline=None)
@given(chunks=st.lists(st.integers(0, 900), max_size=10), seed=st.integers(0, 99), before=st.integers(0, 600))
def test_frontend_with_preemphasis_any_chunks_give_the_same_frames(chunks, seed, before):
    rng, stream = np.random.default_rng(seed), MfccStream(LOG_MEL_8K_CONFIG)
    pcm = rng.integers(-32768, 32768, sum(chunks)).astype(np.int16)
    stream.push(rng.integers(-32768, 32768, before).astype(np.int16))
    stream.reset()  # what was heard before must not matter, its last sample neither
    parts = [stream.push(part) for part in np.split(pcm, np.cumsum(chunks)[:-1])] if chunks else []
    got = np.concatenate([np.zeros((0, 33), np.int8), *parts])
    np.testing.assert_array_equal(got, Mfcc(LOG_MEL_8K_CONFIG).frames(pcm))


@pytest.mark.parametrize("seed", SEEDS)
def test_frontend_of_any_sizes_stays_within_its_integers_on_hostile_signals(seed: int):
    """int64 arithmetic of the reference gives what int32 and int16 of the device can hold."""
    config = random_config(seed)
    mfcc = Mfcc(config)
    for name, pcm in hostile(3000).items():
        filtered = preemphasis(pcm, np.zeros(1, np.int16), config.preemphasis_q15)
        windows = np.lib.stride_tricks.sliding_window_view(filtered, config.window_samples)[:: config.hop_samples]
        real, imag, _ = spectrum(windows, mfcc.tables)
        assert max(np.abs(real[:, 1:]).max(), np.abs(imag[:, 1:]).max()) <= 2**29, name
        assert log_mel_q10(windows, mfcc.tables).max() < 29 << 10, name
