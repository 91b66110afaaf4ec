"""Programs that may be there or not: festival, piper, the vocoder; and what the log says where they are not."""

import json
import shutil
import sys
import wave

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_reference.errors import KwsError
from kws_training import cli
from kws_training.data.speech.corpus import speech_corpus
from kws_training.data.speech.other_talkers import write_other_talkers
from kws_training.data.text_to_speech import manner, other_speakers, task, vocoder, voices
from kws_training.data.text_to_speech.manner import Manner
from kws_training.data.text_to_speech.programs import espeak, festival, flite, piper

from tests.support.libri_folder import speech_folder

needs_piper = pytest.mark.skipif(not piper.timbres(), reason="missing: piper (pip install .[voices])")
needs_world = pytest.mark.skipif(not vocoder.is_there(), reason="missing: pyworld (pip install .[voices])")
needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="missing: espeak-ng (make demo-words installs)")
CACHES = (voices.voices, festival.timbres, festival.version, espeak.timbres, flite.timbres)


@pytest.fixture(autouse=True)
def fresh():
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


def buzz(hz: float, samples: int = 8000, formant_hz: float = 1000.0) -> np.ndarray:
    """A voice: pulses of a pitch through one formant."""
    pulses = np.zeros(samples)
    pulses[:: round(16000 / hz)] = 1.0
    time = np.arange(400) / 16000
    ring = np.exp(-time * 400) * np.sin(2 * np.pi * formant_hz * time)
    return 8000 * np.convolve(pulses, ring)[:samples]


def strongest_hz(pcm: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), 65536))
    smooth = np.convolve(spectrum, np.ones(1200), "same")  # over 300 Hz: the formant, not a harmonic
    return float(smooth.argmax() * 16000 / 65536)


def test_split_keeps_a_person_on_one_side_whatever_program_speaks_with_his_voice():
    found = [voices.Voice("flite", name) for name in ("awb", "kal", "rms", "slt")]
    found += [voices.Voice("festival", name) for name in ("slt", "kal", "ked")] + [voices.Voice("piper", "joe")]
    parts = {}
    for voice in found:
        parts.setdefault(voice.timbre, set()).add(voice.part)
    assert all(len(part) == 1 for part in parts.values())
    assert [len([part for part in parts.values() if part == {name}]) for name in ("validation", "testing")] == [1, 1]


def test_festival_is_asked_for_the_voices_that_it_has(tmp_path, monkeypatch):
    program = tmp_path / "festival"
    program.write_text(
        f"""#!{sys.executable}
import re, sys, wave
if sys.argv[1] == "--version":
    print("festival: Festival Speech Synthesis System: 2.5.0:release December 2017")
elif "voice.list" in sys.argv[2]:
    print("(kal_diphone ked_diphone)")
else:
    open({str(tmp_path / "asked")!r}, "a").write(sys.argv[2] + "\\n")
    with wave.open(re.findall('"([^"]+wav)"', sys.argv[2])[0], "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(bytes(range(256)) * 60)
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert set(festival.timbres()) == {"kal", "ked"} and festival.version() == "2.5.0"
    monkeypatch.setattr(festival, "as_another", lambda pcm, pitch, tract: pcm)
    said = festival.speaker("kal", 0)("caf\u00e9.", Manner(speed=2.0, pitch=1.0))
    assert len(said) == 7680
    asked = (tmp_path / "asked").read_text()
    assert "voice_kal_diphone" in asked and "Duration_Stretch 0.550" in asked
    assert "target_f0_mean 131.2" in asked and 'Text "cafe."' in asked


def test_programs_that_are_not_there_are_named_in_a_line_each(tmp_path, monkeypatch, log_lines):
    monkeypatch.setattr(vocoder, "is_there", lambda: False)
    monkeypatch.setattr(piper, "timbres", dict)
    monkeypatch.setattr(voices, "voices", lambda: (voices.Voice("espeak", "f2"),))
    monkeypatch.setenv("PATH", str(tmp_path))
    voices.log_missing()
    assert [line.split(":")[0] for line in log_lines] == [
        "no voices of flite",
        "no voices of festival",
        "no voices of piper",
        "no further speakers by vocoder",
    ]
    assert "festvox-us-slt-hts" in log_lines[1] and "kws-kit[voices]" in log_lines[2]


def test_vocoder_without_pyworld_moves_formants_by_playing_faster(monkeypatch):
    monkeypatch.setattr(vocoder, "_world", lambda: None)
    said = vocoder.as_another(buzz(100), 1.0, 1.25)
    assert len(said) == 6400
    assert strongest_hz(said) == pytest.approx(1250, rel=0.05)  # half of a smoothed harmonic


@needs_world
def test_vocoder_moves_pitch_formants_and_tempo_apart():
    pcm = buzz(100)
    world = vocoder._world()
    for pitch, tract, tempo in ((1.3, 1.0, 1.0), (1.0, 1.2, 1.0), (1.0, 1.0, 1.25), (0.8, 0.9, 0.8)):
        said = vocoder.as_another(pcm, pitch, tract, tempo)
        assert len(said) == pytest.approx(len(pcm) / tempo, abs=200)  # whole frames of 5 ms, and the last one's ring
        f0_hz, _ = world.dio(said, 16000)
        # An estimator's error of a few Hz on pulses of whole samples.
        assert np.median(f0_hz[f0_hz > 0]) == pytest.approx(100 * pitch, rel=0.03)
        assert strongest_hz(said) == pytest.approx(1000 * tract, rel=0.08)  # half of a smoothed harmonic


def test_rate_of_tract_is_a_multiple_of_50_hz_that_moves_formants_up():
    assert Manner(tract=1.0).rate_of_tract(16000) == 16000
    assert Manner(tract=1.1).rate_of_tract(16000) == 14550
    assert len(manner.resampled(np.ones(16000), 16000, 14550)) == 14550


@needs_piper
@pytest.mark.slow
def test_piper_says_the_same_again_with_the_same_seed_in_every_accent():
    texts = [
        (f"{word}.", Manner(accent=accent))
        for word, accent in zip("go on up no yes left right stop off".split(), manner.ACCENTS, strict=True)
    ]
    first, again, other = ([say(*text) for text in texts] for say in (piper.speaker("joe", seed) for seed in (1, 1, 2)))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert all(1000 < np.abs(pcm).max() < 40000 and 0.2 < len(pcm) / 16000 < 2.5 for pcm in first)


@needs_espeak
def test_labels_are_said_as_they_are_spelled_otherwise_and_the_record_names_the_programs(tmp_path, monkeypatch):
    monkeypatch.setattr(voices, "_PROGRAMS", {"espeak": espeak})
    out = tmp_path / "out"
    command = ["voices", "--words", "lights", "--clips-per-word", "4", "--out", str(out)]
    assert cli.main([*command, "--pronounce", "lights=loits,lates"]) == 0
    record = json.loads((out / "voices.json").read_text())
    assert record["spellings"] == {"lights": ["loits", "lates"]} and list(record["programs"])[0] == "espeak-ng"
    assert record["programs"]["espeak-ng"][0].isdigit()
    plain = tmp_path / "plain"
    assert cli.main([*command[:-1], str(plain)]) == 0
    same = [path.read_bytes() == (plain / "lights" / path.name).read_bytes() for path in (out / "lights").glob("*.wav")]
    assert sum(same) == 2  # the first and the fourth take the label's own spelling
    assert cli.main([*command, "--pronounce", "lights=loits"]) == 2  # that is another call


@pytest.mark.parametrize("value", ["lights", "music=mew", "lights=", "=loits"])
def test_pronunciation_that_is_none_is_one_line(tmp_path, capsys, value):
    out = tmp_path / "out"
    assert cli.main(["voices", "--words", "lights", "--out", str(out), "--pronounce", value]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and f"Received: {value!r}" in error[0] and not out.exists()


def test_pronunciation_without_voices_is_refused(tmp_path, capsys):
    command = ["fit", "--labels", "on", "--data", str(tmp_path), "--pronounce", "on=onn"]
    assert cli.main([*command, "--out", str(tmp_path / "run")]) == 2
    assert "Give --voices too" in capsys.readouterr().err


def test_folder_of_voices_that_is_there_is_kept_when_programs_have_come_or_gone(tmp_path, monkeypatch, log_lines):
    call = {"labels": ["on"], "clips": 1, "unknown": 0, "clips_per_unknown": 1, "seed": 1, "spellings": {}}
    (tmp_path / "on").mkdir()
    (tmp_path / "on" / "espeak-f2_nohash_0.wav").touch()
    (tmp_path / "voices.json").write_text(json.dumps({**call, "programs": {}, "voices": ["espeak-f2"]}))
    for there in ((), (voices.Voice("piper", "joe"), voices.Voice("espeak", "f2"))):
        monkeypatch.setattr(task, "installed_voices", lambda there=there: there)
        assert task.speak_task(("on",), tmp_path, 1, 0, 1, 1) == 1
    assert len(log_lines) == 1 and "before 1 voices" in log_lines[0] and "piper-joe" in log_lines[0]


@needs_world
def test_other_speakers_come_from_recordings_that_train_alone(tmp_path, capsys):
    recordings, out = tmp_path / "recordings", tmp_path / "out"
    for index in range(10):
        path = recordings / "lights" / f"person{index}_nohash_0.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        pcm = np.zeros(16000)
        pcm[4000:12000] = buzz(100 + 10 * index)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(pcm.astype("<i2").tobytes())
    validating = "lights/person3_nohash_0.wav"
    (recordings / "validation_list.txt").write_text(f"{validating}\n")
    command = ["voices", "--words", "lights", "--recordings", str(recordings), "--clips-per-word", "12"]
    assert cli.main([*command, "--out", str(out)]) == 0
    assert "12 clips of 1 words by other speakers" in capsys.readouterr().out
    made = {path.name: path.read_bytes() for path in (out / "lights").iterdir()}
    assert len(set(made.values())) == 12 and not any("person3" in name for name in made)
    assert cli.main([*command, "--out", str(out)]) == 2
    assert "holds clips already" in capsys.readouterr().err
    assert cli.main([*command, "--out", str(tmp_path / "again")]) == 0
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "again" / "lights").iterdir()}


def test_other_speakers_without_pyworld_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(vocoder, "is_there", lambda: False)
    with pytest.raises(KwsError, match=r"pip install 'kws-kit\[voices\]'"):
        other_speakers.write_other_speakers(tmp_path, ("on",), tmp_path / "out", 1, 1)


@needs_world
def test_speech_is_said_again_by_others_under_the_same_names_and_as_fast(tmp_path, capsys):
    speech = speech_folder(tmp_path / "speech", {"84-1-0000": "rain fell", "85-1-0000": "we know"}, timed=True)
    command = ["voices", "--speech", str(speech), "--seed", "3"]
    assert cli.main([*command, "--out", str(tmp_path / "out")]) == 0
    assert "2 recordings of" in capsys.readouterr().out
    first, again = speech_corpus(speech), speech_corpus(tmp_path / "out")
    assert [item.name for item in again.recordings] == [item.name for item in first.recordings]
    assert again.speakers == first.speakers and [item.words for item in again.recordings] == [
        item.words for item in first.recordings
    ]
    for one, other in zip(first.recordings, again.recordings, strict=True):
        heard, copied = read_wav(one.path), read_wav(other.path)
        assert len(heard) == len(copied) and not np.array_equal(heard, copied)
    made = {item.name: item.path.read_bytes() for item in again.recordings}
    again.recordings[0].path.unlink()
    assert cli.main([*command, "--out", str(tmp_path / "out")]) == 0  # what is missing alone
    assert made == {item.name: item.path.read_bytes() for item in again.recordings}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give either --words"),
        (("--words", "on", "--speech", "s"), "give either --words"),
        (("--speech", "s", "--recordings", "r"), "said again as it is"),
    ],
)
def test_voices_of_nothing_or_of_both_are_refused(words, message, tmp_path, capsys):
    assert cli.main(["voices", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_speech_is_not_said_again_into_itself_or_without_pyworld(tmp_path, monkeypatch):
    speech = speech_folder(tmp_path / "speech", {"84-1-0000": "rain fell"})
    monkeypatch.setattr(vocoder, "is_there", lambda: True)
    with pytest.raises(KwsError, match="Choose another folder"):
        write_other_talkers(speech, speech / "again", 1)
    monkeypatch.setattr(vocoder, "is_there", lambda: False)
    with pytest.raises(KwsError, match=r"pip install 'kws-kit\[voices\]'"):
        write_other_talkers(speech, tmp_path / "out", 1)
