"""Recordings for choosing thresholds: which clips there are, and how often each is heard."""

import dataclasses
from collections import Counter

import numpy as np
from kws_reference.labels import Kind, LabelSet
from kws_training.data.clips import ClipSet
from kws_training.data.long_recordings import LongRecordings
from kws_training.data.recording_plan import RecordingSpec
from kws_training.data.validation_mix import source, validation_mix

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
        label_names=LabelSet.of_words(["yes", "no"]),
    )


def test_validation_mix_adds_extra_clips_behind_the_others():
    clips = clip_set()
    extra = dataclasses.replace(clips, pcm=clips.pcm[14:20], labels=LABELS[14:20], words=WORDS[14:20], names=("x",) * 6)
    mix, weights = validation_mix(clips, extra)
    assert (mix.pcm[:34] == clips.pcm).all() and mix.names[:34] == clips.names
    assert Counter(map(source, mix.names)) == {"recorded": 34, "extra": 6}
    assert mix.labels[34:].tolist() == LABELS[14:20].tolist()
    assert len(mix) == len(mix.words) == len(mix.names) == len(weights) == 40


def test_validation_mix_weighs_sources_alike_and_words_by_the_square_root():
    clips = clip_set()
    extra = dataclasses.replace(clips, pcm=clips.pcm[16:20], labels=LABELS[16:20], words=WORDS[16:20], names=("x",) * 4)
    mix, weights = validation_mix(clips, extra)
    of_source, of_word = Counter(), Counter()
    for name, word, kind, weight in zip(mix.names, mix.words, mix.kinds, weights, strict=True):
        of_source[source(name)] += weight * (kind == Kind.UNKNOWN)
        of_word[word, source(name)] += weight
    assert np.isclose(of_source["recorded"], of_source["extra"])  # sums of floats
    assert np.isclose(of_word["bed", "recorded"], 4 * of_word["tree", "recorded"])
    assert np.isclose(of_word["yes", "recorded"], of_word["no", "recorded"])


def test_recordings_weights_say_how_often_a_clip_is_heard():
    clips = clip_set()
    weights = np.where(np.array([word == "tree" for word in clips.words]), 16.0, 1.0)
    spec = RecordingSpec(hours=1.0, seed=3)
    first = LongRecordings(clips, spec, weights)
    heard = Counter(clips.words[word.clip] for piece in first.pieces for word in piece.words)
    assert 0.7 < heard["tree"] / heard["bed"] < 1.4  # 180 draws of each
    assert first.pieces == LongRecordings(clips, spec, weights).pieces != LongRecordings(clips, spec).pieces
