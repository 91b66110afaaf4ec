"""Long recordings: what is heard when, word times by energy, and that a seed says everything."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from kws_reference.errors import KwsError
from kws_reference.labels import Kind, LabelSet
from kws_training.data.clips import ClipSet
from kws_training.data.long_recordings import LongRecordings, background
from kws_training.data.recording_plan import RecordingSpec, plan
from kws_training.data.word_spans import word_spans

SPEC = RecordingSpec(hours=0.05, seed=5, piece_seconds=60.0)


def burst(start, end, level=8000, floor=20, seed=0):
    """A clip with a loud middle, int16 [16000]."""
    rng = np.random.default_rng(seed)
    pcm = rng.normal(0, floor, 16000)
    pcm[start:end] = rng.normal(0, level, end - start)
    return np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)


def clip_set(keywords=40, unknown=10, silent=4, noise=True):
    labels = np.repeat([0, 1, 2, 3], [silent, unknown, keywords // 2, keywords - keywords // 2])
    pcm = np.stack([burst(4000, 12000, seed=row) for row in range(len(labels))])
    rng = np.random.default_rng(1)
    return ClipSet(
        pcm=pcm,
        labels=labels.astype(np.int64),
        words=tuple("_silence_ tree yes no".split()[label] for label in labels),
        names=tuple(map(str, range(len(labels)))),
        noise=(rng.normal(0, 2000, 30000).astype(np.int16), rng.normal(0, 500, 50000).astype(np.int16))
        if noise
        else (),
        label_names=LabelSet.of_words(["yes", "no"]),
    )


def placed(recordings):
    return [word for piece in recordings.pieces for word in piece.words]


@pytest.mark.parametrize(("start", "end"), [(0, 4000), (3200, 11200), (9600, 16000)])
def test_word_spans_burst_over_a_floor_found_within_20_ms(start, end):
    first, last = word_spans(burst(start, end)[None])[0]
    # The level is averaged over 50 ms, which widens a sharp edge by two blocks of 10 ms.
    assert start - 320 <= first <= start and end <= last <= end + 320


def test_word_spans_short_pause_is_bridged_and_a_far_click_is_left_out():
    pcm = burst(4800, 6400) + burst(8000, 9600, seed=1) + burst(14400, 14560, seed=2)
    assert word_spans(pcm[None]).tolist() == [[4800 - 320, 9600 + 320]]


def test_word_spans_padding_with_zeros_does_not_hide_the_noise_floor():
    pcm = burst(4800, 6400, level=3000, floor=300)
    pcm[12000:] = 0
    assert word_spans(pcm[None]).tolist() == [[4800 - 320, 6400 + 320]]


def test_word_spans_clip_of_zeros_spans_it():
    assert word_spans(np.zeros((1, 16000), np.int16)).tolist() == [[0, 16000]]


def test_recordings_pieces_have_the_wanted_length():
    recordings = LongRecordings(clip_set(), dataclasses.replace(SPEC, hours=0.055))
    assert [piece.seconds for piece in recordings.pieces] == [60.0, 60.0, 60.0, 18.0]
    assert recordings.hours == pytest.approx(0.055)  # a float from the command line, rounded to whole samples
    assert [len(recordings.pcm(index)) for index in (0, 3)] == [960_000, 288_000]


def test_recordings_clips_do_not_overlap_and_keep_their_gaps():
    recordings = LongRecordings(clip_set(), SPEC)
    for piece in recordings.pieces:
        starts = [word.clip_start for word in piece.words]
        ends = [0] + [start + 16000 for start in starts]
        assert all(start - end >= 4800 for start, end in zip(starts, ends, strict=False))
        assert ends[-1] + 32000 <= piece.samples
        assert all(word.clip_start <= word.start < word.end <= word.clip_start + 16000 for word in piece.words)


def test_recordings_each_clip_is_used_once_a_pass():
    recordings = LongRecordings(clip_set(), dataclasses.replace(SPEC, hours=0.3))
    for kind, size in ((Kind.SILENCE, 4), (Kind.UNKNOWN, 10), (Kind.KEYWORD, 40)):
        order = [word.clip for word in placed(recordings) if word.kind is kind]
        assert len(order) > size
        for first in range(0, len(order), size):
            part = order[first : first + size]
            assert len(set(part)) == len(part)
        assert order[:size] != order[size : 2 * size]


def test_recordings_shares_are_kept_and_an_absent_kind_leaves_its_share():
    counts = Counter(word.kind for word in placed(LongRecordings(clip_set(), dataclasses.replace(SPEC, hours=2))))
    total = sum(counts.values())
    assert 1500 < total < 1800  # two hours at 4.3 s a clip
    for kind, share in zip(Kind, (0.10, 0.45, 0.45), strict=True):
        # Four standard deviations of a share that is drawn 1,600 times.
        assert abs(counts[kind] / total - share) < 0.05
    only = LongRecordings(clip_set(unknown=0, silent=0), SPEC)
    assert {word.label for word in placed(only)} == {"yes", "no"}


def test_recordings_same_seed_same_samples_other_seed_others():
    first, again, other = (LongRecordings(clip_set(), dataclasses.replace(SPEC, seed=seed)) for seed in (5, 5, 6))
    assert first.pieces == again.pieces and first.pieces != other.pieces
    assert (first.pcm(1) == again.pcm(1)).all() and (first.pcm(1) != other.pcm(1)).any()


def test_recordings_longer_recording_begins_with_the_shorter_one():
    short, long = LongRecordings(clip_set(), SPEC), LongRecordings(clip_set(), dataclasses.replace(SPEC, hours=1.0))
    assert long.pieces[: len(short)] == short.pieces
    assert (long.pcm(2) == short.pcm(2)).all()


def test_recordings_word_is_heard_where_the_plan_says():
    quiet = dataclasses.replace(SPEC, quiet_share=1.0, gain_low_db=0.0)
    clips = clip_set()
    recordings = LongRecordings(clips, quiet)
    pcm, word = recordings.pcm(0), recordings.pieces[0].words[1]
    assert not pcm[: recordings.pieces[0].words[0].clip_start].any()
    inside = slice(word.clip_start + 160, word.clip_start + 15840)  # without the fades at both ends
    assert (pcm[inside] == clips.pcm[word.clip][160:15840]).all()


def test_background_is_loud_and_quiet_in_stretches_and_never_exceeds_its_volume():
    noise = (np.full(20000, 1000, np.int16),)
    short = dataclasses.replace(SPEC, stretch_low_s=1.0, stretch_high_s=4.0)
    out = background(np.random.default_rng(0), noise, 16000 * 100, short)
    assert 0.1 < (out == 0).mean() < 0.45
    assert out.max() <= 100  # 1000 at a volume of at most 0.1
    assert len(set(np.round(out[out > 0], 3))) > 10


@pytest.mark.parametrize(
    ("clips", "spec", "message"),
    [
        (clip_set(noise=False), SPEC, "background noise"),
        (clip_set(keywords=0), SPEC, "keywords"),
        (clip_set(), dataclasses.replace(SPEC, hours=0.0), "hours"),
        (clip_set(), dataclasses.replace(SPEC, piece_seconds=3.0), "too short"),
    ],
)
def test_recordings_impossible_request_is_refused(clips, spec, message):
    with pytest.raises(KwsError, match=message):
        LongRecordings(clips, spec)


def test_plan_uses_no_sample_of_the_clips():
    clips = clip_set()
    spans = word_spans(clips.pcm)
    assert plan(clips.spoken_labels, spans, SPEC) == LongRecordings(clips, SPEC).pieces
