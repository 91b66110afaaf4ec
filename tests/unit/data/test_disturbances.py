"""Disturbances of long recordings: what each takes away, that words stay where they are, that a seed is a seed."""

import numpy as np
import pytest
from kws_training.data.signal.codecs import mu_law
from kws_training.data.signal.disturbances import DISTURBANCES

RATE = 16000


@pytest.fixture(scope="module")
def speech():
    """Noise with a speech-like spectrum, in bursts, over a floor 50 dB below."""
    rng = np.random.default_rng(0)
    samples = 2 * RATE + 123
    spectrum = np.fft.rfft(rng.normal(0, 1, samples))
    spectrum /= 1 + (np.fft.rfftfreq(samples, 1 / RATE) / 500) ** 2
    noise = np.fft.irfft(spectrum, samples)
    talks = np.arange(samples) // 8000 % 2 == 0
    return np.rint(noise / noise.std() * np.where(talks, 2000.0, 4.0)).astype(np.int16)


@pytest.fixture(scope="module")
def disturbed(speech):
    return {name: function(speech, 3) for name, function in DISTURBANCES.items()}


@pytest.mark.parametrize("name", DISTURBANCES)
def test_disturbance_keeps_type_length_and_time(speech, disturbed, name):
    out = disturbed[name]
    assert out.dtype == np.int16 and out.shape == speech.shape
    size = 1 << 17
    correlation = np.fft.irfft(np.fft.rfft(out, size) * np.conj(np.fft.rfft(speech, size)))
    lag = int(np.argmax(correlation))
    # In a room the reflections, all later than the direct sound, outweigh it.
    assert (lag if lag < size // 2 else lag - size) in (range(800) if name == "room" else range(1))


@pytest.mark.parametrize("name", DISTURBANCES)
def test_disturbance_is_a_function_of_recording_and_seed(speech, disturbed, name):
    np.testing.assert_array_equal(DISTURBANCES[name](speech, 3), disturbed[name])
    other = DISTURBANCES[name](speech, 4)
    assert np.array_equal(other, disturbed[name]) == (name not in ("resampled", "room"))


@pytest.mark.parametrize("name", DISTURBANCES)
def test_disturbance_of_nothing_and_of_digital_silence_is_no_error(name):
    for samples in (0, 1000):
        out = DISTURBANCES[name](np.zeros(samples, np.int16), 0)
        assert out.shape == (samples,) and np.abs(out.astype(int)).max(initial=0) <= 12


def band_db(pcm, low_hz, high_hz):
    power = np.abs(np.fft.rfft(pcm.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(pcm), 1 / RATE)
    return 10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].sum() / len(pcm) ** 2)


def test_telephone_keeps_its_band_and_nothing_else(speech, disturbed):
    for low_hz, high_hz, change_db in ((500, 3200, 0.5), (20, 200, -20), (4000, 7900, -20)):
        change = band_db(disturbed["telephone"], low_hz, high_hz) - band_db(speech, low_hz, high_hz)
        assert abs(change) < 0.5 if change_db > 0 else change < change_db


def test_gate_pauses_are_digital_zero_and_words_untouched(speech, disturbed):
    talks = np.arange(len(speech)) // 8000 % 2 == 0
    np.testing.assert_array_equal(disturbed["gate"][talks], speech[talks])
    assert np.mean(disturbed["gate"][~talks] == 0) > 0.7


def test_quiet_is_a_hundredth_in_whole_steps(speech, disturbed):
    assert np.abs(disturbed["quiet"] - speech / 100).max() <= 0.5 + 1e-9


def test_clipped_has_its_peaks_cut_off(disturbed):
    assert 0.01 < np.mean(np.abs(disturbed["clipped"].astype(int)) >= 32767) < 0.2


def test_resampled_pauses_are_dither_of_1_2_steps_near_7_khz():
    out = DISTURBANCES["resampled"](np.zeros(RATE, np.int16), 0)
    power = np.abs(np.fft.rfft(out.astype(float)))[1:].reshape(64, -1) ** 2
    assert out.std() == pytest.approx(1.2, abs=0.05)
    assert 6500 < np.argmax(power.mean(axis=1)) * 125 < 7800


def test_codec_changes_the_samples_and_little_of_the_band(speech, disturbed):
    assert np.mean(disturbed["codec"] != speech) > 0.5
    assert abs(band_db(disturbed["codec"], 200, 3000) - band_db(speech, 200, 3000)) < 3


def test_mu_law_error_is_a_share_of_the_sample():
    pcm = np.linspace(-32000, 32000, 4001)
    error = np.abs(mu_law(pcm) - pcm)
    assert np.all(error <= np.abs(pcm) * 0.05 + 4) and len(np.unique(mu_law(pcm))) <= 256
