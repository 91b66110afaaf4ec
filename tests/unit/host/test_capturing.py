"""Which moments are captured, which audio is theirs, and where a key puts them."""

import dataclasses
import json

import numpy as np
import pytest
from kws_host.capturing import NEAR_MISS, WAKE, Capture, CaptureFolder, Capturer, Moment, Span, Watch
from kws_reference.audio.recordings import find_recordings
from kws_reference.errors import KwsError
from kws_reference.protocol.messages import AudioHeard, DetectionRecord, StepRecord
from kws_reference.timing import StepClock

THRESHOLDS = (32768, 20000, 10000)
CAPTURE = Capture("s_nohash_0.wav", WAKE, "left", 0.9, 1.5, "native", "ab" * 32)


def _step(step: int, label: int, smoothed: int) -> StepRecord:
    return StepRecord(step, 0, 0, 0, 0, label, smoothed, b"", b"")


def _moments(watch: Watch, posteriors: list[tuple[int, int]], wakes: tuple[int, ...] = ()) -> list[Moment]:
    found = []
    for step, (label, smoothed) in enumerate(posteriors):
        found.append(watch.on_event(_step(step, label, smoothed)))
        if step in wakes:
            found.append(watch.on_event(DetectionRecord(step, label, smoothed)))
    return [moment for moment in found if moment]


def test_watch_near_miss_is_its_greatest_posterior_once_it_has_fallen():
    rises = [(1, 9000), (1, 12000), (1, 15000), (1, 13000), *[(0, 32000)] * 9]
    assert _moments(Watch(THRESHOLDS, 0.6), rises) == []
    assert _moments(Watch(THRESHOLDS, 0.6), [*rises, (0, 32000)]) == [Moment(NEAR_MISS, 2, 1, 15000)]


def test_watch_wake_is_no_near_miss_before_or_behind_it():
    word = [(1, 15000), (1, 21000), (1, 25000), (1, 22000), (1, 13000), *[(0, 30000)] * 12]
    assert _moments(Watch(THRESHOLDS, 0.6), word, wakes=(2,)) == [Moment(WAKE, 2, 1, 25000)]


def test_watch_labels_that_never_raise_anything_and_low_posteriors_are_none():
    assert _moments(Watch(THRESHOLDS, 0.6), [(0, 32767), (1, 11999), (2, 5999)] * 10) == []
    assert _moments(Watch(THRESHOLDS, 1.0), [(1, 19999), *[(0, 9)] * 12]) == []


@pytest.mark.parametrize("piece", [1, 160, 1000])
def test_capturer_cuts_the_audio_around_the_step_whatever_the_pieces(piece):
    clock = StepClock(1000, 40, 10, 2)  # a step each 20 samples, the first after 50
    capturer = Capturer(clock, Watch(THRESHOLDS, 0.6), Span(0.1, 0.05))
    pcm, found, step = np.arange(2000, dtype=np.int16), [], 0
    for start in range(0, len(pcm), piece):
        part = pcm[start : start + piece]
        events = [AudioHeard(start, part.tobytes())]
        while clock.end_samples(step) <= start + len(part):
            events.append(_step(step, 0, 0))
            events += [DetectionRecord(step, 1, 30000)] * (step in (2, 60, 97))
            step += 1
        found += [item for event in events for item in capturer.on_event(event)]
    found += capturer.rest()
    assert [moment.step for moment, _ in found] == [2, 60, 97]
    for moment, heard in found:
        at = clock.end_samples(moment.step)
        assert np.array_equal(heard, pcm[max(0, at - 100) : at + 50])


@pytest.mark.parametrize(
    ("kind", "key", "file"),
    [
        (WAKE, "r", "left/s_nohash_0.wav"),
        (WAKE, "w", "_unknown_/s_nohash_0.wav"),
        (NEAR_MISS, "m", "left/s_nohash_0.wav"),
        (NEAR_MISS, "r", "_unknown_/s_nohash_0.wav"),
        (WAKE, "0", "_silence_/s_nohash_0.wav"),
        (NEAR_MISS, "d", None),
    ],
)
def test_capture_folder_key_puts_a_capture_where_training_finds_it(tmp_path, kind, key, file):
    folder = CaptureFolder(tmp_path)
    capture = folder.add(dataclasses.replace(CAPTURE, kind=kind), np.arange(100, dtype=np.int16), 16000)
    assert folder.unsorted() == [capture] and find_recordings(tmp_path).clips == ()
    assert folder.sort(capture, "x") is None
    assert folder.sort(capture, key)
    assert folder.unsorted() == [] and not (tmp_path / capture.file).exists()
    assert [item.name for item in find_recordings(tmp_path).clips] == ([file] if file else [])


def test_capture_folder_journal_that_was_cut_off_goes_on(tmp_path):
    folder = CaptureFolder(tmp_path)
    first = folder.add(CAPTURE, np.zeros(10, np.int16), 16000)
    journal = tmp_path / "captures.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"captured": {"fi')
    assert folder.unsorted() == [first]
    second = folder.add(dataclasses.replace(CAPTURE, file="s_nohash_1.wav"), np.zeros(10, np.int16), 16000)
    journal.write_text("\n".join(line for line in journal.read_text().splitlines() if line.endswith("}}")) + "\n")
    assert folder.unsorted() == [first, second]
    assert json.loads(journal.read_text().splitlines()[1])["captured"]["label"] == "left"


@pytest.mark.parametrize("label", ["..", "a/b", ""])
def test_capture_folder_label_that_is_no_folders_name_stays_unsorted(tmp_path, label):
    folder = CaptureFolder(tmp_path)
    capture = folder.add(dataclasses.replace(CAPTURE, label=label), np.zeros(10, np.int16), 16000)
    with pytest.raises(KwsError, match="can be no folder's name"):
        folder.sort(capture, "r")
    assert folder.unsorted() == [capture]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        '{"captured": {"file": "a"}}',
        "text",
        json.dumps({"captured": {**vars(CAPTURE), "file": "_unsorted_/../a.wav"}}),
    ],
)
def test_capture_folder_foreign_journal_is_refused(tmp_path, line):
    (tmp_path / "captures.jsonl").write_text(f"{line}\n{{}}\n")
    with pytest.raises(KwsError, match="captures.jsonl, line 1"):
        CaptureFolder(tmp_path).unsorted()
