"""Speech Commands layout, augmentation and the rendering of epochs."""

import dataclasses
import errno
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from kws_reference.audio.recordings import find_recordings
from kws_reference.errors import KwsError
from kws_reference.frontend.config import FrontendConfig
from kws_reference.frontend.definition import mfcc_float
from kws_reference.labels import SILENCE, TEN_KEYWORDS, LabelSet
from kws_training.data import augment
from kws_training.data.augment_config import AugmentConfig
from kws_training.data.clips import ClipSet, ClipSpec, FolderSpec, folder_label
from kws_training.data.epoch_cache import EpochCache
from kws_training.data.epoch_plan import plan_epoch
from kws_training.data.epoch_renderer import EpochRenderer
from kws_training.data.features import CHUNK_CLIPS, plain_features
from kws_training.data.load_clips import load_clips
from kws_training.data.render import render_epoch
from kws_training.data.selection import index_speech_commands
from kws_training.data.splits import divide, hash_percent, hash_split

from tests.support.paths import ROOT

STILL = AugmentConfig(
    shift_samples=0, resample=0, gain_low_db=0, gain_high_db=0, noise_probability=0, time_masks=0, feature_masks=0
)


def record(path, samples=16000, seed=0, level=3000):
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = np.random.default_rng(seed).integers(-level, level + 1, samples).astype(np.int16)
    soundfile.write(path, pcm, 16000)
    return pcm


def speakers(split, count):
    found = (hashlib.sha1(str(n).encode()).hexdigest()[:8] for n in range(10_000))
    return [speaker for speaker in found if hash_split(f"{speaker}_nohash_0.wav") == split][:count]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two words and an unknown one: 10 training, 10 validation, 5 testing speakers each; one background recording."""
    root = tmp_path_factory.mktemp("data") / "speech_commands"
    for word in ("yes", "no", "tree"):
        for split, count in (("training", 10), ("validation", 10), ("testing", 5)):
            for index, speaker in enumerate(speakers(split, count)):
                record(root / word / f"{speaker}_nohash_{index % 2}.wav", 16000 - 100 * index, seed=index)
    record(root / "_background_noise_" / "hum.wav", 48000, seed=9)
    for split, file in (("validation", "validation_list.txt"), ("testing", "testing_list.txt")):
        (root / file).write_text("".join(f"{name}\n" for name in index_speech_commands(root, split)))
    return root


def clip_set(keywords=300, unknown=100, noise=True):
    rng = np.random.default_rng(3)
    labels = np.concatenate([rng.integers(2, 4, keywords), np.ones(unknown, int)])
    return ClipSet(
        pcm=rng.integers(-2000, 2000, (keywords + unknown, 16000)).astype(np.int16),
        labels=labels.astype(np.int64),
        words=tuple({2: "yes", 3: "no", 1: "tree"}[label] for label in labels),
        names=tuple(map(str, range(len(labels)))),
        noise=(rng.integers(-9000, 9000, 40000).astype(np.int16),) if noise else (),
        label_names=LabelSet.of_words(["yes", "no"]),
    )


# The split rule


@pytest.mark.parametrize(
    ("name", "split"),
    # The first from validation_list.txt of the official archive, the second from the canonical test set.
    [("bed/026290a7_nohash_0.wav", "validation"), ("yes/022cd682_nohash_0.wav", "testing")],
)
def test_hash_split_known_clip_is_where_the_archive_puts_it(name, split):
    assert hash_split(name) == split


def test_hash_split_same_speaker_stays_together():
    assert len({hash_percent(f"{word}/0a7c2a8d_nohash_{n}.wav") for word in ("yes", "no") for n in range(5)}) == 1


def test_hash_split_shares_are_80_10_10():
    names = [f"{hashlib.sha1(str(n).encode()).hexdigest()[:8]}_nohash_0.wav" for n in range(20_000)]
    shares = [sum(hash_split(name) == split for name in names) / len(names) for split in ("validation", "testing")]
    # Standard deviation of the share is 0.002: five of them.
    np.testing.assert_allclose(shares, 0.1, atol=0.011)


def test_index_lists_and_hash_agree(dataset):
    for split in ("training", "validation", "testing"):
        assert index_speech_commands(dataset, split, "lists") == index_speech_commands(dataset, split, "hash") != []


def test_index_missing_or_wrong_folder_is_one_clear_line(tmp_path):
    with pytest.raises(KwsError, match="kws-train fetch"):
        index_speech_commands(tmp_path / "absent", "training")
    with pytest.raises(KwsError, match="unpacked archive"):
        index_speech_commands(tmp_path, "training")
    with pytest.raises(KwsError, match="split must be"):
        index_speech_commands(tmp_path, "trainig")  # codespell:ignore


def test_split_few_of_each_word_some_speakers_validate_and_the_others_train(tmp_path):
    for word, count in (("lights", 12), ("music", 7), ("hello", 1)):
        for index in range(count):
            (tmp_path / word).mkdir(exist_ok=True)
            (tmp_path / word / f"take{index}.wav").touch()
    parts = {split: index_speech_commands(tmp_path, split, "few") for split in ("training", "validation", "testing")}
    assert len(parts["validation"]) >= 3 and not parts["testing"]
    assert sorted(parts["training"] + parts["validation"]) == [item.name for item in find_recordings(tmp_path).clips]
    assert not {Path(name).name for name in parts["training"]} & {Path(name).name for name in parts["validation"]}
    assert "hello/take0.wav" in parts["training"] + parts["validation"]
    assert divide(find_recordings(tmp_path), ("lights", "music")) == divide(find_recordings(tmp_path), (), "few")


def test_split_few_with_one_speaker_divides_recordings(tmp_path):
    for word in ("lights", "music"):
        (tmp_path / word).mkdir()
        for index in range(10):
            (tmp_path / word / f"me_nohash_{index}.wav").touch()
    assert len(index_speech_commands(tmp_path, "validation", "few")) == 4


def test_split_rule_with_enough_validation_clips_is_the_official_one(tmp_path):
    (tmp_path / "yes").mkdir()
    for index in range(200):
        (tmp_path / "yes" / f"{index}_nohash_0.wav").touch()
    listing = find_recordings(tmp_path)
    assert divide(listing, ("yes",)) == divide(listing, ("yes",), "hash") != divide(listing, ("yes",), "few")


# Loading


def test_load_clips_training_has_all_words_and_no_silence(dataset):
    clips = load_clips(ClipSpec(dataset, "training", words=("yes", "no")))
    assert clips.label_names == ("_silence_", "_unknown_", "yes", "no")
    assert np.bincount(clips.labels).tolist() == [0, 10, 10, 10]
    assert clips.pcm.shape == (30, 16000) and clips.pcm.dtype == np.int16
    assert len(clips.noise) == 1


def test_load_clips_validation_has_its_share_of_silence_and_unknown(dataset):
    spec = ClipSpec(dataset, "validation", words=("yes", "no"))
    clips = load_clips(spec)
    assert np.bincount(clips.labels).tolist() == [2, 2, 10, 10]  # 10 % of 20
    np.testing.assert_array_equal(load_clips(spec).pcm, clips.pcm)
    assert not np.array_equal(load_clips(dataclasses.replace(spec, seed=1)).pcm, clips.pcm)


def test_load_clips_without_background_recordings_makes_noise(tmp_path):
    for word in ("yes", "no"):
        for index in range(10):
            record(tmp_path / word / f"{index}.wav", seed=index)
    training, validation = (
        load_clips(ClipSpec(tmp_path, split, words=("yes", "no"))) for split in ("training", "validation")
    )
    assert len(training) == 16 and np.bincount(validation.labels).tolist() == [1, 0, 2, 2]
    for recording in training.noise:
        assert recording.dtype == np.int16 and 1500 < recording.astype(float).std() < 3000
    assert not np.array_equal(training.noise[0], validation.noise[0])


def test_load_clips_short_recording_is_padded_behind(tmp_path):
    short, whole = record(tmp_path / "yes" / "a.wav", 5000, seed=1), record(tmp_path / "yes" / "b.wav", 16000, seed=2)
    clips = load_clips(ClipSpec(folders=(FolderSpec(tmp_path),)))
    np.testing.assert_array_equal(clips.pcm[0], np.pad(short, (0, 11000)))
    np.testing.assert_array_equal(clips.pcm[1], whole)


def test_load_clips_long_recording_keeps_the_second_with_its_word_and_says_so(tmp_path, log_lines):
    word = record(tmp_path / "yes" / "a.wav", 8000, seed=1)
    for name, before, behind in (("yes/third", 36000, 4000), ("yes/end", 30000, 0), ("tree/first", 0, 40000)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / f"{name}.wav", np.pad(word, (before, behind)), 16000)
    soundfile.write(tmp_path / "yes" / "nothing.wav", np.zeros(48000, np.int16), 16000)
    (tmp_path / "_silence_").mkdir()
    soundfile.write(tmp_path / "_silence_" / "room.wav", np.pad(word, (30000, 0)), 16000)
    clips = load_clips(ClipSpec(folders=(FolderSpec(tmp_path),)))
    heard = dict(zip(clips.names, clips.pcm, strict=True))
    for name in ("yes/third.wav", "yes/end.wav", "tree/first.wav"):
        # The level is a median over 90 ms, so that up to 40 ms of an end count for nothing.
        assert np.count_nonzero(heard[name]) > 0.9 * np.count_nonzero(word)
    assert not heard["yes/nothing.wav"].any() and not heard["_silence_/room.wav"].any()
    long = next(line for line in log_lines if "longer than" in line)
    assert long.startswith("5 of 6 recordings") and "_silence_/room.wav from 0.00 s, tree/first.wav from 0.00 s" in long
    silent = next(line for line in log_lines if "silent" in line)
    assert silent.startswith("1 of 6 clips are silent") and "1 of them cut" in silent and "yes/nothing.wav" in silent
    assert any(
        "1 of 6 recordings are shorter than a second" in line and "yes/a.wav, 0.50 s" in line for line in log_lines
    )


def test_load_clips_other_rate_and_length_keep_the_word(tmp_path, log_lines):
    word = np.rint(9000 * np.sin(np.arange(8000) * 0.3)).astype(np.int16)
    (tmp_path / "yes").mkdir()
    soundfile.write(tmp_path / "yes" / "a.wav", np.pad(word, (30000, 4000)), 16000)
    spec = ClipSpec(folders=(FolderSpec(tmp_path),), sample_rate_hz=8000, clip_samples=6000)
    clips = load_clips(spec)
    assert clips.pcm.shape == (1, 6000) and (np.abs(clips.pcm) > 3000).sum() > 2500
    assert log_lines[0].startswith("1 of 1 recordings are longer than 0.75 s") and "a.wav from 1.7" in log_lines[0]


def test_load_clips_main_folder_may_hold_silence_unknown_words_and_folders_of_persons(tmp_path, log_lines):
    for index in range(30):
        record(tmp_path / "yes" / f"p{index}" / "1.WAV", seed=index)
        record(tmp_path / "No " / f"p{index}.wav", seed=index)
        record(tmp_path / "_unknown_" / "bed" / f"p{index}.wav", seed=index)
        record(tmp_path / "_silence_" / f"{index}.wav", seed=index)
    record(tmp_path / ".trash" / "no.wav")
    record(tmp_path / "noise" / "street.wav")
    (tmp_path / "yes" / "._1.wav").write_bytes(b"\0\5\x16\7")
    record(tmp_path / "_background_noise_" / "kitchen" / "N.WAV", 20000)
    spec = ClipSpec(tmp_path, words=("yes", "no"), silence_percent=0, unknown_percent=100)
    sets = [load_clips(dataclasses.replace(spec, split=split)) for split in ("training", "validation")]
    assert sum(np.bincount(clips.labels, minlength=4) for clips in sets).tolist() == [30, 31, 30, 30]
    assert all(np.bincount(clips.labels, minlength=4).min() >= 5 for clips in sets)
    assert {word for clips in sets for word in clips.words} == {"_silence_", "bed", "noise", "yes", "no"}
    assert any("noise/ counts as an unknown word; call it _background_noise_" in line for line in log_lines)
    assert len(sets[0].noise) == 1 and len(sets[0].noise[0]) == 20000
    assert any("hidden: 1 (.trash/)" in line for line in log_lines) and any(
        "macOS: 1 (yes/._1.wav)" in line for line in log_lines
    )
    assert any("folders taken as labels: no: No/" in line for line in log_lines)


def test_load_clips_unknown_words_that_are_labels_are_told(tmp_path, log_lines):
    for name in ("yes/a.wav", "_unknown_/yes_0a7c2a8d_nohash_0.wav", "_unknown_/Yes/b.wav", "_unknown_/bed/c.wav"):
        record(tmp_path / name)
    assert load_clips(ClipSpec(folders=(FolderSpec(tmp_path),))).labels.tolist() == [1, 1, 1, 2]
    assert any("labels by their names: 2 (_unknown_/Yes/b.wav, _unknown_/yes_0a7c2a8d" in line for line in log_lines)


def test_load_clips_same_folder_read_twice_gives_the_same(tmp_path):
    for name in ("yes/b.wav", "yes/B.wav", "no/é.wav", "No/f.WAV", "tree/x/y.wav"):
        record(tmp_path / name, 20000)
    first, again = (load_clips(ClipSpec(folders=(FolderSpec(tmp_path),))) for _ in range(2))
    assert first.names == again.names == ("No/f.WAV", "no/é.wav", "tree/x/y.wav", "yes/B.wav", "yes/b.wav")
    np.testing.assert_array_equal(first.pcm, again.pcm)


def test_load_clips_all_files_that_cannot_be_read_are_counted(tmp_path):
    for name in "abcd":
        record(tmp_path / "yes" / f"{name}.wav")
    for name in "bcd":
        (tmp_path / "yes" / f"{name}.wav").write_text("not audio")
    with pytest.raises(KwsError, match=r"b.wav: not a WAV.* 2 more cannot be read: yes/c.wav, yes/d.wav"):
        load_clips(ClipSpec(folders=(FolderSpec(tmp_path),)))


def test_load_clips_folder_without_wav_files_says_what_it_holds(tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a.flac").touch()
    for spec in (ClipSpec(tmp_path, words=("yes",)), ClipSpec(folders=(FolderSpec(tmp_path),))):
        with pytest.raises(KwsError, match=r"holds no .* convert it to 16-bit PCM WAV \(yes/a.flac\)"):
            load_clips(spec)


def test_load_clips_test_set_folder_with_list_takes_only_these(tmp_path):
    for name in ("yes/a.wav", "_unknown_/tree_b.wav.wav", "_silence_/1.wav", "go/c.wav", "house/d.wav"):
        record(tmp_path / "set" / name)
    (tmp_path / "list.txt").write_text("yes/a.wav\n_unknown_/tree_b.wav.wav\n_silence_/1.wav\nhouse/d.wav\n")
    clips = load_clips(ClipSpec(folders=(FolderSpec(tmp_path / "set", tmp_path / "list.txt"),)))
    assert clips.names == ("_silence_/1.wav", "_unknown_/tree_b.wav.wav", "house/d.wav", "yes/a.wav")
    assert clips.labels.tolist() == [0, 1, 1, 2]
    (tmp_path / "list.txt").write_text("yes/absent.wav\n")
    with pytest.raises(KwsError, match="yes/absent.wav"):
        load_clips(ClipSpec(folders=(FolderSpec(tmp_path / "set", tmp_path / "list.txt"),)))


def test_load_clips_broken_file_is_named(tmp_path):
    record(tmp_path / "yes" / "a.wav")
    (tmp_path / "yes" / "b.wav").write_text("not audio")
    with pytest.raises(KwsError, match="b.wav: not a WAV"):
        load_clips(ClipSpec(folders=(FolderSpec(tmp_path),)))


def test_load_clips_list_that_is_no_text_is_one_clear_line(tmp_path):
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(KwsError, match="not a text file"):
        load_clips(ClipSpec(folders=(FolderSpec(tmp_path, tmp_path / "names.txt"),)))


def test_load_clips_training_without_one_of_the_words_names_it(dataset):
    with pytest.raises(KwsError, match="no training recordings of yess"):
        load_clips(ClipSpec(dataset, words=("yess", "no")))


def test_clip_spec_labels_follow_the_contract_order():
    assert ClipSpec().labels == tuple("_silence_ _unknown_ yes no up down left right on off stop go".split())


def test_folder_label_of_other_words_and_other_reserved_names_is_unknown():
    labels = ClipSpec().labels
    assert tuple(folder_label(name, TEN_KEYWORDS) for name in labels) == labels
    assert {folder_label(name, TEN_KEYWORDS) for name in ("tree", "_background_noise_", "silence")} == {"_unknown_"}


# Augmentation


def test_shift_and_resample_zero_ranges_change_nothing():
    pcm = np.random.default_rng(0).integers(-9000, 9000, (3, 1000)).astype(np.int16)
    np.testing.assert_array_equal(augment.shift_and_resample(np.random.default_rng(1), pcm, 0, 0.0), pcm)


def test_shift_and_resample_shift_moves_an_impulse_within_its_range():
    pcm = np.zeros((200, 1000), np.int16)
    pcm[:, 500] = 1000
    places = augment.shift_and_resample(np.random.default_rng(1), pcm, 100, 0.0).argmax(axis=1)
    assert places.min() >= 400 and places.max() <= 600 and len(set(places)) > 50


def test_shift_and_resample_speed_changes_the_pitch_of_a_tone():
    samples = np.arange(16000)
    pcm = np.tile(8000 * np.sin(2 * np.pi * 1000 * samples / 16000), (20, 1))
    rng = np.random.default_rng(5)
    out = augment.shift_and_resample(rng, pcm, 0, 0.15)
    rng = np.random.default_rng(5)
    rng.integers(0, 1, 20)
    speeds = rng.uniform(0.85, 1.15, 20)
    peak_hz = np.abs(np.fft.rfft(out, axis=1)).argmax(axis=1)  # bins are 1 Hz wide
    np.testing.assert_allclose(peak_hz, 1000 * speeds, atol=1.0)
    # Against the ideal tone, away from the ends: a cubic is within 1 % at 1 kHz.
    middle = slice(2000, 14000)
    ideal = 8000 * np.sin(2 * np.pi * 1000 / 16000 * ((samples - 7999.5) * speeds[:, None] + 7999.5))
    assert np.abs(out[:, middle] - ideal[:, middle]).max() < 80


def test_shift_and_resample_is_a_cubic_through_four_neighbours():
    pcm = np.random.default_rng(2).integers(-9000, 9000, (6, 500)).astype(np.int16)
    out = augment.shift_and_resample(np.random.default_rng(3), pcm, 50, 0.3)
    rng = np.random.default_rng(3)
    shifts, speeds = rng.integers(-50, 51, 6), rng.uniform(0.7, 1.3, 6)
    for clip, shift, speed, found in zip(pcm.astype(float), shifts, speeds, out, strict=True):
        at = (np.arange(500) - 249.5 - shift) * speed + 249.5
        padded = np.pad(clip, 400)
        base, t = np.floor(at).astype(int), at - np.floor(at)
        a, b, c, d = (padded[400 + base + offset] for offset in (-1, 0, 1, 2))
        wanted = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        wanted[(at <= -1) | (at >= 500)] = 0
        np.testing.assert_allclose(found, wanted, atol=0.05)  # float32 sums of numbers up to 100,000


def test_gain_scales_by_decibel():
    pcm = np.full((500, 4), 100.0, np.float32)
    out = augment.gain(np.random.default_rng(0), pcm, -20.0, 0.0)
    assert out.min() >= 10.0 and out.max() <= 100.0 and out.std() > 10


def test_add_noise_probability_and_volume_hold():
    noise = (np.full(50, 1000, np.int16),)
    out = augment.add_noise(np.random.default_rng(0), np.zeros((4000, 20), np.float32), noise, 0.8, 0.1)
    assert (out.max(axis=1) > 0).mean() == pytest.approx(0.8, abs=0.04)  # six standard deviations
    assert 95 < out.max() <= 100
    assert not augment.add_noise(np.random.default_rng(0), np.zeros((9, 20), np.float32), (), 1.0, 1.0).any()


def test_to_int16_range_rounds_and_saturates():
    out = augment.to_int16_range(np.array([[1.4, -1.6, 40000.0, -40000.0]], np.float32))
    np.testing.assert_array_equal(out, [[1, -2, 32767, -32768]])


def test_spec_augment_blanks_whole_frames_and_coefficients_with_the_fill():
    features = np.random.default_rng(0).normal(size=(300, 98, 40)).astype(np.float32)
    fill = np.arange(40, dtype=np.float32) + 100
    out = augment.spec_augment(np.random.default_rng(1), features.copy(), fill, 2, 25, 2, 7)
    blank = out == fill
    np.testing.assert_array_equal(out[~blank], features[~blank])
    frames, bands = blank.all(axis=2), blank.all(axis=1)
    np.testing.assert_array_equal(blank, frames[:, :, None] | bands[:, None, :])
    assert 25 < frames.sum(axis=1).max() <= 50 and 7 < bands.sum(axis=1).max() <= 14


# Epochs


def test_plan_epoch_takes_all_keywords_once_and_shares_of_the_rest():
    clips = clip_set()
    rows = plan_epoch(clips, 1, 0, AugmentConfig())
    assert sorted(rows[(rows >= 0) & (rows < 300)]) == list(range(300))
    assert (rows == -1).sum() == 30 and (rows >= 300).sum() == 30
    assert not np.array_equal(rows, plan_epoch(clips, 1, 1, AugmentConfig()))


def test_plan_epoch_balances_rare_keywords_and_rare_unknown_words():
    clips = clip_set(keywords=400, unknown=200)
    labels = np.array([2] * 380 + [3] * 20 + [1] * 200)
    words = ("yes",) * 380 + ("no",) * 20 + ("tree",) * 190 + ("cat",) * 10
    clips = dataclasses.replace(clips, labels=labels, words=words)
    rows = plan_epoch(clips, 1, 0, AugmentConfig(keyword_balance=1.0, unknown_balance=1.0, unknown_percent=100))
    assert np.bincount(labels[rows[rows >= 0]])[2:].tolist() == [200, 200]
    assert np.bincount(rows[(rows >= 380) & (rows < 400)])[380:].tolist() == [10] * 20
    assert (rows >= 590).sum() == pytest.approx(200, abs=60)  # half of 400; six standard deviations


def test_plan_epoch_synthetic_clips_do_not_crowd_out_recordings():
    names = tuple(f"x/{kind}_nohash_{n}.wav" for n in range(200) for kind in ("espeak-f1", "0a7c2a8d"))
    clips = dataclasses.replace(clip_set(300, 100), names=names)
    assert clips.synthetic.sum() == 200
    rows = plan_epoch(clips, 1, 0, AugmentConfig(synthetic_keywords=0.2, synthetic_unknown=0.25, unknown_percent=20))
    spoken = clips.synthetic[rows[rows >= 0]]
    keyword = rows[rows >= 0] < 300
    assert (spoken & keyword).sum() == 30 and (~spoken & keyword).sum() == 150
    assert (spoken & ~keyword).sum() == 9 and (~spoken & ~keyword).sum() == 27
    assert not np.array_equal(np.sort(rows), np.sort(plan_epoch(clips, 1, 1, AugmentConfig(synthetic_keywords=0.2))))


def test_plan_epoch_of_synthetic_clips_alone_has_its_unknown_words():
    clips = dataclasses.replace(clip_set(300, 100), names=("x/flite-slt_nohash_0.wav",) * 400)
    rows = plan_epoch(clips, 1, 0, AugmentConfig())
    assert (rows >= 300).sum() == 30 and ((rows >= 0) & (rows < 300)).sum() == 300


def test_render_epoch_without_augmentation_equals_plain_features():
    clips = clip_set(40, 10)
    rows = plan_epoch(clips, 7, 0, STILL)
    features, labels = render_epoch(clips, 7, 0, STILL)
    plain, _ = plain_features(clips)
    assert features.shape == (48, 98, 40) and features.dtype == np.float16
    # BLAS adds up in an order that depends on the number of clips: the last bit of a float16 can differ.
    np.testing.assert_allclose(features[rows >= 0], plain[rows[rows >= 0]], rtol=2**-10, atol=2**-10)
    np.testing.assert_array_equal(labels, np.where(rows < 0, 0, clips.labels[rows]))


def test_plain_features_are_the_float_definition():
    clips = clip_set(5, 2)
    # float16 has 11 bits of mantissa: features below 256 are within 0.0625.
    np.testing.assert_allclose(plain_features(clips)[0], mfcc_float(clips.pcm), atol=0.0625, rtol=1e-3)


def test_render_epoch_masks_are_filled_with_the_mean_of_the_front_end():
    mean = tuple(float(value) for value in range(150, 190))
    features, _ = render_epoch(clip_set(40, 10), 1, 0, AugmentConfig(), FrontendConfig(feature_mean=mean))
    assert (features == np.array(mean, np.float16)).all(axis=2).any()


def test_render_epoch_no_noise_recordings_gives_digital_silence():
    clips = clip_set(20, 5, noise=False)
    features, labels = render_epoch(clips, 1, 0, STILL)
    np.testing.assert_array_equal(features[labels == clips.label_names.index(SILENCE)], 0)


@pytest.mark.slow
def test_epoch_renderer_workers_equal_this_process_and_any_order():
    clips = clip_set(keywords=2 * CHUNK_CLIPS + 20)
    expected = [render_epoch(clips, 5, epoch) for epoch in range(3)]
    with EpochRenderer(clips, 5, workers=2, last_epoch=2) as renderer:
        for epoch in (0, 1, 2, 1):  # going back is what a resumed run does
            features, labels = renderer.epoch(epoch)
            np.testing.assert_array_equal(features, expected[epoch][0])
            np.testing.assert_array_equal(labels, expected[epoch][1])
    with EpochRenderer(clips, 5, workers=0) as renderer:
        np.testing.assert_array_equal(renderer.epoch(2)[0], expected[2][0])
    assert not np.array_equal(render_epoch(clips, 6, 0)[0], expected[0][0])


def test_epoch_cache_hit_equals_a_fresh_render(tmp_path, monkeypatch):
    clips, config = clip_set(keywords=150, unknown=20), AugmentConfig()
    fresh = [render_epoch(clips, 5, epoch, config) for epoch in range(2)]
    with EpochRenderer(clips, 5, config, workers=0, cache=tmp_path) as renderer:
        written = [renderer.epoch(epoch) for epoch in range(2)]
    monkeypatch.setattr("kws_training.data.render.render_chunk", None)  # nothing may be rendered now
    with EpochRenderer(clips, 5, config, workers=2, last_epoch=1, cache=tmp_path) as renderer:
        found = [renderer.epoch(epoch) for epoch in range(2)]
        assert renderer._pool is None
    for epochs in zip(fresh, written, found, strict=True):
        for features, labels in epochs:
            assert features.tobytes() == epochs[0][0].tobytes() and features.dtype == np.float16
            assert labels.tobytes() == epochs[0][1].tobytes() and labels.dtype == np.int64
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_epoch_cache_filled_by_workers_ahead_holds_every_epoch(tmp_path):
    clips = clip_set(keywords=40, unknown=5)
    with EpochRenderer(clips, 5, workers=1, last_epoch=2, cache=tmp_path) as renderer:
        renderer.epoch(0)
        renderer.epoch(1)
    with EpochRenderer(clips, 5, workers=1, last_epoch=2, cache=tmp_path) as renderer:  # a hit, a hit, and a new one
        for epoch in range(3):
            assert renderer.epoch(epoch)[0].tobytes() == render_epoch(clips, 5, epoch)[0].tobytes()
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("damage", ["cut", "one byte", "empty", "another archive"])
def test_epoch_cache_damaged_file_is_rendered_again(tmp_path, damage, workers):
    clips = clip_set(keywords=40, unknown=5)
    with EpochRenderer(clips, 5, workers=0, cache=tmp_path) as renderer:
        features, labels = renderer.epoch(0)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    if damage == "another archive":
        np.savez(path, labels=labels)
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        path.write_bytes({"cut": whole[:middle], "one byte": flipped, "empty": b""}[damage])
    with EpochRenderer(clips, 5, workers=workers, last_epoch=0, cache=tmp_path) as renderer:
        again = renderer.epoch(0)
    assert again[0].tobytes() == features.tobytes() and again[1].tobytes() == labels.tobytes()
    with np.load(path) as archive:
        assert archive["features"].tobytes() == features.tobytes()


def test_epoch_cache_of_anything_else_is_another_file(tmp_path):
    clips, config, frontend = clip_set(keywords=20, unknown=5), AugmentConfig(), FrontendConfig()
    changed = clips.pcm.copy()
    changed[3, 77] += 1
    variants = [
        (clips, 5, config, frontend),
        (clips, 6, config, frontend),
        (clips, 5, dataclasses.replace(config, noise_volume=0.2), frontend),
        (clips, 5, config, dataclasses.replace(frontend, mel_bands=60)),
        (clips, 5, config, None),
        (dataclasses.replace(clips, pcm=changed), 5, config, frontend),
        (dataclasses.replace(clips, labels=5 - clips.labels), 5, config, frontend),
        (dataclasses.replace(clips, words=tuple(reversed(clips.words))), 5, config, frontend),
        (dataclasses.replace(clips, noise=()), 5, config, frontend),
        (dataclasses.replace(clips, names=("x/flite-slt_nohash_0.wav",) * len(clips)), 5, config, frontend),
    ]
    paths = [EpochCache(tmp_path, *variant).path(0) for variant in variants]
    assert len(set(paths)) == len(variants)
    assert paths[0] == EpochCache(tmp_path, *variants[0]).path(0) != EpochCache(tmp_path, *variants[0]).path(1)


def test_epoch_cache_on_a_full_disk_is_one_line_and_leaves_no_part(tmp_path, monkeypatch):
    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    with EpochRenderer(clip_set(20, 5), 5, workers=0, cache=tmp_path) as renderer:
        with pytest.raises(KwsError, match="No space left on device.*without --cache"):
            renderer.epoch(0)
    assert not list(tmp_path.iterdir())


def test_epoch_cache_in_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KwsError, match="another --cache"):
        EpochRenderer(clip_set(20, 5), 5, workers=0, cache=tmp_path / "file")


def test_epoch_renderer_killed_parent_leaves_no_worker_and_no_file(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        "from tests.unit.data.test_data import clip_set\n"
        "from kws_training.data.epoch_renderer import EpochRenderer\n"
        "if __name__ == '__main__':\n"
        "    renderer = EpochRenderer(clip_set(20, 5), 1, workers=2)\n"
        "    renderer.epoch(0)\n"
        "    print(*renderer._pool._processes, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    folders = [str(ROOT / name) for name in (".", "training", "codegen", "host")]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(folders)}
    parent = subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    workers = [int(word) for word in parent.stdout.readline().split()]
    assert len(workers) == 2 and list(tmp_path.glob("kws-clips-*"))
    parent.kill()
    parent.wait()

    def alive(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    deadline = time.monotonic() + 120  # ends what would hang
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    assert not list(tmp_path.glob("kws-clips-*"))


@pytest.mark.parametrize("change", [{"resample": 1.0}, {"noise_volume": -1}, {"gain_low_db": 4.0}])
def test_augment_config_bad_value_is_named(change):
    with pytest.raises(KwsError, match=next(iter(change)).split("_")[0]):
        AugmentConfig(**change)
