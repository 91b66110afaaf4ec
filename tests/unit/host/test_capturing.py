"""Which moments are captured, which audio is theirs, and where a key puts them."""

import dataclasses
import json

import numpy as np
import pytest
from kws_host.capturing import LONGEST_STEPS, NEAR_MISS, WAKE, Capture, CaptureFolder, Capturer, Moment, Span, Watch
from kws_reference.audio.pcm import read_wav
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


def test_watch_near_miss_that_does_not_fall_is_told_once_in_time():
    radio = [(1, 12000), (1, 15000), *[(1, 14000)] * (3 * LONGEST_STEPS)]
    watch = Watch(THRESHOLDS, 0.6)
    told = [(step, watch.on_event(_step(step, *word))) for step, word in enumerate(radio)]
    assert [item for item in told if item[1]] == [(1 + LONGEST_STEPS, Moment(NEAR_MISS, 1, 1, 15000))]
    fallen = [(0, 0)] * 10
    assert _moments(watch, [*fallen, (1, 13000), *fallen])[0].smoothed_q15 == 13000


def test_watch_near_miss_under_way_at_the_end_is_told():
    watch = Watch(THRESHOLDS, 0.6)
    assert _moments(watch, [(1, 15000), (0, 0)]) == []
    assert watch.end() == Moment(NEAR_MISS, 0, 1, 15000) and watch.end() is None


def test_watch_label_that_the_model_has_not_is_none():
    assert _moments(Watch(THRESHOLDS, 0.6), [(7, 32767), *[(0, 0)] * 10]) == []


def _capturer(clock: StepClock, lost: range, dropped: dict[int, int]) -> list:
    """What is cut of a near miss at step 0 that never falls: without pieces that were lost. Dropped: by piece."""
    capturer, found, step = Capturer(clock, Watch(THRESHOLDS, 0.6), Span(0.05, 0.2)), [], 0
    for start in range(0, 4000, 20):
        if start in lost:
            continue
        if start in dropped:
            capturer.on_dropped(dropped[start])
        capturer.on_event(AudioHeard(start, np.full(20, 1, np.int16).tobytes()))
        while clock.end_samples(step) <= start + 20:
            capturer.on_event(_step(step, 1, 15000 - (step > 0)))
            step += 1
        found += capturer.cuts()
    return found + list(capturer.rest())


def test_capturer_near_miss_that_does_not_fall_has_all_its_audio():
    (cut,) = _capturer(StepClock(1000, 40, 10, 2), range(0), {})
    assert (len(cut.pcm), cut.pcm.min(), cut.lost_samples) == (250, 1, 0)


def test_capturer_samples_that_were_lost_in_a_cut_are_counted_and_others_not():
    clock = StepClock(1000, 40, 10, 2)
    (cut,) = _capturer(clock, range(100, 140), {})
    assert cut.lost_samples == 40 and (cut.pcm == 0).sum() == 40
    (cut,) = _capturer(clock, range(400, 440), {})
    assert cut.lost_samples == 0
    assert _capturer(clock, range(0), {20: 0, 120: 7})[0].lost_samples == 7
    assert _capturer(clock, range(0), {500: 0, 520: 7})[0].lost_samples == 0


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
        for event in events:
            capturer.on_event(event)
            found += capturer.cuts()
    found += capturer.rest()
    assert [cut.moment.step for cut in found] == [2, 60, 97]
    for cut in found:
        at = clock.end_samples(cut.moment.step)
        assert np.array_equal(cut.pcm, pcm[max(0, at - 100) : at + 50]) and not cut.lost_samples


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
    assert (tmp_path / (file or "_dropped_/s_nohash_0.wav")).is_file()  # dropped ones can be had back


def test_capture_folder_journal_that_was_cut_off_goes_on(tmp_path):
    folder = CaptureFolder(tmp_path)
    first = folder.add(CAPTURE, np.zeros(10, np.int16), 16000)
    journal = tmp_path / "captures.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"captured": {"fi')
    assert folder.unsorted() == [first]
    second = folder.add(dataclasses.replace(CAPTURE, file="s_nohash_1.wav"), np.zeros(10, np.int16), 16000)
    assert folder.unsorted() == [first, second]
    assert json.loads(journal.read_text().splitlines()[2])["captured"]["label"] == "left"


@pytest.mark.parametrize("label", ["gr\u00fcn", "a\u2028b", "a\u0085b"])
def test_capture_folder_label_of_any_letters_is_read_back_also_behind_a_line_cut_in_one(tmp_path, label):
    folder = CaptureFolder(tmp_path)
    journal = tmp_path / "captures.jsonl"
    journal.write_bytes('{"captured": {"label": "gr\u00fc'.encode()[:-1])
    capture = folder.add(dataclasses.replace(CAPTURE, label=label), np.zeros(10, np.int16), 16000)
    assert folder.unsorted() == [capture]


def test_capture_folder_capture_of_a_name_that_is_there_changes_nothing(tmp_path):
    folder = CaptureFolder(tmp_path)
    capture = folder.add(CAPTURE, np.full(10, 1, np.int16), 16000)
    with pytest.raises(KwsError, match="is there already, and stays as it is"):
        CaptureFolder(tmp_path).add(CAPTURE, np.full(10, 2, np.int16), 16000)
    assert read_wav(tmp_path / capture.file).tolist() == [1] * 10
    (tmp_path / "left").mkdir()
    (tmp_path / "left/s_nohash_0.wav").write_text("another one")
    with pytest.raises(KwsError, match="is there already"):
        folder.sort(capture, "r")
    assert (tmp_path / "left/s_nohash_0.wav").read_text() == "another one"
    assert folder.unsorted() == [capture]


def test_capture_folder_journal_of_before_lost_samples_were_noted_is_read(tmp_path):
    folder = CaptureFolder(tmp_path)
    capture = folder.add(CAPTURE, np.zeros(10, np.int16), 16000)
    journal = tmp_path / "captures.jsonl"
    journal.write_text(journal.read_text().replace(', "lost_samples": 0', ""))
    assert folder.unsorted() == [capture]


@pytest.mark.parametrize("label", ["..", "a/b", "", "a\0b"])
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
        json.dumps({"captured": {**vars(CAPTURE), "file": f"_unsorted_/{CAPTURE.file}", "label": 3}}),
    ],
)
def test_capture_folder_foreign_journal_is_refused(tmp_path, line):
    (tmp_path / "captures.jsonl").write_text(f"{line}\n{{}}\n")
    with pytest.raises(KwsError, match="captures.jsonl, line 1"):
        CaptureFolder(tmp_path).unsorted()
