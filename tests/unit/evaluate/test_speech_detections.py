"""Detections in speech: keywords that people said, words that sound like them, utterances left out, false accepts."""

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_training.convert.detector_settings import common_thresholds, with_releases
from kws_training.data.recording_plan import Piece
from kws_training.data.speech.corpus import speech_corpus
from kws_training.data.speech.word_times import find_word_times
from kws_training.evaluate.clip_sets import SetSource
from kws_training.evaluate.matching import Cause
from kws_training.evaluate.replay import DetectorReplay
from kws_training.evaluate.speech import streams as module
from kws_training.evaluate.speech.clips import keyword_clips
from kws_training.evaluate.speech.hearing import Hearing
from kws_training.evaluate.speech.moments import worst_moments
from kws_training.evaluate.speech.replay import SpeechReplay
from kws_training.evaluate.speech.said import Known, Share, heard_streams
from kws_training.evaluate.speech.streams import SpeechStreams
from kws_training.evaluate.thresholds import choose

from tests.support.detection import LABELS, NO, YES, plain_bundle, word
from tests.support.libri_folder import speech_folder, write_recording

TEXTS = {
    "1-1-0000": "we know this house well enough",  # "know" sounds like "no"
    "1-1-0001": "she said yes to the old man",
    "1-1-0002": "the sea was calm again",
    "2-1-0000": "rain fell all night",
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return plain_bundle(tmp_path_factory.mktemp("bundle"))


def heard(tmp_path, timed):
    folder = speech_folder(tmp_path / "speech", TEXTS, timed=timed)
    times = find_word_times(folder)
    return heard_streams(SpeechStreams(speech_corpus(folder).recordings).streams, times, LABELS), times


def replay_of(plain, streams, events, level=80):
    """A replay that hears a label for 0.3 s at each (stream, second, label)."""
    scores = []
    for index, one in enumerate(streams):
        rows = np.full((one.stream.samples // 320, len(plain.labels)), -100, np.int8)
        rows[:, 0] = 0
        for stream, second, label, *own in events:
            if stream == index:
                rows[round(second * 50) : round((second + 0.3) * 50), label] = own[0] if own else level
        scores.append(rows)
    return SpeechReplay(plain, streams, scores)


# Streams: 0 is speaker 1 (0000 at 0 s, 3.8 s long; 0001 at 3.8 s, 4.4 s; 0002 at 8.2 s, 3.2 s), 1 is speaker 2.
EVENTS = [
    (0, 0.9, NO),  # at "know"
    (0, 2.5, YES),  # nobody says it
    (0, 5.2, YES),  # at "yes", from 5.2 to 5.6 s
    (0, 7.5, NO),
    (0, 10.2, NO),
    (1, 1.2, YES),
]


def test_speech_replay_with_word_times_finds_keywords_and_sets_homophones_apart(plain, tmp_path):
    streams, _ = heard(tmp_path, timed=True)
    assert {known for one in streams for known in one.known} == {Known.WORDS}
    metrics = replay_of(plain, streams, EVENTS).measure(plain.detector)
    assert metrics.spoken[YES] == 1 and metrics.found[YES] == 1 and metrics.spoken[NO] == 0
    assert metrics.apart[NO] == 1 and metrics.left_out_hours == 0
    assert metrics.speakers.names == ("1", "2") and metrics.speakers.events.tolist() == [3, 1]
    assert metrics.by_label[:, [YES, NO]].tolist() == [[1, 2], [1, 0]]
    of_no = metrics.to_dict(plain.labels)["labels"]["no"]
    low, high = of_no["false_accepts_per_hour_95"]
    assert low < of_no["false_accepts_per_hour"] < high
    assert of_no["false_accepts_per_hour"] == pytest.approx(2 / metrics.hours)
    assert metrics.hours == pytest.approx(sum(one.stream.samples for one in streams) / 16000 / 3600)
    assert metrics.false_accepts[:, list(Cause).index(Cause.UNKNOWN_WORD)].sum() == 4
    assert 0 < metrics.latency_s[0] + 0.4 < 0.4


def test_speech_replay_with_transcripts_leaves_out_utterances_and_their_last_second_behind(plain, tmp_path):
    streams, _ = heard(tmp_path, timed=False)
    replay = replay_of(plain, streams, [*EVENTS, (0, 8.5, YES)])  # "yes" could still be what is heard at 8.6 s
    metrics = replay.measure(plain.detector)
    shares = [(each.share, each.start / 16000, each.end / 16000) for each in streams[0].stretches]
    assert shares == [
        (Share.HOMOPHONE, 0.0, 3.8),
        (Share.KEYWORD, 3.8, 8.2),
        (Share.KEYWORD, 8.2, 9.2),
        (Share.COUNTED, 9.2, 11.4),
    ]
    assert metrics.speakers.events.tolist() == [1, 1]
    assert metrics.with_homophones.events.tolist() == [3, 1]
    assert metrics.left_out[[YES, NO]].tolist() == [2, 1]
    assert metrics.hours * 3600 == pytest.approx(2.2 + 2.6)
    assert metrics.left_out_hours * 3600 == pytest.approx(5.4)
    figures = metrics.to_dict(plain.labels)
    assert figures["recall"] is None and figures["false_accepts"] == 2


def test_speech_replay_without_transcripts_counts_everything(plain, tmp_path):
    folder = speech_folder(tmp_path / "speech", TEXTS)
    for path in folder.rglob("*.trans.txt"):
        path.unlink()
    streams = heard_streams(SpeechStreams(speech_corpus(folder).recordings).streams, {}, LABELS)
    assert replay_of(plain, streams, EVENTS).measure(plain.detector).speakers.events.sum() == len(EVENTS)


def test_worst_moments_are_in_order_of_their_scores_with_place_and_words(plain, tmp_path):
    streams, times = heard(tmp_path, timed=True)
    events = [(0, 2.5, YES, 40), (0, 10.2, NO, 90), (0, 5.2, YES, 90), (1, 1.2, YES, 60)]
    worst = worst_moments(replay_of(plain, streams, events), plain.detector, times, 2)
    assert [(one.label, one.recording) for one in worst] == [("no", "1/1/1-1-0002.wav"), ("yes", "2/1/2-1-0000.wav")]
    assert worst[0].score > worst[1].score > 0.7
    assert worst[0].seconds == pytest.approx(2.0 + 0.2, abs=0.1) and worst[0].words == "sea was calm"
    assert worst[0].text == TEXTS["1-1-0002"].upper()


def test_hearing_takes_recall_of_clips_and_false_accepts_of_speech_and_thresholds_are_chosen_by_both(plain, tmp_path):
    streams, _ = heard(tmp_path, timed=True)
    speech = replay_of(plain, streams, [(0, 2.5, YES, 20), (1, 1.2, YES, 20)])
    pieces, scores = [], []
    for index, label in enumerate([YES, NO] * 6):
        pieces.append(Piece(index, 32000, (word(LABELS[label], 8000, 20000),)))
        rows = np.full((100, len(plain.labels)), -100, np.int8)
        rows[:, 0], rows[40:70, label] = 0, 60
        scores.append(rows)
    hearing = Hearing(speech, DetectorReplay(plain, pieces, scores))
    low = with_releases(10, 40, common_thresholds(plain.labels, 16384))
    assert hearing.measure(low).recall == 1 and hearing.measure(low).speakers.events.sum() == 2
    alone = hearing.sweep([16384], low, NO)[0]
    assert alone.spoken[NO] == alone.found[NO] == 6 and alone.spoken[YES] == 0
    wanted = 2.4 / hearing.hours  # the upper bound of none with 90 % is 2.3 events
    chosen = choose(hearing, wanted)
    found = hearing.smoothed(chosen.smoothing_steps).measure(chosen)
    assert found.upper(0.9) <= wanted and found.speakers.events.sum() == 0 and found.recall == 1


def test_heard_streams_a_word_that_a_stream_cuts_is_nobodys_and_the_others_are_where_they_were(tmp_path, monkeypatch):
    folder = speech_folder(tmp_path / "speech", {"1-1-0000": "yes no yes no yes no"}, timed=True)  # 3.8 s
    monkeypatch.setattr(module, "LONGEST_STREAM_S", 1.9)  # cut at 1.9 s, within the pause before the fourth word
    whole = heard_streams(SpeechStreams(speech_corpus(folder).recordings).streams, find_word_times(folder), LABELS)
    said = [(one.piece.index, word.label, word.start, word.end) for one in whole for word in one.piece.words]
    cut = 1.9 * 16000
    assert said == [
        (
            index,
            label,
            round((0.2 + 0.6 * number) * 16000 - cut * index),
            round((0.6 + 0.6 * number) * 16000 - cut * index),
        )
        for number, (index, label) in enumerate([(0, "yes"), (0, "no"), (0, "yes"), (1, "no"), (1, "yes"), (1, "no")])
    ]
    monkeypatch.setattr(module, "LONGEST_STREAM_S", 1.0)  # cut at 0.95, 1.9 and 2.85 s: in the second and fifth word
    parts = heard_streams(SpeechStreams(speech_corpus(folder).recordings).streams, find_word_times(folder), LABELS)
    assert [len(one.piece.words) for one in parts] == [1, 1, 1, 1]


def test_keyword_clips_are_drawn_by_seed_and_have_half_a_second_of_silence_around(tmp_path):
    for label in ("yes", "no", "tree"):
        for number in range(4):
            write_recording(tmp_path / label / f"{number}.wav", 1.0, seed=number)
    clips = keyword_clips(SetSource("x", tmp_path), LABELS, 3)
    assert clips.labels == ("yes",) * 3 + ("no",) * 3
    assert np.array_equal(clips.clips, keyword_clips(SetSource("x", tmp_path), LABELS, 3).clips)
    pcm = clips.pcm(0)
    assert len(pcm) == clips.pieces[0].samples == 32000 and np.array_equal(pcm[8000:24000], clips.clips[0])
    assert not pcm[:8000].any() and not pcm[24000:].any()
    (spoken,) = clips.pieces[0].words
    assert spoken.label == "yes" and spoken.start == 8000 and 8000 < spoken.end <= 24000
    write_recording(tmp_path / "other/tree/0.wav", 1.0)
    with pytest.raises(KwsError, match="holds no clip of yes, no"):
        keyword_clips(SetSource("x", tmp_path / "other"), LABELS)
