"""Impulse responses: what they keep of a word, and that they die away as asked."""

import numpy as np
import pytest
from kws_training.data.signal import microphones, rooms, shoebox
from kws_training.data.signal.responses import ResponseBank, drawn_rows, minimum_phase, through


@pytest.fixture(scope="module")
def bank():
    return rooms.room_bank(seed=3, rooms=24)


def words(clips=12, samples=16000):
    pcm = np.random.default_rng(0).normal(0, 1000, (clips, samples)).astype(np.float32)
    pcm[:, : samples // 4] = 0
    pcm[:, samples // 2 :] = 0
    return pcm


def box(distance_m, rt60_s):
    return shoebox.Room((5.0, 4.0, 2.5), (1.0, 1.0, 1.2), (1.0 + distance_m, 1.0, 1.2), (rt60_s,) * 6)


@pytest.mark.parametrize("rt60_s", (0.2, 0.4, 0.7))
def test_response_energy_falls_by_60_db_in_the_time_asked_for(rt60_s):
    taps = shoebox.response(box(2.0, rt60_s), np.random.default_rng(1), 16000)
    left_db = 10 * np.log10(np.cumsum(taps[::-1] ** 2)[::-1] / np.sum(taps**2))
    t5, t35 = np.interp([5, 35], -left_db[:15000], np.arange(15000) / 16000)
    # A box's sound is not quite Eyring's, whose field is equally strong everywhere.
    assert 2 * (t35 - t5) == pytest.approx(rt60_s, rel=0.25)


def test_response_first_reflection_comes_when_its_path_says():
    taps = shoebox.response(box(2.0, 0.4), np.random.default_rng(1), 8000)
    path_m = np.hypot(2.0, 2 * 1.0)  # from the mouth in the mirror of the nearest wall, 1 m away
    delay = (path_m - 2.0) / shoebox.SOUND_M_PER_S * shoebox.SAMPLE_RATE_HZ
    assert taps[0] == 1.0
    before_the_floor = np.abs(taps[10:48])
    assert abs(int(np.argmax(before_the_floor)) + 10 - delay) <= 1
    assert 0.5 * 2.0 / path_m < before_the_floor.max() < 2.0 / path_m


def test_response_speaker_further_away_has_less_direct_sound():
    near, far = (shoebox.response(box(d, 0.4), np.random.default_rng(1), 8000) for d in (0.5, 3.5))
    assert np.sum(far[1:] ** 2) > 8 * np.sum(near[1:] ** 2)


def test_room_bank_responses_have_energy_1_and_begin_with_the_direct_sound(bank):
    np.testing.assert_allclose(np.sum(bank.taps.astype(float) ** 2, axis=1), 1.0, rtol=1e-5)
    assert np.all(bank.taps[:, 0] > 0)
    np.testing.assert_array_equal(bank.taps, rooms.room_bank.__wrapped__(3, 24).taps)
    assert not np.array_equal(bank.taps, rooms.room_bank.__wrapped__(4, 24).taps)


def test_reverberate_nothing_is_heard_before_the_word_and_something_after_it(bank):
    dry = words()
    wet = rooms.reverberate(np.random.default_rng(5), dry.copy(), bank, 1.0)
    assert np.abs(wet[:, :4000]).max() < 0.5  # rounding of float32: the word begins where it began
    assert np.all(np.abs(wet[:, 8000:8200]).max(axis=1) > 1)
    loudness_db = 10 * np.log10(np.sum(wet**2, axis=1) / np.sum(dry**2, axis=1))
    assert np.abs(loudness_db).max() < 1.5


def test_reverberate_share_leaves_the_other_clips_bit_for_bit(bank):
    dry = words(200)
    wet = rooms.reverberate(np.random.default_rng(5), dry.copy(), bank, 0.3)
    touched = np.any(wet != dry, axis=1)
    assert 40 <= touched.sum() <= 80
    rows = drawn_rows(np.random.default_rng(5), bank, 200, 0.3)
    np.testing.assert_array_equal(touched, rows >= 0)


def test_through_two_banks_is_one_convolution_after_the_other(bank):
    pcm = words(5)
    microphone = microphones.microphone_bank(1, 8)
    rows = [(bank, np.array([0, 3, -1, 2, -1])), (microphone, np.array([1, -1, 4, 5, -1]))]
    together = through(pcm.copy(), rows)
    for clip in range(5):
        expected = pcm[clip].astype(float)
        for responses, row in ((used, index[clip]) for used, index in rows):
            if row >= 0:
                expected = np.convolve(expected, responses.taps[row])[:16000]
        # float32 transforms: seven digits of the loudest sample
        np.testing.assert_allclose(together[clip], expected, atol=0.02)
    np.testing.assert_array_equal(together[4], pcm[4])


def test_through_long_clips_spectra_are_not_kept(bank):
    pcm = words(2, 200_000)
    many = ResponseBank(np.tile(bank.taps, (8, 1)))
    expected = np.convolve(pcm[1], bank.taps[5])[:200_000]
    np.testing.assert_allclose(through(pcm, [(many, np.array([-1, 5]))])[1], expected, atol=0.05)
    assert many._spectra.cache_info().currsize == 0


def test_minimum_phase_has_the_magnitude_and_comes_at_once():
    decibel = microphones.drawn_curve_db(np.random.default_rng(2))
    taps = minimum_phase(10 ** (decibel / 20), 512)
    found = 20 * np.log10(np.abs(np.fft.rfft(taps, 4096)))
    used = (microphones.frequencies_hz() > 300) & (decibel > -30)  # the fading window blurs what is narrow
    assert np.abs(found - decibel)[used].max() < 1.0
    assert np.argmax(np.abs(taps)) < 16


def test_colour_changes_the_spectrum_and_keeps_loudness_and_time():
    dry = words(60)
    dry = through(dry, [(ResponseBank(0.9 ** np.arange(64)[None]), np.zeros(60, int))])  # falls like speech
    bank = microphones.microphone_bank(1, 32)
    wet = microphones.colour(np.random.default_rng(0), dry.copy(), bank, 1.0)
    loudness_db = 10 * np.log10(np.sum(wet**2, axis=1) / np.sum(dry**2, axis=1))
    assert np.abs(loudness_db).max() < 6 and abs(loudness_db.mean()) < 1.5
    assert np.abs(wet[:, :4000]).max() < 0.5
    change_db = 20 * np.log10(np.abs(np.fft.rfft(bank.taps, 64))[:, 3:30])
    assert np.std(change_db, axis=0).min() > 2
