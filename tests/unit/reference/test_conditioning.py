"""What a microphone's samples go through."""

import numpy as np
import pytest
from kws_reference.audio.conditioning import MAX_GAIN_Q8, Conditioner


def _noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)


def test_conditioner_without_work_gives_what_it_takes():
    pcm = _noise(1000)
    assert np.array_equal(Conditioner(256, remove_dc=False).push(pcm), pcm)


@pytest.mark.parametrize(("gain_q8", "value", "expected"), [(512, 100, 200), (128, 3, 2), (128, -3, -1), (1, 255, 1)])
def test_conditioner_gain_rounds_half_up(gain_q8, value, expected):
    assert Conditioner(gain_q8, remove_dc=False).push(np.array([value], np.int16)).tolist() == [expected]


@pytest.mark.parametrize("remove_dc", [False, True])
def test_conditioner_loudest_samples_saturate(remove_dc):
    pcm = np.tile(np.array([32767, -32768], np.int16), 500)
    out = Conditioner(MAX_GAIN_Q8, remove_dc).push(pcm)
    assert out.max() == 32767 and out.min() == -32768


@pytest.mark.parametrize("level", [-32768, -1000, 7, 32767])
def test_conditioner_constant_part_vanishes_within_0_4_seconds(level):
    out = Conditioner().push(np.full(8000, level, np.int16))
    assert abs(int(out[0])) >= abs(level) - abs(level) // 256 - 1
    assert np.abs(out[6000:].astype(int)).max() <= 1


def test_conditioner_speech_band_is_left_alone():
    t = np.arange(16000) / 16000
    pcm = np.round(8000 * np.sin(2 * np.pi * 100 * t)).astype(np.int16)
    out = Conditioner().push(pcm)
    assert np.abs(out[8000:].astype(int)).max() > 0.99 * 8000  # 5 Hz is 26 dB below 100 Hz


def test_conditioner_pieces_of_any_size_give_what_the_whole_gives():
    pcm, cuts = _noise(5000), [0, 1, 7, 160, 161, 1600, 5000]
    parts = Conditioner(300)
    pieces = [parts.push(pcm[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    assert np.array_equal(np.concatenate(pieces), Conditioner(300).push(pcm))


@pytest.mark.parametrize("gain_q8", [0, -1, 32768])
def test_conditioner_gain_out_of_range_is_refused(gain_q8):
    with pytest.raises(ValueError, match=f"gain_q8 must be 1 to 32767. Received: {gain_q8}"):
        Conditioner(gain_q8)
