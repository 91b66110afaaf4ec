"""Synthetic voices, and the unknown words that they say."""

import hashlib
import re
import shutil
import wave

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_reference.labels import TEN_KEYWORDS
from kws_training import cli
from kws_training.data.clips import ClipSpec, FolderSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.selection import index_speech_commands
from kws_training.data.text_to_speech import processes, pronunciation, speak, task, unknown_words, voices, write_voices
from kws_training.data.text_to_speech.common_words import COMMON_WORDS
from kws_training.data.text_to_speech.programs import espeak, flite

MISSING = [program for program in ("espeak-ng", "flite") if shutil.which(program) is None]
needs_programs = pytest.mark.skipif(bool(MISSING), reason=f"missing: {', '.join(MISSING)} (make demo-words installs)")


@pytest.fixture(autouse=True)
def two_programs(monkeypatch):
    """The voices that CI has, whatever else is installed here."""
    monkeypatch.setattr(voices, "_PROGRAMS", {"espeak": espeak, "flite": flite})
    caches = (voices.voices, espeak.timbres, flite.timbres)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def digest(folder) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@needs_programs
def test_voices_command_writes_seconds_of_16_khz_and_the_same_again(tmp_path, capsys):
    for name in ("one", "two"):
        command = ["voices", "--words", "lights,music", "--clips-per-word", "6", "--out", str(tmp_path / name)]
        assert cli.main(command) == 0
    assert "12 clips of 2 words" in capsys.readouterr().out
    files = digest(tmp_path / "one")
    assert files == digest(tmp_path / "two")
    clips = sorted((tmp_path / "one").glob("*/*.wav"))
    assert len(clips) == 12 and len({read_wav(path).tobytes() for path in clips}) == 12
    for path in clips:
        with wave.open(str(path)) as clip:
            assert clip.getparams()[:4] == (1, 2, 16000, 16000)
        assert 100 < np.abs(read_wav(path).astype(int)).max() < 32768


@needs_programs
def test_voices_with_another_seed_say_it_otherwise(tmp_path):
    for seed in (1, 2):
        write_voices.write_voices(["music"], tmp_path / str(seed), 4, seed)
    clips = [{path.read_bytes() for path in (tmp_path / seed).glob("*/*.wav")} for seed in ("1", "2")]
    assert len(clips[0]) == len(clips[1]) == 4 and not clips[0] & clips[1]


@needs_programs
def test_every_split_has_voices_of_both_programs_and_lists_say_which(tmp_path):
    for split in ("training", "validation", "testing"):
        found = {voice.program for voice in voices.voices() if voice.part == split}
        assert found == {"espeak", "flite"}, split
    for voice in voices.voices():
        (tmp_path / "music").mkdir(exist_ok=True)
        (tmp_path / "music" / f"{voice.name}_nohash_0.wav").touch()
    write_voices.write_voices(["go"], tmp_path, 1, 1)
    for split in ("validation", "testing"):
        listed = (tmp_path / f"{split}_list.txt").read_text().split()
        assert listed == index_speech_commands(tmp_path, split, "lists") and len(listed) > 5


@needs_programs
def test_speak_long_word_fits_into_its_second():
    for voice in (voices.Voice("flite", "slt"), voices.Voice("espeak", "f2")):
        clip = speak.speak("internationalization", voice, voice.speaker(0), np.random.default_rng(0))
        assert clip.shape == (16000,) and np.abs(clip[:200].astype(int)).max() < 3000


@needs_programs
def test_clips_of_voices_are_synthetic_and_load(tmp_path):
    write_voices.write_voices(["yes"], tmp_path, 3, 1)
    clips = load_clips(ClipSpec(folders=(FolderSpec(tmp_path),)))
    assert clips.synthetic.all() and clips.labels.tolist() == [2, 2, 2]


def test_voices_without_the_programs_say_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["voices", "--words", "on", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and "apt-get install espeak-ng flite" in error[0]
    with pytest.raises(KwsError, match="apt-get install"):
        unknown_words.near_words(("lights",), 3, 1)


@pytest.mark.parametrize("word", ["", "on  off", "-rf", "2", "$(x)", "日本", "да", "route 66", "a/b", "on\toff"])
def test_voices_word_that_is_no_word_is_refused(tmp_path, word):
    with pytest.raises(KwsError, match="letters"):
        write_voices.write_voices([word], tmp_path, 1, 1)


@needs_programs
def test_distinct_words_leaves_out_what_sounds_like_a_keyword():
    same = ["know", "write", "wright", "rite", "write's", "stops", "ups", "yes", "starp"]
    other = ["gone", "own", "dawn", "house", "four", "marvin"]
    assert pronunciation.distinct_words(same + other, TEN_KEYWORDS) == other


@pytest.mark.slow
@needs_programs
def test_near_words_are_near_and_none_sounds_like_or_begins_with_a_keyword():
    near = unknown_words.near_words(TEN_KEYWORDS, 40, 1)
    assert len(set(near)) == 40 and near == unknown_words.near_words(TEN_KEYWORDS, 40, 1)
    assert pronunciation.distinct_words(near, TEN_KEYWORDS) == near
    sounds = pronunciation.pronunciations([*near, *TEN_KEYWORDS])
    for word in near:
        ways = [
            (pronunciation.distance(way, label), way[: len(label)] == label)
            for keyword in TEN_KEYWORDS
            for way, label in zip(sounds[word], sounds[keyword], strict=True)
        ]
        assert min(ways)[0] <= 2 and min(ways)[0] > 0, word
    assert len(unknown_words.near_words(("lights", "music"), 30, 2)) == 30


@pytest.mark.slow
@needs_programs
def test_near_words_leave_out_a_label_with_other_vowels_but_words_beside_a_short_one():
    assert not {"jurvis", "jervis", "jairvis", "jeervis"} & set(unknown_words.near_words(("jarvis",), 200, 1))
    assert "lift" in unknown_words.near_words(("left",), 200, 1)


@pytest.mark.slow
@needs_programs
def test_near_words_of_a_phrase_change_each_of_its_words():
    near = unknown_words.near_words(("hey jarvis",), 20, 1)
    assert sum(phrase.endswith(" jarvis") for phrase in near) >= 8
    assert sum(phrase.startswith("hey ") for phrase in near) >= 8


def test_differs_by_vowels_alone_of_both_programs():
    label = (tuple("dʒ ɑ ɹ v ɪ s".split()), tuple("jh aa r v ax s".split()))
    assert pronunciation.differs_by_vowels_alone((tuple("dʒ ɜ v ɪ s".split()), tuple("jh er r v ih s".split())), label)
    assert not pronunciation.differs_by_vowels_alone(
        (tuple("tʃ ɑ ɹ v ɪ s".split()), tuple("ch aa r v ax s".split())), label
    )


def test_distance_counts_sounds():
    assert pronunciation.distance("kat", "kat") == 0
    assert pronunciation.distance("kat", "kad") == 0.5  # voicing alone
    assert pronunciation.distance("kat", "kit") == 1
    assert pronunciation.distance("kat", "skats") == 2


def test_common_words_are_distinct_and_lower_case():
    words = COMMON_WORDS
    assert len(set(words)) == len(words) > 400
    assert all(word.isalpha() and word == word.lower() for word in words)


@pytest.mark.slow
@needs_programs
def test_speak_task_makes_labels_and_unknown_words_once(tmp_path, monkeypatch):
    assert task.speak_task(("lights", "music"), tmp_path, 5, 4, 2, 1) == 18
    names = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert {"lights", "music"} < names and len(names) == 6
    with monkeypatch.context() as patch:
        patch.setattr(task, "write_voices", None)  # what is there is not made again
        assert task.speak_task(("lights", "music"), tmp_path, 5, 4, 2, 1) == 18
    with pytest.raises(KwsError, match="other clips"):
        task.speak_task(("lights", "music"), tmp_path, 6, 4, 2, 1)


@pytest.mark.slow
@needs_programs
def test_voices_say_phrases_and_their_words_are_unknown_ones(tmp_path, capsys):
    command = ["voices", "--words", " Hello   World ,hey jarvis,naïve", "--clips-per-word", "3", "--unknown-words", "8"]
    assert cli.main([*command, "--clips-per-unknown-word", "1", "--out", str(tmp_path / "v")]) == 0
    folders = {path.name for path in (tmp_path / "v").iterdir() if path.is_dir()}
    assert {"Hello World", "hey jarvis", "naïve", "hello", "world", "hey", "jarvis"} < folders and len(folders) == 11
    words = ("Hello World", "hey jarvis", "naïve")
    clips = load_clips(ClipSpec(folders=(FolderSpec(tmp_path / "v"),), words=words))
    assert [list(clips.labels).count(index) for index in range(5)] == [0, 8, 3, 3, 3]
    assert "17 clips of 3 words" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["v"]


@needs_programs
def test_pronunciations_of_a_phrase_are_those_of_its_words():
    sounds = pronunciation.pronunciations(["hey jarvis", "hey", "jarvis"])
    assert all(both == first + last for both, first, last in zip(*sounds.values(), strict=True))


@needs_programs
@pytest.mark.parametrize(
    "words, message",
    [
        ("日本", "voices speak English"),
        ("on,日本", "voices speak English"),
        ("on,turn on the light in the kitchen please", "takes 2..* s when it is spoken"),
        ("on,On", r"On twice \(on is the same\)"),
        ("cafe\u0301,café", "café twice"),
        ("..,on", "no dot"),
        ("on/off", "no slash"),
        (" , ", "names no word"),
        ("_unknown_", "reserved"),
        ("on\x00", "control characters"),
        ("a" * 300, "at most 200 bytes"),
    ],
)
def test_voices_that_cannot_be_said_are_refused_before_the_folder_is_there(tmp_path, capsys, words, message):
    out = tmp_path / "out"
    assert cli.main(["voices", "--words", words, "--out", str(out)]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and re.search(message, error[0])
    assert not list(tmp_path.iterdir())


@needs_programs
def test_fit_with_voices_refuses_what_they_cannot_say_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(processes.subprocess, "run", lambda *_, **__: pytest.fail("a program ran"))
    assert cli.main(["fit", "--voices", "--labels", "on,日本", "--out", str(tmp_path / "run")]) == 2
    assert "voices speak English" in capsys.readouterr().err and not list(tmp_path.iterdir())


@needs_programs
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError(28, "No space left on device")])
def test_speak_task_that_is_interrupted_leaves_nothing(tmp_path, monkeypatch, error):
    left = [5]

    def write(*arguments):
        left[0] -= 1
        if not left[0]:
            raise error
        return real(*arguments)

    real = write_voices.write_wav
    monkeypatch.setattr(write_voices, "write_wav", write)
    with pytest.raises((KwsError, KeyboardInterrupt, SystemExit)):
        task.speak_task(("lights",), tmp_path / "v", 8, 0, 1, 1)
    assert not list(tmp_path.iterdir())
    (tmp_path / ".v.999999.partial").mkdir()  # of one that was killed
    assert task.speak_task(("lights",), tmp_path / "v", 2, 0, 1, 1) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["v"]


@needs_programs
def test_speak_task_into_a_folder_with_something_else_keeps_that(tmp_path):
    (tmp_path / "README").write_text("mine")
    assert task.speak_task(("lights",), tmp_path, 2, 0, 1, 1) == 2
    assert {path.name for path in tmp_path.iterdir()} >= {"README", "lights", "voices.json"}


@needs_programs
def test_check_lengths_tells_of_a_phrase_that_is_spoken_faster(log_lines):
    speak.check_lengths(["on", "turn on the music"])
    assert len(log_lines) == 1 and "'turn on the music' takes 1." in log_lines[0] and "spoken faster" in log_lines[0]
