"""The demo's words are what their module says, and short enough to be committed."""

import shutil
import wave

import numpy as np
import pytest
from kws_host import demo_words
from kws_reference.audio.pcm import read_wav

PATHS = {path.relative_to(demo_words.WORDS).as_posix(): path for path in demo_words.WORDS.rglob("*.wav")}


def test_demo_words_are_exactly_the_planned_ones():
    assert set(PATHS) == set(demo_words.plan()) | set(demo_words.silent_clips())
    assert sum(path.stat().st_size for path in PATHS.values()) < 2_000_000


def test_demo_words_are_one_second_of_16_khz_mono_int16_and_not_clipped():
    for path in PATHS.values():
        with wave.open(str(path)) as clip:
            assert clip.getparams()[:4] == (1, 2, 16000, 16000), path
        assert np.abs(read_wav(path).astype(int)).max() < 32767, path


def test_demo_words_lie_in_the_middle_of_their_second():
    for name in demo_words.plan():
        power = read_wav(PATHS[name]).astype(float).reshape(50, 320) ** 2
        loud = np.flatnonzero(power.mean(axis=1) > 100.0**2)
        assert 2 <= loud[0] and loud[-1] < 46, name  # a device has time to answer before the clip ends


@pytest.mark.parametrize("name", ["stop/slt.wav", "go/gina.wav", "_silence_/hum.wav"])
def test_demo_word_synthesised_again_sounds_the_same(name):
    silent = demo_words.silent_clips()
    if name in silent:
        again = silent[name]
    else:
        word, voice = demo_words.plan()[name]
        if shutil.which(voice.program) is None:
            pytest.skip(f"{voice.program} is not installed (make demo-words installs it)")
        again = demo_words.speak(word, voice)
    # Versions of the programs differ by rounding; another word or voice correlates by less than 0.5.
    assert demo_words.similarity(read_wav(PATHS[name]), again) >= demo_words.SAME


def test_similarity_of_different_words_is_low():
    assert abs(demo_words.similarity(read_wav(PATHS["stop/slt.wav"]), read_wav(PATHS["go/slt.wav"]))) < 0.5
