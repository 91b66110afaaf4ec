"""Forced alignment of words whose places are known, because the recordings are put together from the demo's words."""

import numpy as np
import pytest
from kws_reference.bundle import Bundle
from kws_reference.errors import KwsError
from kws_training import cli
from kws_training.data.speech.align import Aligner
from kws_training.data.speech.align_corpus import align_corpus
from kws_training.data.speech.alignment_checks import without_pauses
from kws_training.data.speech.corpus import speech_corpus
from kws_training.data.speech.word_times import SpokenWord, read_word_times
from kws_training.data.word_spans import word_spans
from kws_training.evaluate.second_look import SecondLook

from tests.support.clip_files import spoken, write_wav
from tests.support.paths import ROOT

TEXT = ("stop", "yes", "go", "right", "up", "off")


def said(voice, words=TEXT, pause_s=0.25):
    """Words one behind the other in faint noise, and first and last sample of each by its energy."""
    parts, spans, start = [], [], 0
    for word in words:
        pcm = spoken(f"{word}/{voice}.wav")
        first, last = word_spans(pcm[None])[0]
        pcm = pcm[max(0, first - 1600) : last + 1600]
        spans.append((start + min(first, 1600), start + min(first, 1600) + last - first))
        parts += [pcm, np.zeros(round(pause_s * 16000), np.int16)]
        start += len(pcm) + len(parts[-1])
    pcm = np.concatenate(parts)
    return pcm + np.random.default_rng(1).integers(-12, 12, len(pcm)).astype(np.int16), np.array(spans) / 16000


@pytest.fixture(scope="module")
def aligner():
    return Aligner()


@pytest.mark.parametrize("voice", ["awb", "slt"])
def test_align_words_are_found_where_they_are(aligner, voice):
    pcm, spans = said(voice)
    words = without_pauses(pcm, aligner.align(pcm, TEXT))
    assert tuple(word.word for word in words) == TEXT
    found = np.array([(word.start_s, word.end_s) for word in words])
    # Energy tells ends of words within 0.1 s: breath and the release of a stop are softer than it counts.
    assert np.abs(found - spans).max() < 0.15 and np.median(np.abs(found - spans)) < 0.05
    assert all(-4 < word.score < 0 and word.phones >= 2 for word in words)


def test_align_recording_longer_than_a_piece_has_the_times_of_its_pieces(aligner):
    pcm, spans = said("awb")
    times = 11
    pcm = np.tile(pcm, times)
    words = without_pauses(pcm, aligner.align(pcm, TEXT * times))
    assert len(pcm) > 50 * 16000 and len(words) == len(TEXT) * times
    shifts = np.repeat(np.arange(times) * len(pcm) / times / 16000, len(TEXT))
    found = np.array([(word.start_s, word.end_s) for word in words])
    assert np.abs(found - np.tile(spans, (times, 1)) - shifts[:, None]).max() < 0.15


def test_align_text_of_something_else_places_nothing(aligner):
    pcm, _ = said("awb")
    assert aligner.align(pcm, ("seven", "happy", "marvin", "backward", "wonderful", "computer")) == ()


def test_align_word_that_nobody_can_say_is_named(aligner, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KwsError, match="cannot tell how '\u4f60' is pronounced"):
        aligner.align(np.zeros(16000, np.int16), ("\u4f60",))


@pytest.fixture
def speech(tmp_path):
    """Two people, one of whom says something else than the transcript."""
    root = tmp_path / "speech"
    write_wav(root / "awb/1.wav", said("awb")[0])
    write_wav(root / "slt/1.wav", said("slt")[0])
    write_wav(root / "slt/2.wav", said("slt", TEXT[:3])[0])
    other = "seven happy marvin backward wonderful computer"
    (root / "said.tsv").write_text(
        f"awb/1.wav\tStop, yes; go right up. Off!\nslt/1.wav\t{other}\nslt/2.wav\tstop yes go\n"
    )
    return root


@pytest.mark.slow
def test_cut_command_finds_times_once_and_cuts_what_the_model_hears(speech, tmp_path, capsys):
    out = tmp_path / "out"
    model = ROOT / "training/zoo/experiments/kit12_release/int8"
    command = [
        "cut",
        str(speech),
        "--out",
        str(out),
        "--words",
        "stop,yes,right",
        "--unknown",
        "2",
        "--model",
        str(model),
    ]
    assert cli.main(command) == 0
    assert "slt/1.wav: the transcript does not fit from 0.0 s on, 6 words have no times" in capsys.readouterr().err
    times = read_word_times(out / "words.tsv")
    assert [word.word for word in times["awb/1.wav"]] == list(TEXT) and all(word.sure for word in times["awb/1.wav"])
    assert {(word.start_s, word.doubt) for word in times["slt/1.wav"]} == {(0.0, "unplaced")}
    clips = {path.relative_to(out).as_posix() for path in out.glob("*/*.wav")}
    assert {"stop/awb_nohash_0.wav", "stop/slt_nohash_0.wav", "right/awb_nohash_0.wav"} <= clips and len(clips) == 7
    # What is there is taken as it is: a word that was moved by hand stays where it is.
    text = (out / "words.tsv").read_text()
    moved = text.replace(f"{times['awb/1.wav'][0].start_s:.3f}\t", "0.012\t", 1)
    (out / "words.tsv").write_text(moved)
    assert cli.main(["cut", str(speech), "--out", str(out)]) == 0
    assert (out / "words.tsv").read_text() == moved
    assert capsys.readouterr().out == f"15 words of 3 recordings: {out}/words.tsv\n"


def test_cut_command_given_times_need_no_transcript(speech, tmp_path, capsys):
    (speech / "said.tsv").unlink()
    (tmp_path / "t.tsv").write_text("awb/1.wav\t0.1\t0.6\tgo\nelsewhere.wav\t0\t1\tgo\n")
    out = tmp_path / "out"
    command = ["cut", str(speech), "--out", str(out), "--words", "go", "--word-times", str(tmp_path / "t.tsv")]
    assert cli.main(command) == 0
    assert read_word_times(out / "words.tsv") == {"awb/1.wav": (SpokenWord(0.1, 0.6, "go"),)}
    assert [path.name for path in out.glob("go/*")] == ["awb_nohash_0.wav"]


def test_align_corpus_without_transcripts_is_refused_with_what_to_write(speech, tmp_path):
    (speech / "said.tsv").unlink()
    with pytest.raises(KwsError, match=r"no recording has a transcript. Write one: a \.tsv"):
        align_corpus(speech_corpus(speech), tmp_path / "words.tsv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--unknown", "3"], "--unknown and --model go with --words"),
        (["--words", "no", "--unknown", "-1"], "--unknown must be at least 0. Received: -1"),
        (["--words", "no", "--shortest", "nan"], "--shortest is a length in seconds"),
        (
            ["--words", "zebra", "--model", str(ROOT / "training/zoo/experiments/kit12_release/int8")],
            "hears yes, no, .*Received: --words zebra",
        ),
    ],
)
def test_cut_command_options_that_mean_nothing_are_refused(speech, tmp_path, capsys, options, message):
    import re

    assert cli.main(["cut", str(speech), "--out", str(tmp_path / "out"), *options]) == 2
    assert re.search(message, capsys.readouterr().err) and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_second_look_names_what_is_heard_in_place_of_the_label():
    look = SecondLook(Bundle.load(ROOT / "training/zoo/experiments/kit12_release/int8"))
    stop = np.pad(spoken("stop/awb.wav"), (0, 16000))[:16000]
    assert look(np.stack([stop, stop, stop]), ["stop", "yes", "computer"]) == ["", "stop", ""]
