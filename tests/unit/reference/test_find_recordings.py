"""What counts as a recording in a folder, and whose label it is."""

import os
import unicodedata

import pytest
from kws_reference.audio import recordings
from kws_reference.audio.recordings import deeper_labels, find_recordings, folded, label_of
from kws_reference.errors import KwsError

LABELS = ("_silence_", "_unknown_", "yes", "no", "hello world", "café")


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(found):
    return [item.name for item in found]


def test_find_takes_wav_files_of_any_case_and_depth(tmp_path):
    taken = ["Yes/e.wav", "no/a.WAV", "no/b.Wav", "no/c.wave", "no/d.wav.wav", "yes/anna/1.wav", "yes/anna/car/2.wav"]
    touch(tmp_path, *taken)
    listing = find_recordings(tmp_path)
    assert names(listing.recordings) == names(listing.clips) == taken and not listing.left_out
    assert [item.folder for item in listing.clips] == ["Yes", "no", "no", "no", "no", "yes", "yes"]


def test_find_names_all_that_is_left_out(tmp_path):
    touch(tmp_path, "yes/a.wav", "yes/b.flac", "yes/c.MP3", "yes/README", "yes/.d.wav", "yes/._a.wav", ".trash/e.wav")
    touch(tmp_path, "__MACOSX/yes/._a.wav", ".DS_Store", "top.wav", "_old/f.wav", "validation_list.txt", "yes/a.wav~")
    (tmp_path / "empty/deep").mkdir(parents=True)
    os.mkfifo(tmp_path / "yes/pipe.wav")
    listing = find_recordings(tmp_path)
    assert names(listing.clips) == ["yes/a.wav"]
    assert listing.not_clips() == {
        recordings.NOT_WAV: ("yes/b.flac", "yes/c.MP3"),
        recordings.NO_AUDIO: ("yes/README", "yes/a.wav~"),
        recordings.HIDDEN: (".DS_Store", ".trash/", "yes/.d.wav"),
        recordings.MACOS: ("__MACOSX/", "yes/._a.wav"),
        recordings.NO_FOLDER: ("top.wav",),
        recordings.RESERVED: ("_old/f.wav",),
        recordings.EMPTY: ("empty/deep/",),
        recordings.SPECIAL: ("yes/pipe.wav",),
    }


def test_find_background_noise_is_no_clip_at_any_depth(tmp_path):
    touch(tmp_path, "_background_noise_/a.wav", "_Background_Noise_/kitchen/b.WAV", "yes/_background_noise_/c.wav")
    listing = find_recordings(tmp_path)
    assert len(listing.noise) == 3 and not listing.clips and not listing.not_clips()


def test_find_follows_links_and_takes_every_file_once(tmp_path):
    touch(tmp_path, "data/yes/a.wav", "data/.store/1.wav", "elsewhere/no/b.wav")
    data = tmp_path / "data"
    for name, target in (
        ("no", "../elsewhere/no"),
        ("again", "../elsewhere/no"),
        ("yes/loop", ".."),
        ("yes/same.wav", "a.wav"),
        ("yes/stored.wav", "../.store/1.wav"),
        ("yes/gone.wav", "nothing"),
        ("yes/itself.wav", "itself.wav"),
    ):
        (data / name).symlink_to(target)
    listing = find_recordings(data)
    assert names(listing.clips) == ["again/b.wav", "yes/a.wav", "yes/stored.wav"]
    assert listing.left_out[recordings.TWICE] == ("no/", "yes/loop/", "yes/same.wav")
    assert listing.left_out[recordings.DANGLING] == ("yes/gone.wav", "yes/itself.wav")


def test_find_voices_that_a_run_made_inside_of_the_folder_are_no_word(tmp_path):
    touch(tmp_path, "yes/a.wav", "run/voices/yes/b.wav", "run/voices/voices.json", "voices.json")
    listing = find_recordings(tmp_path)
    assert names(listing.clips) == ["yes/a.wav"] and listing.left_out[recordings.MADE] == ("run/voices/",)
    assert names(find_recordings(tmp_path / "run/voices").clips) == ["yes/b.wav"]


def test_find_order_does_not_depend_on_how_accents_are_written(tmp_path):
    composed, apart = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    touch(tmp_path / "one", f"no/{composed}.wav", "no/f.wav")
    touch(tmp_path / "two", f"no/{apart}.wav", "no/f.wav")
    orders = [
        [recordings.normalised(name) for name in names(find_recordings(tmp_path / part).clips)]
        for part in ("one", "two")
    ]
    assert orders[0] == orders[1] == ["no/f.wav", f"no/{composed}.wav"]


def test_find_missing_or_unreadable_folder_is_one_clear_line(tmp_path, monkeypatch):
    with pytest.raises(KwsError, match="absent: no such folder"):
        find_recordings(tmp_path / "absent")
    touch(tmp_path, "yes/a.wav")
    scan = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("yes"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(KwsError, match="yes: cannot be read .Permission denied"):
        find_recordings(tmp_path)


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("yes", "yes"),
        ("Yes", "yes"),
        ("YES ", "yes"),
        ("hello_world", "hello world"),
        ("Hello-World", "hello world"),
        ("hello  world", "hello world"),
        (unicodedata.normalize("NFD", "Café"), "café"),
        ("_Unknown_", "_unknown_"),
        ("_silence_", "_silence_"),
        ("silence", "_unknown_"),
        ("helloworld", "_unknown_"),
        ("_old", ""),
        ("", ""),
    ],
)
def test_label_of_folder(folder, label):
    assert label_of(folder, LABELS) == label


def test_label_of_other_words_without_an_unknown_label_is_none():
    assert label_of("tree", ("on", "off")) == "" and label_of("_silence_", ("on", "off")) == ""


def test_folded_tells_words_apart_that_are_different():
    assert len({folded(name) for name in ("on", "one", "_on", "o n", "-", "_")}) == 6


def test_deeper_labels_finds_folders_of_persons_above_the_words(tmp_path):
    touch(tmp_path, "anna/yes/1.wav", "tree/bob/2.wav", "yes/no/3.wav", "_unknown_/yes/4.wav")
    assert names(deeper_labels(find_recordings(tmp_path).clips, LABELS)) == ["anna/yes/1.wav"]


def test_named_shows_a_few_names_and_nothing_that_breaks_a_line():
    assert recordings.named(["a\nb\x1b.wav", "é.wav", "c", "d"]) == r"a\u000ab\u001b.wav, é.wav, c and 1 more"
