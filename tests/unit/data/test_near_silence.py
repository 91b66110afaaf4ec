"""Textures of near-silence, dither and levels."""

import numpy as np
import pytest
from kws_training.data.signal import dither, levels, textures

SECOND = 16000


@pytest.mark.parametrize("level", (0.5, 1.0, 3.0, 10.0, 30.0))
@pytest.mark.parametrize("name", ("white", "hiss", "band", "hum"))
def test_texture_noise_has_the_level_asked_for(name, level):
    pcm = textures.TEXTURES[name](np.random.default_rng(1), SECOND, level)
    # Rounding adds a twelfth of a step squared to what is wide; below a step it eats what never reaches half of one.
    assert pcm.std() == pytest.approx(np.hypot(level, 12**-0.5), rel=0.1 if level >= 3 else 0.7)


@pytest.mark.parametrize("name", textures.TEXTURES)
def test_texture_values_are_integers_of_a_few_steps(name):
    for seed in range(8):
        pcm = textures.TEXTURES[name](np.random.default_rng(seed), 4000, 1.0)
        assert pcm.shape == (4000,) and pcm.dtype == np.float32
        np.testing.assert_array_equal(pcm, np.rint(pcm))
        assert np.abs(pcm).max() <= 40


def test_texture_hum_is_at_multiples_of_the_mains():
    spectrum = np.abs(np.fft.rfft(textures.hum(np.random.default_rng(0), 4 * SECOND, 20.0))) ** 2
    near = (
        np.abs(np.fft.rfftfreq(4 * SECOND, 1 / SECOND)[:, None] - np.outer(range(1, 24), (50, 60)).ravel()).min(1) < 3
    )
    assert spectrum[near].sum() > 0.95 * spectrum[1:].sum()


def test_shaped_silence_rows_of_few_steps_have_most_energy_above_4_khz():
    rows = dither.shaped_silence().astype(float)
    assert rows.shape == (dither.SHAPES, dither.SAMPLES) and np.abs(rows).max() < 60
    power = np.abs(np.fft.rfft(rows - rows.mean(axis=1, keepdims=True), axis=1)) ** 2
    high = power[:, dither.SAMPLES // 4 :].sum(axis=1) / power.sum(axis=1)
    assert np.all(rows.std(axis=1) > 0.2) and np.mean(high > 0.5) > 0.85


def test_shape_quantize_error_has_the_spectrum_of_its_filter():
    rng = np.random.default_rng(4)
    tone = 300 * np.sin(np.arange(16384) * 0.1)[:, None]
    filters = dither.noise_transfer(rng)[None]
    out = dither.shape_quantize(tone, filters, dither=rng.random((16384, 1)) - rng.random((16384, 1)))
    assert np.array_equal(out, np.rint(out))
    window = np.hanning(16384) * (8 / 3) ** 0.5  # else the loud high bands leak into the low ones
    bands = np.abs(np.fft.rfft((out - tone)[:, 0] * window))[1:].reshape(32, -1) ** 2
    expected = (
        np.abs(np.fft.rfft(filters[0], 16384))[1:].reshape(32, -1) ** 2 * 16384 / 4
    )  # a quarter of a step squared
    np.testing.assert_allclose(bands.mean(1), expected.mean(1), rtol=0.35)  # 256 values of noise in each


def test_plain_dither_is_a_quarter_of_a_step_squared():
    assert dither.triangular(np.random.default_rng(0), (SECOND,)).var() == pytest.approx(0.25, rel=0.05)


def test_near_silence_holds_every_texture_and_is_drawn_anew():
    clips = textures.near_silence(np.random.default_rng(0), 300, 1600)
    assert 10 < np.all(clips == 0, axis=1).sum() < 120 and np.abs(clips).max() < 400
    assert len(np.unique(clips, axis=0)) > 200
    np.testing.assert_array_equal(clips, textures.near_silence(np.random.default_rng(0), 300, 1600))


def test_add_floor_lies_under_a_share_of_the_clips():
    pcm = np.full((300, 800), 5000, np.float32)
    out = textures.add_floor(np.random.default_rng(0), pcm.copy(), 0.5)
    touched = np.any(out != pcm, axis=1)
    assert 90 < touched.sum() < 160 and np.abs(out - pcm).max() < 400


def test_add_floor_stays_below_a_quiet_word():
    pcm = np.random.default_rng(1).normal(0, 4, (200, 1600)).astype(np.float32)
    floor = textures.add_floor(np.random.default_rng(0), pcm.copy(), 1.0) - pcm
    assert np.median(floor.std(axis=1)) < 1.5 and np.mean(floor.std(axis=1) < 3) > 0.97  # dither has its own level


def test_texture_recording_is_a_function_of_its_seed():
    first = textures.texture_recording("shaped_dither", 1.0, 5 * SECOND, 7)
    assert first.dtype == np.int16 and first.shape == (5 * SECOND,)
    np.testing.assert_array_equal(first, textures.texture_recording("shaped_dither", 1.0, 5 * SECOND, 7))
    assert not np.array_equal(first, textures.texture_recording("shaped_dither", 1.0, 5 * SECOND, 8))
    assert not textures.texture_recording("zero", 30.0, 100, 0).any()


def test_texture_recording_has_no_shape_of_dither_that_training_hears():
    trained, measured = (dither.shaped_silence(seed)[0] for seed in (textures.TRAINED, textures.MEASURED))
    assert not np.array_equal(trained, measured)
    long = textures.texture_recording("shaped_dither", 1.0, 2 * SECOND, 3)[: SECOND // 4].astype(np.int8).tobytes()
    banks = [dither.shaped_silence(seed) for seed in (textures.TRAINED, textures.MEASURED)]
    # At this level most rows are taken as they are, from anywhere on, round and round.
    assert [any(long in row.tobytes() + row.tobytes() for row in bank) for bank in banks] == [False, True]


def test_active_level_is_that_of_the_word_and_not_of_the_pauses():
    pcm = np.random.default_rng(0).normal(0, 10, (2, SECOND)).astype(np.float32)
    pcm[0, 6400:9600] *= 100
    found = levels.active_level(pcm)
    assert found[0] == pytest.approx(1000, rel=0.05) and found[1] == pytest.approx(10, rel=0.05)
    assert levels.active_level(np.zeros((1, SECOND)))[0] == 0


def test_overdrive_cuts_off_a_share_of_the_clips():
    pcm = np.random.default_rng(0).normal(0, 1000, (100, SECOND)).astype(np.float32)
    pcm[0] = 0
    out = levels.overdrive(np.random.default_rng(1), pcm.copy(), 0.5, 20.0)
    touched = np.any(out != pcm, axis=1)
    assert 35 < touched.sum() < 65 and not touched[0]
    assert out.max() == 32767 and out.min() == -32768
    cut = np.mean(np.abs(out[touched]) >= 32767, axis=1)
    assert np.median(cut) > 1e-3 and np.all(cut > 0)
