"""Unknown words for choosing thresholds: what they are made of, and how often each is heard."""

import dataclasses
from collections import Counter

import numpy as np
from kws_training.data.hard_unknowns import joined_clips, reversed_clips, source, with_hard_unknowns
from kws_training.data.recordings import Recordings, RecordingSpec, word_spans
from kws_training.data.speech_commands import ClipSet

WORDS = ("yes",) * 8 + ("no",) * 8 + ("bed",) * 16 + ("tree",)
LABELS = np.array([2] * 8 + [3] * 8 + [1] * 17 + [0])


def clip_set() -> ClipSet:
    rng = np.random.default_rng(0)
    pcm = rng.normal(0, 20, (34, 16000))
    pcm[:, 5000:11000] *= 200
    return ClipSet(
        pcm=pcm.astype(np.int16),
        labels=LABELS,
        words=(*WORDS, "_silence_"),
        names=tuple(f"{word}/{row}.wav" for row, word in enumerate((*WORDS, "_silence_"))),
        noise=(rng.normal(0, 500, 30000).astype(np.int16),),
        label_names=("_silence_", "_unknown_", "yes", "no"),
    )


def test_reversed_clips_play_backwards():
    pcm = clip_set().pcm[:2]
    assert (reversed_clips(pcm)[:, 0] == pcm[:, -1]).all() and (reversed_clips(reversed_clips(pcm)) == pcm).all()


def test_joined_clips_hold_parts_of_two_words_and_depend_on_the_seed():
    clips = clip_set()
    joined = joined_clips(clips.pcm[:33], WORDS, 20, seed=1)
    assert joined.shape == (20, 16000) and joined.dtype == np.int16
    lengths = np.diff(word_spans(joined)).ravel()
    # Two parts of 30 to 70 % of 6,000 samples each, less 20 ms; a span is found within 20 ms at either end.
    assert 2 * 0.3 * 6000 - 960 <= lengths.min() and lengths.max() <= 2 * 0.7 * 6640 + 960
    assert (joined == joined_clips(clips.pcm[:33], WORDS, 20, seed=1)).all()
    assert (joined != joined_clips(clips.pcm[:33], WORDS, 20, seed=2)).any()
    assert len(joined_clips(clips.pcm[:8], WORDS[:8], 20, seed=1)) == 0  # one word has no other to join with


def test_with_hard_unknowns_adds_sources_behind_the_clips():
    clips = clip_set()
    extra = dataclasses.replace(clips, pcm=clips.pcm[14:20], labels=LABELS[14:20], words=WORDS[14:20], names=("x",) * 6)
    hard, weights = with_hard_unknowns(clips, extra)
    assert (hard.pcm[:34] == clips.pcm).all() and hard.names[:34] == clips.names
    assert Counter(map(source, hard.names)) == {"recorded": 34, "reversed": 33, "joined": 33, "extra": 6}
    assert hard.labels[34:100].tolist() == [1] * 66 and hard.labels[100:].tolist() == LABELS[14:20].tolist()
    assert len(hard) == len(hard.words) == len(hard.names) == len(weights) == 106


def test_with_hard_unknowns_weighs_sources_alike_and_words_by_the_square_root():
    hard, weights = with_hard_unknowns(clip_set())
    of_source = Counter()
    for name, label, weight in zip(hard.names, hard.labels, weights, strict=True):
        of_source[source(name)] += weight * (label == 1)
    assert np.allclose(list(of_source.values()), 1.0)  # sums of floats
    of_word = Counter()
    for word, weight in zip(hard.words, weights, strict=True):
        of_word[word] += weight
    assert np.isclose(of_word["bed"], 4 * of_word["tree"]) and np.isclose(of_word["yes"], of_word["no"])


def test_recordings_weights_say_how_often_a_clip_is_heard():
    clips = clip_set()
    weights = np.where(np.array([word == "tree" for word in clips.words]), 16.0, 1.0)
    spec = RecordingSpec(hours=1.0, seed=3)
    first = Recordings(clips, spec, weights)
    heard = Counter(clips.words[word.clip] for piece in first.pieces for word in piece.words)
    assert 0.7 < heard["tree"] / heard["bed"] < 1.4  # 180 draws of each
    assert first.pieces == Recordings(clips, spec, weights).pieces != Recordings(clips, spec).pieces
