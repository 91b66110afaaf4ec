"""Lists in a folder's top win over every rule of the split; what no list names has a rule of its own."""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import pytest
from kws_reference.audio.recordings import find_recordings
from kws_reference.errors import KwsError
from kws_reference.labels import words_of
from kws_training.commands.options.extra_folders import add_extra, extra_folders
from kws_training.data.clip_lists import find_names, read_names
from kws_training.data.clips import ClipSpec, FolderSpec
from kws_training.data.load_clips import load_clips
from kws_training.data.speakers import speaker_of, spoken_word
from kws_training.data.splits import divide, hash_split

from tests.support.clip_files import write_wav

WORDS = ("yes", "no")


def speakers(split, count):
    found = (hashlib.sha1(str(n).encode()).hexdigest()[:8] for n in range(10_000))
    return [speaker for speaker in found if hash_split(f"{speaker}_nohash_0.wav") == split][:count]


def record(root, *names):
    for index, name in enumerate(names):
        write_wav(root / name, np.random.default_rng(index).integers(-900, 900, 16000))


def lists(root, **parts):
    for part, names in parts.items():
        (root / f"{part}_list.txt").write_text("".join(f"{name}\n" for name in names))


@pytest.fixture
def folder(tmp_path):
    """Twelve own recordings of each of three words."""
    root = tmp_path / "data"
    record(root, *(f"{word}/t{index}.wav" for word in ("yes", "no", "tree") for index in range(12)))
    return root


def taken(spec):
    return list(load_clips(ClipSpec(folders=(spec,))).names)


def parts(root, words=WORDS):
    division = divide(find_recordings(root), words)
    return tuple(division.names(split) for split in ("training", "validation", "testing"))


def test_divide_lists_of_a_small_folder_win_and_the_rest_trains(folder):
    lists(folder, validation=["yes/t0.wav", "tree/t3.wav"], testing=["yes/t1.wav", "no/t2.wav"])
    training, validation, testing = parts(folder)
    assert (validation, testing) == (["tree/t3.wav", "yes/t0.wav"], ["no/t2.wav", "yes/t1.wav"])
    assert len(training) == 32 and not set(training) & {*validation, *testing}


def test_divide_lists_win_over_the_hash_of_official_names(tmp_path):
    official = [
        f"yes/{speaker}_nohash_0.wav"
        for split in ("training", "validation", "testing")
        for speaker in speakers(split, 8)
    ]
    record(tmp_path, *official)
    lists(tmp_path, validation=official[:1], testing=official[1:2])
    training, validation, testing = parts(tmp_path)
    assert (validation, testing) == (official[:1], official[1:2]) and len(training) == 22


def test_divide_only_a_validation_list_keeps_official_test_speakers_out_of_training(tmp_path):
    kept = [f"yes/{speaker}_nohash_0.wav" for speaker in speakers("testing", 3)]
    others = [f"yes/{speaker}_nohash_0.wav" for speaker in speakers("training", 3) + speakers("validation", 3)]
    own = [f"no/t{index}.wav" for index in range(30)]
    record(tmp_path, *kept, *others, *own)
    lists(tmp_path, validation=["no/t0.wav", others[0]])
    training, validation, testing = parts(tmp_path)
    assert testing == sorted(kept) and validation == sorted(["no/t0.wav", others[0]])
    assert set(training) == {*own, *others} - set(validation)
    assert "Speech Commands keeps for testing" in divide(find_recordings(tmp_path), WORDS).rule


def test_divide_only_a_testing_list_leaves_the_others_to_the_usual_rule(folder):
    lists(folder, testing=["yes/t1.wav", "no/t2.wav"])
    training, validation, testing = parts(folder)
    assert testing == ["no/t2.wav", "yes/t1.wav"] and not set(testing) & {*training, *validation}
    assert {name.split("/")[0] for name in validation} == {"yes", "no", "tree"} and len(training) > 20


def test_divide_clip_in_both_lists_and_lines_without_a_clip_are_told(folder):
    lists(folder, validation=["yes/t0.wav", "no/t0.wav"], testing=["yes/t0.wav", "gone/x.wav"])
    division = divide(find_recordings(folder), WORDS)
    assert division.part["yes/t0.wav"] == "testing" and division.part["no/t0.wav"] == "validation"
    assert any("1 clips are in both lists" in note and "yes/t0.wav" in note for note in division.notes)
    assert any("1 clips that are not here (gone/x.wav)" in note for note in division.notes)


def test_divide_speakers_on_both_sides_are_counted(tmp_path):
    record(tmp_path, "yes/me_nohash_0.wav", "no/me_nohash_1.wav", "yes/anna/1.wav", "yes/anna/2.wav", "yes/t.wav")
    lists(tmp_path, validation=["yes/me_nohash_0.wav", "yes/anna/1.wav"])
    assert any(
        "2 speakers are in more than one split" in note for note in divide(find_recordings(tmp_path), WORDS).notes
    )


def test_divide_few_speakers_whose_recordings_are_split_are_counted(tmp_path):
    record(tmp_path, *(f"{word}/me_nohash_{index}.wav" for word in WORDS for index in range(10)))
    assert any(
        "1 speakers are in more than one split" in note for note in divide(find_recordings(tmp_path), WORDS).notes
    )
    record(tmp_path, *(f"{word}/p{index}/1.wav" for word in WORDS for index in range(10)))
    division = divide(find_recordings(tmp_path), WORDS)
    assert not division.notes and division.names("validation")


def test_divide_list_that_fits_nothing_is_refused(folder):
    lists(folder, testing=["data/yes/t1.wav", "t2.wav"])
    with pytest.raises(KwsError, match=r"testing_list.txt: none of its 2 lines .* first: data/yes/t1.wav"):
        parts(folder)


def test_read_names_takes_what_other_systems_write(tmp_path):
    record(tmp_path, "yes/a b.wav", "yes/C.WAV", "no/d.wav", "no/e.wav")
    text = f"\ufeff# mine\r\n\r\n.\\yes\\a b.wav\r\n  ./no//d.wav \r\nyes/c.wav\r\n{tmp_path}/no/e.wav\r\nno/d.wav\r\n"
    (tmp_path / "validation_list.txt").write_bytes(text.encode())
    assert read_names(tmp_path / "validation_list.txt", tmp_path) == [
        "yes/a b.wav",
        "no/d.wav",
        "yes/c.wav",
        "no/e.wav",
    ]
    assert parts(tmp_path)[1] == ["no/d.wav", "no/e.wav", "yes/C.WAV", "yes/a b.wav"]


def test_load_clips_prints_the_split_with_its_counts(folder, log_lines):
    lists(folder, validation=["yes/t0.wav", "no/t0.wav"], testing=["yes/t1.wav"])
    clips = load_clips(ClipSpec(folder, "training", words=WORDS))
    assert not {"yes/t0.wav", "no/t0.wav", "yes/t1.wav"} & set(clips.names)
    assert any("36 clips" in line and "validation_list.txt and testing_list.txt" in line for line in log_lines)
    rows = {line.split()[0]: line.split()[1:] for line in log_lines if line.startswith("  ")}
    assert rows["yes"] == ["10", "1", "1"] and rows["no"] == ["11", "1", "0"] and rows["all"] == ["33", "2", "1"]


def test_load_clips_lists_of_an_extra_folder_win_too(folder, tmp_path, log_lines):
    extra = tmp_path / "extra"
    record(extra, *(f"yes/x{index}.wav" for index in range(6)))
    lists(extra, validation=["yes/x0.wav"], testing=["yes/x1.wav"])
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    add_extra(parser)
    spec = extra_folders(parser.parse_args(["--extra", str(extra)]))[0]
    assert taken(spec) == [f"yes/x{index}.wav" for index in range(2, 6)]
    assert any("2 clips do not train" in line and "yes/x0.wav, yes/x1.wav" in line for line in log_lines)
    assert len(taken(FolderSpec(extra))) == 6  # a test on the whole folder
    clips = load_clips(ClipSpec(folder, "training", (spec,), WORDS))
    assert not {"yes/x0.wav", "yes/x1.wav"} & set(clips.names) and "yes/x2.wav" in clips.names


def test_index_folder_that_trains_leaves_out_listed_clips_only(tmp_path):
    official = [f"yes/{speaker}_nohash_0.wav" for split in ("testing", "validation") for speaker in speakers(split, 4)]
    record(tmp_path, *official)
    lists(tmp_path, testing=official[:1])
    assert taken(FolderSpec(tmp_path, to_train=True)) == sorted(official[1:])
    (tmp_path / "testing_list.txt").rename(tmp_path / "validation_list.txt")
    assert taken(FolderSpec(tmp_path, to_train=True)) == sorted(official[1:])


def test_find_names_prefers_the_exact_name(tmp_path):
    apart, composed = "yes/e\u0301.wav", "yes/\u00e9.wav"
    assert find_names([apart], [apart, composed]) == ({apart}, [])
    assert find_names(["yes/E\u0301.WAV", "yes/f.wav"], [composed, "no/f.wav"]) == ({composed}, ["yes/f.wav"])


def test_load_clips_extra_folder_with_copies_of_held_clips_does_not_train_on_them(folder, tmp_path, log_lines):
    lists(folder, testing=["yes/t1.wav"], validation=["no/t2.wav"])
    extra = tmp_path / "extra"
    for name in ("yes/t1.wav", "no/t2.wav"):
        (extra / name).parent.mkdir(parents=True)
        (extra / name).write_bytes((folder / name).read_bytes())
    record(extra, "yes/t1b.wav", "tree/t9.wav")
    clips = load_clips(ClipSpec(folder, "training", (FolderSpec(extra, to_train=True),), WORDS))
    assert not {"yes/t1.wav", "no/t2.wav"} & set(clips.names) and "yes/t1b.wav" in clips.names
    assert any("2 clips do not train, but validate or test" in line for line in log_lines)


@pytest.mark.parametrize(
    ("name", "speaker"),
    [
        ("yes/0a7c2a8d_nohash_0.wav", "0a7c2a8d"),
        ("_unknown_/bed_0a7c2a8d_nohash_0.wav.wav", "0a7c2a8d"),
        ("yes/anna/0a7c2a8d_nohash_0.wav", "0a7c2a8d"),
        ("yes/anna/1.wav", "anna"),
        ("yes/anna/car/1.wav", "anna"),
        ("_unknown_/bed/1.wav", "1.wav"),
        ("_unknown_/bed/anna/1.wav", "anna"),
        ("yes/take1.wav", "take1.wav"),
    ],
)
def test_speaker_of_name(name, speaker):
    assert speaker_of(name) == speaker


def test_spoken_word_below_unknown_is_the_next_folder_or_what_precedes_the_speaker():
    assert [spoken_word(f"_unknown_/{name}") for name in ("bed_0a7c2a8d_nohash_0.wav", "bed/1.wav", "1.wav")] == [
        "bed",
        "bed",
        "_unknown_",
    ]


def test_hash_split_takes_names_that_are_no_unicode():
    assert hash_split("yes/\udcff_nohash_0.wav") in ("training", "validation", "testing")


def test_labels_that_name_the_same_folder_are_refused():
    with pytest.raises(KwsError, match="Hello_World twice"):
        words_of("hello world,Hello_World", "--labels")


@pytest.mark.parametrize(("data", "extra"), [("a", "a/b"), ("a/b", "a"), ("a/b", "a/../a")])
def test_extra_folder_inside_of_another_is_refused(tmp_path, data, extra):
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    add_extra(parser)
    (tmp_path / "a/b").mkdir(parents=True)
    arguments = ["--data", str(tmp_path / data), "--extra", str(tmp_path / extra)]
    with pytest.raises(KwsError, match="lies in .* would count twice"):
        extra_folders(parser.parse_args(arguments))
    extra_folders(parser.parse_args([*arguments[:2], "--extra", str(tmp_path / "c")]))
