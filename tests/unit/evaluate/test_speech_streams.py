"""Recordings of speech become streams: what is joined, what is divided, and where a sample is."""

import numpy as np
import pytest
from kws_reference.audio.pcm import read_wav
from kws_training.data.speech.corpus import speech_corpus
from kws_training.evaluate.speech import streams as module
from kws_training.evaluate.speech.streams import SpeechStreams

from tests.support.libri_folder import speech_folder, write_recording


def names(streams):
    return [[part.recording.path.stem for part in stream.parts] for stream in streams.streams]


def test_speech_streams_join_one_speakers_chapter_and_nothing_else(tmp_path):
    texts = {"1-1-0000": "a b", "1-1-0001": "c", "1-2-0000": "d", "2-1-0000": "e"}
    corpus = speech_corpus(speech_folder(tmp_path, texts))
    streams = SpeechStreams(corpus.recordings)
    assert names(streams) == [["1-1-0000", "1-1-0001"], ["1-2-0000"], ["2-1-0000"]]
    assert [stream.speaker for stream in streams.streams] == ["1", "1", "2"]
    heard = [read_wav(item.path) for item in corpus.recordings[:2]]
    assert np.array_equal(streams.pcm(0), np.concatenate(heard))
    assert streams.hours == pytest.approx(sum(stream.samples for stream in streams.streams) / 16000 / 3600)


def test_speech_streams_divide_a_long_recording_of_another_rate_without_losing_a_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_STREAM_S", 2.0)
    write_recording(tmp_path / "podcast.wav", 7.0, rate_hz=44100)
    streams = SpeechStreams(speech_corpus(tmp_path).recordings)
    parts = [part for stream in streams.streams for part in stream.parts]
    assert len(streams) == 4 and {stream.speaker for stream in streams.streams} == {"podcast"}
    assert parts[0].first == 0 and parts[-1].stop == 7 * 44100
    assert all(one.stop == other.first for one, other in zip(parts, parts[1:], strict=False))
    assert [len(streams.pcm(index)) for index in range(4)] == [stream.samples for stream in streams.streams]
    assert all(stream.samples <= 2 * 16000 for stream in streams.streams)


def test_part_seconds_and_sample_are_inverse_in_a_later_part(tmp_path):
    corpus = speech_corpus(speech_folder(tmp_path, {"1-1-0000": "a b c", "1-1-0001": "d e"}))
    stream = SpeechStreams(corpus.recordings).streams[0]
    second = stream.parts[1]
    assert second.start == stream.parts[0].samples == 2 * 16000
    assert second.sample(0.5) == second.start + 8000 and second.seconds(second.start + 8000) == 0.5
    assert stream.part_at(second.start) is second and stream.part_at(second.start - 1) is stream.parts[0]
    assert stream.part_at(10**9) is second


def test_speech_streams_digest_changes_with_a_sample(tmp_path):
    corpus = speech_corpus(speech_folder(tmp_path, {"1-1-0000": "a"}))
    before = SpeechStreams(corpus.recordings).sha256()
    assert SpeechStreams(corpus.recordings).sha256() == before
    write_recording(corpus.recordings[0].path, 0.8, seed=9)
    assert SpeechStreams(corpus.recordings).sha256() != before
