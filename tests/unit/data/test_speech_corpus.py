"""Folders of speech as people have them: whose recording it is, what is said, when, and which words say a label."""

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_training.data.speech.corpus import speech_corpus, split_speakers, words_of_text
from kws_training.data.speech.pronouncing import dictionary, pronounced
from kws_training.data.speech.said_labels import LabelSpotter, homophones
from kws_training.data.speech.word_times import SpokenWord, find_word_times, read_word_times, write_word_times

from tests.support.clip_files import write_wav


def record(root, *names):
    for name in names:
        write_wav(root / name, np.ones(160, np.int16))


def known(root):
    return {item.name: (item.speaker, item.text) for item in speech_corpus(root).recordings}


def test_speech_corpus_librispeech_layout_gives_speakers_and_words_at_any_depth(tmp_path):
    record(
        tmp_path, "dev-clean/84/121/84-121-0000.wav", "dev-clean/84/121/84-121-0001.WAV", "dev-clean/7/9/7-9-0000.wav"
    )
    (tmp_path / "dev-clean/84/121/84-121.trans.txt").write_text("84-121-0000 GO AHEAD\n84-121-0001 I DON'T KNOW\n")
    corpus = speech_corpus(tmp_path)
    assert [(item.speaker, item.words) for item in corpus.recordings] == [
        ("7", ()),
        ("84", ("go", "ahead")),
        ("84", ("i", "don't", "know")),
    ]
    assert corpus.speakers == ("7", "84")
    assert [item.name for item in corpus.of_speakers(frozenset({"7"})).recordings] == ["dev-clean/7/9/7-9-0000.wav"]


def test_speech_corpus_table_counts_paths_from_its_folder_in_any_case_with_or_without_suffix(tmp_path):
    record(tmp_path, "show one/Ep 1.wav", "show one/ep2.WAV", "show one/sub/ep3.wav", "elsewhere.wav")
    table = "Ep 1.wav\tStop -- the \u201ctest\u201d!\tAnna\r\n\r\nEP2.wav\tyes\r\n.\\sub\\ep3\tno\tBea\r\n"
    (tmp_path / "show one/all.tsv").write_bytes(b"\xef\xbb\xbf" + table.encode())
    assert known(tmp_path) == {
        "show one/Ep 1.wav": ("Anna", "Stop -- the \u201ctest\u201d!"),
        "show one/ep2.WAV": ("show one", "yes"),
        "show one/sub/ep3.wav": ("Bea", "no"),
        "elsewhere.wav": ("elsewhere", None),
    }


def test_speech_corpus_table_with_names_of_columns_takes_them_in_any_order(tmp_path):
    record(tmp_path, "clips/a.wav")
    (tmp_path / "train.tsv").write_text("client_id\tpath\tup_votes\tsentence\nx9\tclips/a.wav\t2\tGo on.\n")
    assert known(tmp_path) == {"clips/a.wav": ("x9", "Go on.")}


def test_speech_corpus_plain_recordings_belong_to_their_folder_or_to_themselves(tmp_path, caplog):
    record(tmp_path, "anna/1/x.wav", "talk.wav", "_background_noise_/fan.wav")
    (tmp_path / "anna/more.mp3").write_bytes(b"x")
    (tmp_path / "words.tsv").write_text("talk.wav\t0.1\t0.4\tgo\n")
    with caplog.at_level("INFO"):
        assert known(tmp_path) == {"anna/1/x.wav": ("anna", None), "talk.wav": ("talk", None)}
    assert "no WAV file" in caplog.text and "anna/more.mp3" in caplog.text
    assert find_word_times(tmp_path) == {"talk.wav": (SpokenWord(0.1, 0.4, "go"),)}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("b.wav\tyes\n", "none of its 1 lines names a WAV file, first: 'b.wav'"),
        ("a.wav\n", "line 1: has 1 columns"),
        ("a.wav\tyes\tanna\t1\n", "line 1: has 4 columns"),
        ("a.wav\tyes\nA.wav\tno\n", "a.wav has another text"),
        (b"a.wav\t\xff\n", "no text in UTF-8"),
    ],
)
def test_speech_corpus_transcript_that_does_not_fit_is_refused_by_name(tmp_path, table, message):
    record(tmp_path, "a.wav")
    (tmp_path / "said.tsv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(KwsError, match=f"said.tsv.*{message}"):
        speech_corpus(tmp_path)


def test_speech_corpus_folder_without_recordings_is_refused_with_what_it_holds(tmp_path):
    (tmp_path / "a.flac").write_bytes(b"x")
    with pytest.raises(KwsError, match=r"holds no recordings of speech.*It holds: audio that is no WAV file.*a\.flac"):
        speech_corpus(tmp_path)


def test_words_of_text_punctuation_parts_words_but_for_apostrophes_inside():
    assert words_of_text("\u2018Don\u2019t\u2019, he said\u2014tent-like; O'Brien_2 CAF\u00c9") == (
        *("don't", "he", "said", "tent", "like", "o'brien", "2", "caf\u00e9"),
    )


def corpus_of(tmp_path, count):
    record(tmp_path, *(f"s{index}/a.wav" for index in range(count)))
    return speech_corpus(tmp_path)


def test_split_speakers_few_a_fifth_validates_and_one_alone_trains(tmp_path):
    for count, validating in ((1, 0), (2, 1), (9, 1), (10, 2), (23, 4)):
        split = split_speakers(corpus_of(tmp_path / str(count), count))
        assert len(split.validation) == validating and len(split.training) == count - validating
        assert not split.training & split.validation


def test_split_speakers_many_stay_on_their_side_when_others_join(tmp_path):
    small, large = (split_speakers(corpus_of(tmp_path / str(count), count)) for count in (60, 90))
    assert 5 < len(small.validation) < 20
    assert small.validation <= large.validation and small.training <= large.training


def test_word_times_written_are_read_in_order_of_time_with_their_doubts(tmp_path):
    times = {"b/x y.wav": (SpokenWord(1.25, 1.5, "on"), SpokenWord(0.0, 0.3, "don't", doubt="silent")), "a.wav": ()}
    write_word_times(tmp_path / "words.tsv", times)
    assert read_word_times(tmp_path / "words.tsv") == {"b/x y.wav": times["b/x y.wav"][::-1]}


@pytest.mark.parametrize("line", ["a.wav\t0.1\t0.2", "a.wav\t0.2\t0.1\ton", "a.wav\tx\t0.1\ton", "a.wav\t0\tinf\ton"])
def test_read_word_times_line_of_another_form_is_named(tmp_path, line):
    (tmp_path / "words.tsv").write_text(f"recording\tstart_s\tend_s\tword\n{line}\n")
    with pytest.raises(KwsError, match=r"words\.tsv, line 2: .*Received: "):
        read_word_times(tmp_path / "words.tsv")


def test_homophones_of_keywords_are_those_of_the_dictionary_and_of_the_speech():
    found = homophones(("no", "right", "off", "_unknown_"), ("wright", "noh", "rote"))
    assert {"no", "know"} <= found["no"] and "now" not in found["no"]
    assert {"right", "write", "wright"} <= found["right"] and "rote" not in found["right"]
    assert "_unknown_" not in found and "of" not in found["off"]


def test_label_spotter_finds_words_homophones_and_phrases_with_their_times():
    words = [
        *(SpokenWord(0.0, 0.2, "hey"), SpokenWord(0.3, 0.8, "computer"), SpokenWord(0.9, 1.0, "know", doubt="silent")),
        *(SpokenWord(1.0, 1.2, "hey"), SpokenWord(1.9, 2.4, "computer")),
    ]
    spotter = LabelSpotter(("_silence_", "no", "Hey Computer"))
    assert spotter.find(words) == (SpokenWord(0.0, 0.8, "Hey Computer"), SpokenWord(0.9, 1.0, "no", doubt="silent"))
    assert spotter.said_in(("i", "know", "hay", "computer")) == {"no", "Hey Computer"}


def test_pronounced_words_outside_of_the_dictionary_are_said_by_rule_without_espeak(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "undermist" not in dictionary()
    said = pronounced(["undermist", "jarvis", "hey jarvis", "..."])
    assert said["undermist"] == (("AH", "N", "D", "ER", "M", "IH", "S", "T"),)
    assert said["hey jarvis"] == tuple(("HH", "EY", *way) for way in said["jarvis"])
    assert said["..."] == ()
