"""Which words of speech become clips, under which names, and what a clip holds."""

import json

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_reference.audio.recordings import find_recordings
from kws_reference.errors import KwsError
from kws_training.data.speakers import speaker_of
from kws_training.data.speech.align import PlacedWord
from kws_training.data.speech.alignment_checks import doubts
from kws_training.data.speech.choose_words import Cut, file_safe, keyword_cuts, unknown_cuts
from kws_training.data.speech.corpus import speech_corpus
from kws_training.data.speech.cut_corpus import CutJob, cut_corpus
from kws_training.data.speech.cut_words import clip_of, quiet_of
from kws_training.data.speech.word_times import SpokenWord, read_word_times
from kws_training.data.splits import divide

from tests.support.clip_files import write_wav

INFINITE = float("inf")


def placed(start_s, end_s, score=-1.3, phones=3):
    return PlacedWord(start_s, end_s, "word", score, phones)


def test_doubts_of_words_name_what_speaks_against_each():
    rng = np.random.default_rng(1)
    pcm = rng.normal(0, 3, 5 * 16000)
    pcm[:64000] *= 500
    words = [placed(0.0, 0.3), placed(0.5, 0.6), placed(1.0, 2.0), placed(2.0, 2.3, -4.5), placed(4.2, 4.5)]
    assert doubts(pcm.astype(np.int16), words) == ["", "short", "long", "unlike", "silent"]
    assert (
        doubts(pcm.astype(np.int16), [placed(0.0, 0.3, -4), placed(0.5, 0.9, -1), placed(1, 1.3, -4)]) == ["text"] * 3
    )


def tone_and_noise(*spans):
    """Three seconds of faint noise; a tone of its own frequency in each span."""
    pcm = np.random.default_rng(2).normal(0, 20, 48000)
    for number, (start, end) in enumerate(spans):
        pcm[start:end] += 5000 * np.sin(2 * np.pi * (440 + 300 * number) * np.arange(end - start) / 16000)
    return np.rint(pcm).astype(np.int16)


def test_clip_of_word_between_others_keeps_the_word_and_has_quiet_in_place_of_its_neighbours():
    pcm = tone_and_noise((16000, 24000), (24000, 30400), (32000, 40000))
    cut = Cut("go", "a", 0, "x.wav", "go", 1.5, 1.9, 1.5, 2.0)
    quiet = quiet_of(pcm, 1)
    clip = clip_of(pcm, cut, "fade", quiet)
    first = 27200 - 8000
    np.testing.assert_array_equal(clip[24000 - first : 30400 - first], pcm[24000:30400])
    np.testing.assert_array_equal(clip[30400 - first : 31500 - first], pcm[30400:31500])  # the pause behind it
    assert np.abs(clip[: 24000 - 480 - first]).max() < 120 and np.abs(clip[32000 - first :]).max() < 120
    assert 10 < clip[: 24000 - 480 - first].std() < 40  # its own quiet, not zeros
    np.testing.assert_array_equal(clip_of(pcm, cut, "keep", quiet), pcm[first : first + 16000])


def test_clip_of_word_at_the_ends_of_a_recording_is_filled_with_quiet():
    pcm = tone_and_noise((0, 4800))[:6000]
    clip = clip_of(pcm, Cut("go", "a", 0, "x.wav", "go", 0.0, 0.3, 0.0, INFINITE), "keep", quiet_of(pcm, 1))
    assert 5 < clip[:5000].std() < 60 and 5 < clip[12000:].std() < 60
    np.testing.assert_array_equal(clip[6500:10000], pcm[900:4400])  # the fades at the recording's ends are outside


def test_quiet_of_silent_recording_is_silent():
    assert not quiet_of(np.zeros(100, np.int16), 1).any()


@pytest.mark.parametrize("speaker", ["84", "Anna.B-2", "\u00c5sa"])
def test_file_safe_plain_names_stay(speaker):
    assert file_safe(speaker) == speaker


def test_file_safe_other_names_stay_apart_and_are_one_speaker_to_the_split():
    names = ["show one", "show-one", "a_nohash_b", "a nohash b", "-", "x" * 90, "x" * 91]
    safe = [file_safe(name) for name in names]
    assert len(set(safe)) == len(names)
    assert [speaker_of(f"go/{name}_nohash_3.wav") for name in safe] == safe


@pytest.fixture
def speech(tmp_path):
    """Two recordings of each of three people, every half second a word."""
    root = tmp_path / "speech"
    said = ["stop", "no", "know", "stops", "tree", "house", "tree", "hey", "computer"]
    times = {}
    for speaker in ("anna b", "bo", "cy"):
        for number in range(2):
            name = f"{speaker}/{number}.wav"
            write_wav(root / name, np.random.default_rng(number).normal(0, 900, 5 * 16000))
            times[name] = tuple(SpokenWord(0.5 * at, 0.5 * at + 0.4, word) for at, word in enumerate(said))
    return speech_corpus(root), times


def test_keyword_cuts_take_what_sounds_the_same_and_phrases(speech):
    corpus, times = speech
    cuts = [cut for cut in keyword_cuts(corpus, times, ("no", "hey computer")) if cut.recording == "bo/1.wav"]
    assert [(cut.name, cut.word, cut.start_s, cut.before_s, cut.behind_s) for cut in cuts] == [
        ("no/bo_nohash_2.wav", "no", 0.5, 0.4, 1.0),
        ("no/bo_nohash_3.wav", "know", 1.0, 0.9, 1.5),
        ("hey computer/bo_nohash_1.wav", "hey computer", 3.5, 3.4, INFINITE),
    ]


def test_unknown_cuts_are_of_different_words_and_people_and_never_like_a_keyword(speech):
    corpus, times = speech
    times["cy/0.wav"] = tuple(SpokenWord(w.start_s, w.end_s, w.word, "unlike") for w in times["cy/0.wav"])
    few, all_of_them = (unknown_cuts(corpus, times, ("stop", "no", "hey computer"), count) for count in (2, 99))
    assert {cut.word for cut in few} == {"tree", "house"} and len({cut.speaker for cut in few}) == 2
    assert {cut.word for cut in all_of_them} == {"tree", "house"} and len(all_of_them) == 5 * 3
    assert "cy/0.wav" not in {cut.recording for cut in all_of_them}


def test_cut_corpus_writes_clips_that_the_split_divides_by_speaker_and_removes_those_of_before(speech, tmp_path):
    corpus, times = speech
    times["bo/0.wav"] = (
        SpokenWord(0.0, 0.2, "no", "silent"),
        SpokenWord(0.3, 0.41, "know"),
        SpokenWord(1.0, 2.2, "no"),
        *times["bo/0.wav"][3:],
    )
    out = tmp_path / "cut"
    out.mkdir()
    cut_corpus(CutJob(corpus, times, ("no", "stop"), 6, "fade", out), {"x.wav": "no text"})
    report = cut_corpus(CutJob(corpus, times, ("no",), 4, "fade", out), {"x.wav": "no text"})
    assert report["keywords"]["no"]["left_out"] == {"silent": 1, "swallowed": 1, "too long": 1}
    assert report["keywords"]["no"]["as"] == {"no": 5, "know": 5} and report["refused_recordings"] == {
        "x.wav": "no text"
    }
    assert json.loads((out / "cuts.json").read_text()) == report
    listing = find_recordings(out)
    table = [line.split("\t") for line in (out / "cuts.tsv").read_text().splitlines()[1:]]
    assert sorted(item.name for item in listing.clips) == sorted(row[0] for row in table if not row[5])
    assert len(listing.clips) == 10 + 4 and "empty folders" not in listing.left_out
    division = divide(listing, ("no",))
    parts = [{speaker_of(name) for name in division.names(split)} for split in ("training", "validation")]
    assert len(parts[1]) == 1 and not parts[0] & parts[1]
    assert all(read_wav(item.path).shape == (16000,) for item in listing.clips)


def test_cut_corpus_second_look_puts_aside_what_no_reader_of_clips_takes(speech, tmp_path):
    corpus, times = speech

    def listener(pcm, labels):
        return ["stop" if label == "no" and not number else "" for number, label in enumerate(labels)]

    report = cut_corpus(CutJob(corpus, times, ("no",), 0, "keep", tmp_path, listener=listener), {})
    assert report["keywords"]["no"]["left_out"] == {"heard as stop": 1} and report["keywords"]["no"]["clips"] == 11
    assert len(list((tmp_path / "_aside_/no").glob("*.wav"))) == 1
    assert len([item for item in find_recordings(tmp_path).clips if item.folder == "no"]) == 11
    cut_corpus(CutJob(corpus, times, ("no",), 0, "keep", tmp_path), {})
    assert not list((tmp_path / "_aside_").rglob("*.wav"))


def test_cut_corpus_folder_with_other_clips_is_refused(speech, tmp_path):
    write_wav(tmp_path / "cut/no/mine.wav", np.ones(9))
    with pytest.raises(KwsError, match=r"holds clips that were not cut, such as no/mine\.wav"):
        cut_corpus(CutJob(*speech, ("no",), 0, "fade", tmp_path / "cut"), {})


def test_cut_corpus_words_that_nobody_says_are_refused(speech, tmp_path):
    with pytest.raises(KwsError, match="none of zebra is said in it"):
        cut_corpus(CutJob(*speech, ("zebra",), 0, "fade", tmp_path / "cut"), {})


def test_read_word_times_of_nothing_is_nothing(tmp_path):
    (tmp_path / "words.tsv").write_text("")
    assert read_word_times(tmp_path / "words.tsv") == {}
