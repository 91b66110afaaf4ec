"""Words out of a vowel and a hiss: what is taken of which recording, and what lies behind what."""

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_training import cli
from kws_training.data.splicing import hiss_in, spliced, vowel_in

from tests.support.clip_files import write_wav

RATE = 16000
PAUSE, VOWEL, END = 4000, 8000, 10400


def vowel(samples, hz=(120, 240, 600, 720, 1080, 1200, 2040)):
    time = np.arange(samples) / RATE
    return sum(2500 * np.sin(2 * np.pi * tone * time) for tone in hz)


def hiss(samples, rng):
    noise = np.fft.rfft(rng.normal(0, 500, samples))
    noise[np.fft.rfftfreq(samples, 1 / RATE) < 3000] = 0
    return np.fft.irfft(noise, samples)


def clip(*parts, seed=1):
    pcm = np.random.default_rng(seed).normal(0, 6, RATE)
    at = PAUSE
    for part in parts:
        pcm[at : at + len(part)] += part
        at += len(part)
    return np.rint(pcm).astype(np.int16)


def on(seed=1):
    """A pause, a vowel of a quarter of a second, a nasal: its lowest tones."""
    return clip(vowel(VOWEL - PAUSE), vowel(END - VOWEL, (120, 240)), seed=seed)


def five(seed=2):
    """A hiss of 0.1 s, then a vowel."""
    return clip(hiss(1600, np.random.default_rng(seed)), vowel(4000), seed=seed)


def db(pcm, low, high):
    power = np.abs(np.fft.rfft(pcm.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(pcm), 1 / RATE)
    return 10 * np.log10(power[(hz >= low) & (hz < high)].sum() / len(pcm) + 1e-9)


def test_vowel_ends_where_the_nasal_begins():
    found = vowel_in(on(), "anna")
    assert abs(found.start - PAUSE) <= 800 and VOWEL - 1200 <= found.end <= VOWEL
    assert found.speaker == "anna"


def test_hiss_is_what_precedes_the_voice_and_the_pause_is_taken_off_it():
    found = hiss_in(five())
    tones = np.arange(257) * 31.25
    low, high = found.power[(tones > 500) & (tones < 2000)], found.power[tones > 3500]
    assert 10 * np.log10(high.mean() / low.mean()) > 15


@pytest.mark.parametrize("pcm", [np.zeros(RATE, np.int16), clip(), np.full(RATE, 99, np.int16)])
def test_silence_has_neither(pcm):
    assert vowel_in(pcm) is None and hiss_in(pcm) is None


def test_word_without_a_hiss_before_its_voice_gives_none():
    assert hiss_in(on()) is None


def test_spliced_word_is_the_vowel_and_behind_it_the_hiss_at_its_level():
    first, last = vowel_in(on()), hiss_in(five())
    for seed in range(8):
        made = spliced(first, last, np.random.default_rng(seed))
        assert made.dtype == np.int16 and made.shape == (RATE,)
        voice = np.array([db(made[at : at + 400], 500, 1300) for at in range(0, RATE - 400, 400)])
        noise = np.array([db(made[at : at + 400], 3200, 7000) for at in range(0, RATE - 400, 400)])
        voiced, hissed = np.flatnonzero(voice > voice.max() - 6), np.flatnonzero(noise > noise.max() - 9)
        assert voiced.max() - voiced.min() < 14 and hissed.min() >= voiced.max() - 2
        assert 2 <= hissed.max() - hissed.min() <= 11  # 0.1 to 0.26 s, swelling and fading
        assert abs((voiced.min() + hissed.max()) / 2 * 400 - RATE / 2) < 3200
    again = spliced(first, last, np.random.default_rng(7))
    assert np.array_equal(again, made)


def test_splice_takes_training_clips_and_prefers_the_same_speaker(tmp_path, capsys):
    data = tmp_path / "data"
    for speaker in ("anna", "bert", "cleo"):
        write_wav(data / f"on/{speaker}_nohash_0.wav", on())
    write_wav(data / "five/anna_nohash_0.wav", five())
    write_wav(data / "five/dora_nohash_0.wav", five(3))
    (data / "validation_list.txt").write_text("on/cleo_nohash_0.wav\n")
    words = ["splice", str(data), "--word", "off", "--vowel-of", "on", "--hiss-of", "five", "--clips-per-vowel", "2"]
    assert cli.main([*words, "--out", str(tmp_path / "one")]) == 0
    assert "4 clips of off out of on and five" in capsys.readouterr().out
    names = sorted(path.name.split("_")[0] for path in (tmp_path / "one/off").glob("*.wav"))
    assert names == ["anna-splice0", "anna-splice1", "bert-splice0", "bert-splice1"]
    assert cli.main([*words, "--out", str(tmp_path / "two")]) == 0
    for path in (tmp_path / "one/off").glob("*.wav"):
        assert path.read_bytes() == (tmp_path / "two/off" / path.name).read_bytes()
        assert read_wav(path).any()
    assert cli.main([*words, "--out", str(tmp_path / "one")]) == 2
    assert "holds clips already" in capsys.readouterr().err


def test_splice_of_recordings_without_the_sounds_is_refused(tmp_path, capsys):
    for word in ("on", "five"):
        for speaker in ("anna", "bert"):
            write_wav(tmp_path / f"data/{word}/{speaker}_nohash_0.wav", np.full(RATE, 99))
    words = ["splice", str(tmp_path / "data"), "--word", "off", "--vowel-of", "on", "--hiss-of", "five"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "no clear vowel of on" in capsys.readouterr().err
    assert cli.main([*words, "--clips-per-vowel", "0", "--out", str(tmp_path / "out")]) == 2
    assert "must be at least 1" in capsys.readouterr().err
