"""Noise, other talkers and gates beside words; which recordings of noise are kept for testing."""

import numpy as np
import pytest
import soundfile
from kws_reference.errors import KwsError
from kws_training.data.noise_folders import kept_for_testing, load_noise_folders, noise_recordings, source_of
from kws_training.data.signal import gates, mixing
from kws_training.data.signal.levels import active_level
from kws_training.data.training_data import TrainingData, load_training_data

SECOND = 16000


def words(clips, level=2000):
    pcm = np.zeros((clips, SECOND), np.float32)
    pcm[:, 4000:10000] = np.random.default_rng(0).normal(0, level, (clips, 6000))
    return pcm


def noises(count=3, samples=40000):
    return [(300 * (k + 1) * np.random.default_rng(k).normal(0, 1, samples)).astype(np.int16) for k in range(count)]


def test_add_noise_at_snr_has_the_level_asked_for_below_the_words():
    pcm = words(200)
    out = mixing.add_noise_at_snr(np.random.default_rng(1), pcm.copy(), noises(), 0.5, 5.0, 15.0)
    touched = np.any(out != pcm, axis=1)
    assert 70 < touched.sum() < 130
    snr_db = 20 * np.log10(active_level(pcm) / active_level(np.maximum(np.abs(out - pcm), 1e-3)))[touched]
    assert 4.9 < snr_db.min() < 6.5 and 13.5 < snr_db.max() < 15.1


def test_add_noise_at_snr_in_silence_has_any_level():
    out = mixing.add_noise_at_snr(np.random.default_rng(1), np.zeros((200, SECOND), np.float32), noises(), 1.0, 5, 15)
    rms = out.std(axis=1)
    assert 0.9 < rms.min() < 2 and 1500 < rms.max() < 3100


def test_add_noise_without_noise_changes_nothing_and_short_recordings_begin_again():
    pcm = words(4)
    np.testing.assert_array_equal(mixing.add_noise_at_snr(np.random.default_rng(1), pcm.copy(), [], 1.0, 0, 0), pcm)
    short = [np.arange(1, 101, dtype=np.int16)]
    found = mixing.piece(np.random.default_rng(1), short, 250)
    assert found.dtype == np.float32 and np.array_equal(np.unique(np.diff(found)), [-99, 1])


def test_add_talkers_are_one_or_several_voices_at_the_level():
    clips = words(300)
    voices = [np.where(np.arange(SECOND) // 1000 == k, 100 * (k + 1), 0).astype(np.int16) for k in range(16)]
    out = mixing.add_talkers(np.random.default_rng(2), clips.copy(), voices, 1.0, 10.0, 10.0, most=3)
    other = out - clips
    # Each voice is a block of 1,000 samples: how many blocks are there tells how many talk (two may coincide).
    talkers = np.array([len(np.unique(np.rint(row[np.abs(row) > 1]))) for row in other])
    assert 100 < np.sum(talkers == 1) < 200 and np.sum(talkers > 1) > 90
    # Blocks that follow each other may share a frame with silence, which counts in the level.
    assert np.median(20 * np.log10(active_level(clips) / active_level(other))) == pytest.approx(10.0, abs=0.1)


def test_rows_are_recordings_without_a_copy():
    pcm = np.arange(12, dtype=np.int16).reshape(4, 3)
    rows = mixing.Rows(pcm, np.array([3, 1]))
    assert len(rows) == 2 and np.shares_memory(rows[0], pcm) and rows[0].tolist() == [9, 10, 11]


def test_gate_pauses_closes_behind_the_word_and_keeps_it():
    pcm = words(40)
    pcm += np.random.default_rng(5).normal(0, 2, pcm.shape).astype(np.float32)  # 60 dB below the word
    out = gates.gate_pauses(np.random.default_rng(3), pcm.copy(), 1.0)
    np.testing.assert_array_equal(out[:, 4000:10000], pcm[:, 4000:10000])
    same = out == pcm
    assert not same[:, :3800].any(axis=1).all() and np.mean(same[:, 14000:]) < 0.2
    assert 8 < np.sum(np.all(out[:, 14100:] == 0, axis=1)) < 35  # half of them to digital zero


def test_open_mask_opens_a_frame_early_and_holds():
    pcm = np.zeros((1, 1600), np.float32)
    pcm[0, 640:800] = 100
    opened = gates.open_mask(pcm, np.array([50.0]), np.array([3]))
    assert np.flatnonzero(opened[0]).tolist() == list(range(480, 1120))


def test_switch_turns_noise_off_and_on():
    pcm = np.random.default_rng(0).normal(0, 500, (30, SECOND)).astype(np.float32)
    out = gates.switch(np.random.default_rng(1), pcm.copy(), 1.0)
    kept = np.mean(out == pcm, axis=1)
    assert 0.3 < kept.mean() < 0.7 and np.sum(np.diff((out == pcm).astype(int), axis=1) != 0) > 60


def test_kept_for_testing_is_a_fifth_of_each_class_and_keeps_takes_together():
    names = [f"{kind}/{number}-{take}.wav" for kind in ("rain", "dog") for number in range(20) for take in "AB"]
    kept = kept_for_testing(names)
    for kind in ("rain", "dog"):
        assert sum(name.startswith(kind) for name in kept) == 8
    assert not {source_of(name) for name in kept} & {source_of(name) for name in set(names) - kept}
    assert kept == kept_for_testing(names[::-1])
    assert kept_for_testing([name for name in names if name.startswith("dog")]) == {
        name for name in kept if name.startswith("dog")
    }


def test_kept_for_testing_a_class_of_one_source_trains():
    assert kept_for_testing(["fan/1-A.wav", "fan/1-B.wav", "hum.wav"]) == set()
    assert len(kept_for_testing(["a.wav", "b.wav"])) == 1


def test_load_noise_folders_reads_its_part_at_16_khz(tmp_path):
    for number in range(10):
        path = tmp_path / "fan" / f"{number:02}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.full(800 + number, 100, np.int16), 8000)
    soundfile.write(tmp_path / "fan/zero.wav", np.zeros(800, np.int16), 8000)
    training, testing = (load_noise_folders([tmp_path], part) for part in ("training", "testing"))
    assert len(training) + len(testing) == 10 and len(testing) in (2, 3)
    assert {len(pcm) for pcm in training + testing} == {2 * (800 + number) for number in range(10)}
    names = [item.name for part in ("training", "testing") for item in noise_recordings(tmp_path, part)]
    assert sorted(names) == sorted([*(f"fan/{number:02}.wav" for number in range(10)), "fan/zero.wav"])


def test_load_training_data_noise_is_heard_in_training_without_what_is_kept(tmp_path):
    rng = np.random.default_rng(0)
    for name in [*(f"data/yes/{person}.wav" for person in range(10)), *(f"noise/fan/{n:02}.wav" for n in range(10))]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, rng.integers(-500, 500, 16000).astype(np.int16), 16000)
    data = TrainingData(tmp_path / "data", noise=(tmp_path / "noise",))
    training, validation = load_training_data(data, ("yes",), 1)
    kept = len(noise_recordings(tmp_path / "noise", "testing"))
    assert kept == 2 and len(training.everyday_noise) == 8 and not validation.everyday_noise
    assert len(training.noise) > 0  # that of the data set, as ever


def test_noise_recordings_of_a_folder_without_any_is_one_clear_line(tmp_path):
    with pytest.raises(KwsError, match="no WAV files below"):
        noise_recordings(tmp_path, "training")
