"""Recordings to run: which are taken, what is expected of them, and what they are heard as."""

import numpy as np
from kws_host import clips, project
from kws_host.heard import heard_step
from kws_reference.bundle import Bundle
from kws_reference.pipeline import Pipeline

from tests.support import clip_files, odd_names


def test_find_limit_draws_by_seed_and_keeps_the_order(tmp_path):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    for index in range(30):
        clip_files.write_wav(tmp_path / f"yes/{index:02d}.wav", np.zeros(10))
    names = [clip.name for clip in clips.find([tmp_path], bundle, limit=8, seed=3)]
    assert len(names) == 8 and names == sorted(names)
    assert names == [clip.name for clip in clips.find([tmp_path], bundle, limit=8, seed=3)]
    assert names != [clip.name for clip in clips.find([tmp_path], bundle, limit=8, seed=4)]
    assert len(clips.find([tmp_path], bundle)[0].read(bundle)) == 16000


def test_find_labels_by_the_first_folder_and_tells_what_is_left_out(tmp_path, capsys):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    taken = ["_unknown_/bed/1.wav", "No/a.WAV", "house/b.wav", "top.wav", "yes/anna/c.wav"]
    for name in (*taken, ".trash/d.wav", "_background_noise_/e/f.wav", "__MACOSX/yes/._c.wav"):
        clip_files.write_wav(tmp_path / name, np.zeros(10))
    (tmp_path / "yes/g.flac").touch()
    found = clips.find([tmp_path], bundle)
    assert {clip.name: clip.expected for clip in found} == {
        **{"_unknown_/bed/1.wav": "_unknown_", "No/a.WAV": "no", "house/b.wav": "_unknown_"},
        **{"top.wav": "", "yes/anna/c.wav": "yes"},
    }
    said = capsys.readouterr().err
    assert "hidden: 1 (.trash/)" in said and "macOS: 1 (__MACOSX/)" in said and "(yes/g.flac)" in said
    assert [clip.expected for clip in clips.find([tmp_path / "yes", tmp_path / "No/a.WAV"], bundle)] == ["yes", "no"]
    clip_files.write_wav(tmp_path / "yes/_unknown_/h.wav", np.zeros(10))
    assert [clip.expected for clip in clips.find([tmp_path / "yes"], bundle)] == ["_unknown_", "_unknown_"]
    unknown = tmp_path / "_unknown_"
    clip_files.write_wav(unknown / "i.wav", np.zeros(10))
    assert {clip.expected for clip in clips.find([unknown, unknown / "i.wav"], bundle)} == {"_unknown_"}
    assert clips.find([tmp_path / "house"], bundle)[0].expected == ""


def test_find_labels_of_odd_names_are_found_as_bytes_and_as_shown(tmp_path):
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    (tmp_path / "clips").mkdir()
    odd_names.write_clips(tmp_path / "clips")
    table = tmp_path / "labels.csv"
    lines = [b"caf\xe9.wav,yes", rb"\u001b[31mred.wav,no", b"back\\x41slash.wav,go", rb'"\u202ertl.wav",up']
    table.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))  # as a spreadsheet writes it
    found = {clip.name: clip.expected for clip in clips.find([tmp_path / "clips"], bundle, labels_csv=table)}
    wanted = {r"caf\xe9.wav": "yes", r"\u001b[31mred.wav": "no", r"back\\x41slash.wav": "go", r"\u202ertl.wav": "up"}
    assert {name: label for name, label in found.items() if label} == wanted


def test_heard_step_of_a_long_recording_is_at_the_end_of_the_second_with_the_word():
    bundle = Bundle.load(project.RELEASED_BUNDLE)
    word = clip_files.word()
    assert heard_step(bundle, word) == 48 and heard_step(bundle, word[:100]) == -1
    long = np.concatenate([np.zeros(20000, np.int16), word, np.zeros(30000, np.int16)])
    step = heard_step(bundle, long)
    assert bundle.labels[int(Pipeline(bundle).run(long)[step].scores.argmax())] == "left"
    assert 62 + 48 - 30 <= step <= 62 + 48 + 30
    assert heard_step(bundle, long, "_silence_") == 48
