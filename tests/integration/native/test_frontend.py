"""Front end: the integer reference against the float definition, and the C++ against the integer reference."""

import dataclasses
import os
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_reference.frontend.definition import hann_periodic, mfcc_float, normalise
from kws_reference.frontend.integer import Mfcc, MfccStream, magnitude_q2, spectrum
from kws_reference.frontend.tables import tables_of

from tests.support.frontend_native import OTHER_CONFIGS, SPEECH_CONFIG, NativeStages, sanitized_frames
from tests.support.signals import hostile, speech_like, spoken_words

HOSTILE = hostile()
CONFIGS = {"default": SPEECH_CONFIG, **OTHER_CONFIGS}


@pytest.fixture(scope="module")
def native_default() -> NativeStages:
    return NativeStages.build(SPEECH_CONFIG)


# --- C++ equals the reference ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_frontend_hostile_signal_equals_reference(native_default: NativeStages, name: str):
    np.testing.assert_array_equal(native_default.frames(HOSTILE[name]), Mfcc(SPEECH_CONFIG).frames(HOSTILE[name]))


@pytest.mark.parametrize("config", OTHER_CONFIGS)
def test_frontend_other_config_equals_reference(config: str):
    stages, reference = NativeStages.build(CONFIGS[config]), Mfcc(CONFIGS[config])
    for name, pcm in {**HOSTILE, "speech": speech_like(2.0)}.items():
        np.testing.assert_array_equal(stages.frames(pcm), reference.frames(pcm), err_msg=name)


def test_frontend_zero_point_equals_reference():
    stages = NativeStages.build(SPEECH_CONFIG, zero_point=-37)
    pcm = speech_like(2.0)
    expected = Mfcc(SPEECH_CONFIG, zero_point=-37).frames(pcm)
    np.testing.assert_array_equal(stages.frames(pcm), expected)
    shifted = np.clip(Mfcc(SPEECH_CONFIG).frames(pcm).astype(int) - 37, -128, 127)
    inside = np.abs(shifted) < 90  # the other one may have saturated beyond
    np.testing.assert_array_equal(expected[inside], shifted[inside])


def test_frontend_spoken_words_equal_reference(native_default: NativeStages):
    """The repo's synthetic words; with KWS_AUDIO (the Speech Commands test set), 1,000 recordings of people."""
    files, source = spoken_words(1000)
    if not files:
        pytest.skip(source)
    if "KWS_AUDIO" in os.environ:
        assert len(files) == 1000, f"{source} holds {len(files)} WAV files, not the 1,000 that this test wants"
    reference = Mfcc(SPEECH_CONFIG)
    frames = 0
    for file in files:
        pcm = read_wav(file)
        expected = reference.frames(pcm)
        np.testing.assert_array_equal(native_default.frames(pcm), expected, err_msg=str(file))
        frames += len(expected)
    assert frames > 10 * len(files), f"clips of {source} are too short to prove anything"


@pytest.mark.parametrize(
    ("config", "chunk_samples", "compiler"),
    [("default", 97, "g++"), ("fft1024_odd", 1, "g++"), ("fft256", 4001, "g++"), ("default", 160, "clang++")],
)
def test_frontend_under_sanitizers_equals_reference(config: str, chunk_samples: int, compiler: str):
    if shutil.which(compiler) is None:
        pytest.skip(f"needs the compiler {compiler}")
    pcm = np.concatenate([*HOSTILE.values(), speech_like(1.0)])
    got = sanitized_frames(CONFIGS[config], pcm, chunk_samples, compiler)
    np.testing.assert_array_equal(got, Mfcc(CONFIGS[config]).frames(pcm))


# --- Streaming equals batch ------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    chunks=st.lists(st.integers(0, 1500), max_size=12),
    seed=st.integers(0, 2**32 - 1),
    amplitude=st.integers(0, 32767),
    reset_after=st.integers(0, 2000),
)
def test_frontend_any_chunks_give_the_same_frames(native_default, chunks, seed, amplitude, reset_after):
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-amplitude - 1, amplitude + 1, sum(chunks)).astype(np.int16)
    expected = Mfcc(SPEECH_CONFIG).frames(pcm)
    stream = MfccStream(SPEECH_CONFIG)
    native_default.reset()
    # What was heard before a reset must not matter.
    noise = rng.integers(-32768, 32768, reset_after).astype(np.int16)
    for stage in (stream, native_default):
        stage.push(noise)
        stage.reset()
        ends = np.cumsum(chunks)
        got = [stage.push(pcm[end - size : end]) for end, size in zip(ends, chunks, strict=True)]
        got = np.concatenate([np.zeros((0, 40), np.int8), *got])
        np.testing.assert_array_equal(got, expected)


def test_frontend_batch_equals_single_clips():
    pcm = np.stack([HOSTILE["random_int16"], HOSTILE["sine_bin_10"], HOSTILE["silence"]])
    batch = Mfcc(SPEECH_CONFIG).frames(pcm)
    assert batch.shape == (3, SPEECH_CONFIG.frame_count(pcm.shape[1]), 40)
    for clip, expected in zip(pcm, batch, strict=True):
        np.testing.assert_array_equal(Mfcc(SPEECH_CONFIG).frames(clip), expected)


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (479, 0), (480, 1), (639, 1), (640, 2), (16000, 98)])
def test_frontend_frame_count_first_after_a_window_then_every_hop(native_default, samples: int, frames: int):
    pcm = np.zeros(samples, np.int16)
    assert len(Mfcc(SPEECH_CONFIG).frames(pcm)) == frames
    assert len(native_default.frames(pcm)) == frames
    assert SPEECH_CONFIG.frame_count(samples) == frames


# --- Integer against float -------------------------------------------------------------------------------------------


def _error_steps(pcm: np.ndarray) -> np.ndarray:
    exact = normalise(mfcc_float(pcm, SPEECH_CONFIG), SPEECH_CONFIG)
    got = normalise(Mfcc(SPEECH_CONFIG).mfcc(pcm), SPEECH_CONFIG)
    return np.abs(got - exact) * SPEECH_CONFIG.feature_steps_per_std


def test_frontend_error_on_speech_like_audio_is_a_fraction_of_a_step():
    for pcm in (speech_like(), speech_like(seed=8) // 16):
        error = _error_steps(pcm)
        # Q10 logarithms alone give 0.3 / 1024 * 32 / 0.7 = 0.013 rms at the narrowest coefficient.
        assert np.median(error) < 0.02
        assert np.percentile(error, 99.9) < 0.3
        assert error.max() < 0.6


@pytest.mark.parametrize("name", ["random_int16", "random_extremes", "noise_4_bit", "noise_9_bit"])
def test_frontend_error_on_loud_noise_is_a_fraction_of_a_step(name: str):
    assert _error_steps(HOSTILE[name]).max() < 0.5  # all bands well above one step of DFT magnitude


def test_frontend_int8_features_round_what_mfcc_gives():
    pcm = speech_like(3.0)
    value = normalise(Mfcc(SPEECH_CONFIG).mfcc(pcm), SPEECH_CONFIG) * SPEECH_CONFIG.feature_steps_per_std
    features = Mfcc(SPEECH_CONFIG).frames(pcm)
    # Half a step of rounding, and the 2^-22 that the sums lose before the multiplication.
    assert np.abs(np.clip(value, -128, 127) - features).max() <= 0.5 + 1e-3
    assert features.std() > 10


@pytest.mark.parametrize("config", CONFIGS)
def test_frontend_spectrum_is_the_discrete_fourier_transform(config: str):
    t = tables_of(CONFIGS[config])
    pcm = np.random.default_rng(3).integers(-30000, 30000, (5, t.config.window_samples)).astype(np.int16)
    real, imag, shift = spectrum(pcm, t)
    exact = np.abs(np.fft.rfft(pcm * hann_periodic(t.config.window_samples), t.config.fft_size))[:, 1:-1]
    scale = 2.0 ** (16 + shift - t.scale_bits)[:, None]
    # Window in Q16 (2^-17 of each sample, random signs) and some units of rounding.
    bound = 8 * 30000 / 65536 * np.sqrt(t.config.window_samples) + 16 / scale
    assert (np.abs(np.hypot(real, imag)[:, 1:] / scale - exact) < bound).all()
    got = magnitude_q2(real[:, 1:], imag[:, 1:], t) / (4 * scale)
    np.testing.assert_allclose(got, np.hypot(real, imag)[:, 1:] / scale, rtol=5e-5, atol=1 / scale.min())


@pytest.mark.parametrize("config", CONFIGS)
def test_frontend_hostile_signals_stay_within_32_bits(config: str):
    t = tables_of(CONFIGS[config])
    for name, pcm in HOSTILE.items():
        windows = np.lib.stride_tricks.sliding_window_view(pcm, t.config.window_samples)[::160]
        real, imag, _ = spectrum(windows, t)
        assert max(np.abs(real[:, 1:]).max(), np.abs(imag[:, 1:]).max()) < 2**29, name


# --- Faults ----------------------------------------------------------------------------------------------------------


def test_frontend_float_pcm_is_refused():
    with pytest.raises(KwsError, match="int16"):
        Mfcc(SPEECH_CONFIG).frames(np.zeros(480))
    with pytest.raises(KwsError, match="int16"):
        MfccStream(SPEECH_CONFIG).push(np.zeros(480, np.float32))


def test_frontend_one_window_coefficient_off_by_one_is_found(native_default: NativeStages):
    faulty = Mfcc(SPEECH_CONFIG)
    hann = faulty.tables.hann_q16.copy()
    hann[200] += 1
    faulty.tables = dataclasses.replace(faulty.tables, hann_q16=hann)
    pcm = speech_like(20.0)
    assert (faulty.frames(pcm) != native_default.frames(pcm)).any()
