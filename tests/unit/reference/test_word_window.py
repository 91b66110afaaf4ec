"""Where a longer recording is cut, and what counts as silence."""

import numpy as np
import pytest
from kws_reference.audio.word_window import QUIET, is_silent, word_start

RATE = 16000


def recording(samples, at, length=6000, level=2000, floor=30, seed=0):
    """Noise with a word of noise in the band of speech."""
    rng = np.random.default_rng(seed)
    pcm = rng.normal(0, floor, samples)
    pcm[at : at + length] += level * np.sin(np.arange(length) * 0.25) * np.hanning(length)
    return pcm


def int16(pcm):
    return np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("at", [0, 9000, 36000, 41999, 42000])
def test_word_start_word_is_inside_and_in_the_middle_where_it_can_be(at):
    start = word_start(int16(recording(48000, at)), RATE, RATE)
    assert 0 <= start <= 32000
    wanted = min(max(at + 3000 - 8000, 0), 32000)
    assert abs(start - wanted) <= 2600 and start <= at + 900 and start + RATE >= at + 5100


@pytest.mark.parametrize("seed", range(5))
def test_word_start_clicks_a_constant_hum_and_a_slam_do_not_draw_it_away(seed):
    rng = np.random.default_rng(seed)
    pcm = recording(64000, 44000, seed=seed)
    for place in rng.integers(0, 30000, 5):
        pcm[place : place + 300] = 30000 * rng.choice([-1, 1])
    pcm[6000:7500] += rng.normal(0, 12000, 1500) * np.exp(-np.arange(1500) / 500)
    pcm += 2500 + 1500 * np.sin(2 * np.pi * 50 * np.arange(len(pcm)) / RATE)
    pcm[:20000] += 4000
    start = word_start(int16(pcm), RATE, RATE)
    assert start <= 44900 and start + RATE >= 49100


def test_word_start_in_noise_finds_the_word_at_every_rate():
    for rate in (8000, 16000, 22050, 48000):
        pcm = recording(4 * rate, 3 * rate, length=rate // 2, floor=200)
        start = word_start(int16(pcm), rate, rate)
        assert 2.5 * rate <= start <= 3 * rate


@pytest.mark.parametrize("samples", [1, 15999, 16000])
def test_word_start_recording_that_is_not_longer_begins_at_0(samples):
    assert word_start(np.ones(samples, np.int16), RATE, RATE) == 0


def test_word_start_nothing_that_stands_out_begins_at_0():
    for samples in (16001, 16159, 40000):
        assert word_start(np.zeros(samples, np.int16), RATE, RATE) == 0
        assert 0 <= word_start(int16(recording(samples, 0, level=0)), RATE, RATE) <= samples - 16000


def test_word_start_scaled_or_shifted_recording_is_cut_alike():
    pcm = int16(recording(50000, 30000, floor=0))
    start = word_start(pcm, RATE, RATE)
    assert word_start(pcm * 4, RATE, RATE) == start == word_start(pcm + 1000, RATE, RATE)
    assert abs(word_start(np.pad(pcm, (1600, 0)), RATE, RATE) - start - 1600) <= 160


def test_is_silent_constants_clicks_and_faint_noise_are_words_are_not():
    rng = np.random.default_rng(0)
    click = np.zeros(16000, np.int16)
    click[5000:5200] = 30000
    faint = rng.integers(-QUIET, QUIET + 1, 16000).astype(np.int16)
    for pcm in (np.zeros(16000, np.int16), np.full(16000, -900, np.int16), click, faint, faint[:100], faint[:0]):
        assert is_silent(pcm, RATE)
    assert not is_silent(int16(recording(16000, 9000, length=1600, level=200, floor=3)), RATE)
    assert not is_silent(int16(recording(16000, 9000, floor=30)), RATE)
