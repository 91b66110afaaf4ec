"""Detection on long recordings: the detector in vectorised form, matching, thresholds, curves and their pictures."""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, Bundle, DetectorConfig
from kws_reference.detector.integer import Detector, DetectorTables
from kws_reference.errors import KwsError
from kws_reference.network import batched as stacked_network
from kws_reference.pipeline import Pipeline
from kws_training.data.clips import ClipSet
from kws_training.data.recordings import Piece, Recordings, RecordingSpec, Word
from kws_training.data.splits import hash_split
from kws_training.evaluate import detection, detection_report
from kws_training.inspect import plots

from tests.support.models import matchbox, odd_channels

LABELS = ("_silence_", "_unknown_", "yes", "no")
STEP_SAMPLES = 320
"""20 ms: two frames of 10 ms."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """A small model of random weights with the labels of a kit."""
    return with_labels(odd_channels().write(tmp_path_factory.mktemp("bundle")))


def with_labels(bundle: Bundle) -> Bundle:
    manifest = json.loads((bundle.path / "model.json").read_text())
    count = len(manifest["labels"])
    manifest["labels"] = [*LABELS, *"abcdefgh"][:count]
    (bundle.path / "model.json").write_text(json.dumps(manifest))
    return Bundle.load(bundle.path)


# --- The detector equals the reference -------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(0, 300),
    smoothing=st.integers(1, 30),
    refractory=st.integers(0, 40),
    scale=st.sampled_from([0.004, 0.05, 0.3]),
    hold=st.integers(1, 40),
)
def test_detect_random_scores_equal_the_reference_step_for_step(seed, steps, smoothing, refractory, scale, hold):
    rng = np.random.default_rng(seed)
    thresholds = rng.choice([0, 200, 9000, 22938, 32767, NEVER_Q15], 5).astype(np.uint16)
    releases = rng.choice([0, 1, 100, 9000, 22938, 32767, NOT_HELD_Q15], 5).astype(np.uint16)
    exponential = np.floor(32768 * np.exp(-np.arange(256) * scale) + 0.5).astype(np.uint16)
    tables = DetectorTables(exponential, thresholds, smoothing, refractory, releases)
    scores = rng.integers(-60, 60, (steps, 5))
    scores[np.arange(steps), np.repeat(rng.integers(0, 5, steps // hold + 1), hold)[:steps]] += 60
    scores = np.clip(scores, -128, 127).astype(np.int8)
    reference = Detector(tables)
    events, tops = [], []
    for row in scores:
        event = reference.step(row)
        tops.append(reference.top)
        events += [(event.step, event.label, event.smoothed_q15)] if event else []
    view = detection.top(scores, tables)
    settings = DetectorConfig(smoothing, refractory, tuple(thresholds.tolist()), tuple(releases.tolist()))
    found = detection.detect(view, settings)
    smoothed = np.zeros(steps, np.int64)
    for at, values in zip(view.steps, view.smoothed_q15, strict=True):
        smoothed[at] = values
    assert list(zip(found.tolist(), view.label[found].tolist(), smoothed[found].tolist(), strict=True)) == events
    assert list(zip(view.label.tolist(), smoothed.tolist(), strict=True)) == tops


# --- Scores ----------------------------------------------------------------------------------------------------------


def test_stream_scores_equal_the_pipeline_of_the_reference(bundle):
    recordings = Recordings(clip_set(), RecordingSpec(hours=25 / 3600, seed=2, piece_seconds=10.0))
    done = []
    scores = detection.stream_scores(bundle, recordings, done.append, workers=2)
    assert done == [1, 2, 3] and len(scores) == 3
    listener = detection.Listener(bundle, recordings.pieces, scores)
    for index in range(3):
        steps = Pipeline(bundle).run(recordings.pcm(index))
        assert scores[index].tolist() == [step.scores.tolist() for step in steps]
        events = [(step.index, step.detection.label) for step in steps if step.detection]
        heard = listener.matched(index, bundle.detector)
        ends = detection.step_end_samples(bundle, np.array([step for step, _ in events])).tolist()
        assert [(sample, label) for sample, label, *_ in heard] == list(
            zip(ends, [label for _, label in events], strict=True)
        )


@pytest.mark.parametrize("fault", ["none", "a score", "a state", "an operation"])
def test_run_side_by_side_equals_tflite_micro_whatever_is_wrong_with_it(tmp_path, monkeypatch, fault):
    bundle = matchbox().write(tmp_path)
    recordings = Recordings(clip_set(), RecordingSpec(hours=25 / 3600, seed=2, piece_seconds=10.0))
    detection._start(bundle.path, recordings)

    class Faulty(stacked_network.StackedNetwork):
        def step(self, features):
            scores = super().step(features)
            if fault == "a score":
                scores[:, 1] ^= 1
            if fault == "a state":
                self._states[0][0, 0, 0] += 1
            return scores

        def __init__(self, *args):
            if fault == "an operation":
                raise stacked_network.Unsupported("SOFTMAX")
            super().__init__(*args)

    monkeypatch.setattr(stacked_network, "StackedNetwork", Faulty)
    alone = []
    monkeypatch.setattr(
        stacked_network, "_one_by_one", lambda *args, real=stacked_network._one_by_one: alone.append(1) or real(*args)
    )
    got = detection._run(range(3))
    assert len(alone) == (0 if fault == "none" else 3)
    for index in range(3):
        expected = [step.scores for step in Pipeline(bundle).run(recordings.pcm(index))]
        np.testing.assert_array_equal(got[index], expected)


def clip_set(clips=12) -> ClipSet:
    rng = np.random.default_rng(0)
    labels = np.arange(clips) % 4
    return ClipSet(
        pcm=rng.integers(-4000, 4000, (clips, 16000)).astype(np.int16),
        labels=labels,
        words=tuple(LABELS[label] for label in labels),
        names=tuple(map(str, range(clips))),
        noise=(rng.integers(-900, 900, 20000).astype(np.int16),),
        label_names=LABELS,
    )


# --- Matching --------------------------------------------------------------------------------------------------------

YES, NO = 2, 3


def word(label, start, end):
    return Word(0, label, start, start, end, 1.0)


def causes(detections, words):
    return [
        found.start if cause == detection.FOUND else detection.CAUSES[cause]
        for found, cause in detection.match(detections, words, tolerance=1000)
    ]


@pytest.mark.parametrize(
    ("detections", "expected"),
    [
        ([(5000, YES)], [5000]),  # with the first sample
        ([(4999, YES)], ["noise"]),
        ([(9000, YES)], [5000]),  # the last moment of the tolerance
        ([(9001, YES)], ["noise"]),
        ([(6000, YES), (7000, YES)], [5000, "repeated"]),
        ([(6000, NO)], ["other keyword"]),
        ([(6000, NO), (7000, YES)], ["other keyword", 5000]),
        ([(20500, NO)], ["unknown word"]),
        ([(40500, YES)], ["noise"]),  # a clip of noise
        ([(60500, YES), (61500, YES)], [60000, 61000]),  # the first of two that take it in, then the second
        ([(61500, YES)], [60000]),
        ([(71500, YES)], ["unknown word"]),  # the word that began last
        ([], []),
    ],
)
def test_match_detection_gets_its_word_or_its_cause(detections, expected):
    words = [
        word(YES, 5000, 8000),
        word(1, 20000, 21000),
        word(0, 40000, 42000),
        word(YES, 60000, 60600),
        word(YES, 61000, 61600),
        word(NO, 70000, 70800),
        word(1, 71000, 71400),
    ]
    assert causes(detections, words) == expected


def test_match_false_accept_names_the_word_that_raised_it():
    words = [word(YES, 5000, 8000), word(1, 20000, 21000)]
    found = detection.match([(6000, YES), (7000, YES), (20500, NO), (40000, NO)], words, tolerance=1000)
    assert [where and where.start for where, _ in found] == [5000, 5000, 20000, None]


# --- Thresholds ------------------------------------------------------------------------------------------------------


def scene(bundle, posteriors, words, seconds=400):
    """A listener whose keyword posteriors are given: (start s, length s, label, logit steps above the others)."""
    steps = seconds * 50
    scores = np.full((steps, len(bundle.labels)), -100, np.int8)
    scores[:, 0] = 0
    for start, length, label, height in posteriors:
        scores[round(start * 50) : round((start + length) * 50), label] = height
    places = tuple(word(label, round(a * 16000), round(b * 16000)) for a, b, label in words)
    return detection.Listener(bundle, (Piece(0, seconds * 16000, places),), [scores])


@pytest.fixture(scope="module")
def plain(bundle) -> Bundle:
    """The detector of the kit's defaults, and scores in steps of 0.05."""
    thresholds = detection.common_thresholds(bundle.labels, 22938)
    return dataclasses.replace(
        bundle,
        frames_per_step=2,
        scores=dataclasses.replace(bundle.scores, scale=0.05),
        detector=DetectorConfig(10, 25, thresholds),
    )


def test_heard_counts_recall_causes_and_latency(plain):
    words = [(10, 10.5, YES), (20, 20.4, NO), (30, 30.6, YES), (40, 40.5, 1)]
    listener = scene(plain, [(10.2, 1.2, YES, 100), (20.1, 0.4, NO, 100), (40.2, 0.4, NO, 100)], words)
    heard = listener.heard(plain.detector)
    assert heard.spoken[[YES, NO]].tolist() == [2, 1] and heard.found[[YES, NO]].tolist() == [1, 1]
    assert heard.recall == 2 / 3
    by_cause = dict(zip(detection.CAUSES, heard.false_accepts.sum(0).tolist(), strict=True))
    assert by_cause == {"repeated": 2, "other keyword": 0, "unknown word": 1, "noise": 0}
    # Eight of ten steps at a posterior of almost 1 reach 0.7; step s ends 30 ms + 20 ms s + 10 ms after the start.
    assert np.round(1000 * heard.latency_s).tolist() == [10200 + 140 + 40 - 10500, 20100 + 140 + 40 - 20400]
    figures = heard.to_dict(plain.labels)
    assert figures["labels"]["yes"]["recall"] == 0.5 and figures["labels"]["no"]["false_accepts"] == 1
    assert figures["false_accepts_per_hour"] == pytest.approx(3 / (400 / 3600))  # a quotient of floats
    assert figures["false_accepts_per_hour_95"][0] < 27 < figures["false_accepts_per_hour_95"][1]
    assert json.dumps(figures)


def test_heard_other_smoothing_is_refused(plain):
    with pytest.raises(ValueError, match="smoothing_steps must be 10. Received: 3"):
        scene(plain, [], []).heard(dataclasses.replace(plain.detector, smoothing_steps=3))


def test_poisson_bounds_are_garwoods():
    # Table values to three digits.
    assert detection.poisson_bounds(0, 0.025, 0.975) == pytest.approx((0, 3.689), abs=1e-3)
    assert detection.poisson_bounds(10, 0.025, 0.975) == pytest.approx((4.795, 18.390), abs=1e-3)


def crowded(plain):
    """YES is also heard 20 times at a middling posterior where nothing is said, NO never wrongly; long posteriors."""
    words = [(10 + 10 * n, 10.5 + 10 * n, (YES, NO)[n % 2]) for n in range(30)]
    posteriors = [(a + 0.3, 1.0, label, (75, 40)[label == NO]) for a, _, label in words]
    posteriors += [(15 + 10 * n, 0.5, YES, 10 + n) for n in range(20)]
    return scene(plain, posteriors, words)


def test_choose_raises_the_threshold_of_the_label_that_needs_it_and_the_rest(plain):
    listener = crowded(plain)
    before = listener.heard(plain.detector)
    assert before.recall == 1
    assert before.false_accepts[:, 0].sum() >= 30  # each word is raised again after half a second
    chosen = detection.choose(listener, 60.0)
    after = listener.smoothed(chosen.smoothing_steps).heard(chosen)
    assert after.recall == 1
    assert after.upper_rate <= 60 < before.false_accepts_per_hour
    assert NEVER_Q15 > chosen.threshold_q15[YES] > chosen.threshold_q15[NO] >= min(detection.CHOICE_GRID_Q15)
    assert chosen.threshold_q15[:2] == (NEVER_Q15, NEVER_Q15)
    assert chosen.refractory_steps > 25


def test_choose_keeps_each_rate_and_lower_rates_take_higher_thresholds(plain):
    listener = crowded(plain)
    chosen = [detection.choose(listener, rate) for rate in (50.0, 100.0, 200.0)]
    heard = [listener.smoothed(one.smoothing_steps).heard(one) for one in chosen]
    assert all(one.upper_rate <= rate for one, rate in zip(heard, (50.0, 100.0, 200.0), strict=True))
    recalls = [one.recall for one in heard]
    assert recalls == sorted(recalls)
    falling = [sum(one.threshold_q15[2:]) for one in chosen]
    assert falling == sorted(falling, reverse=True)


def test_choose_label_that_nobody_said_is_neither_deaf_nor_the_most_eager(plain):
    words = [(10 + 10 * n, 10.5 + 10 * n, YES) for n in range(30)]
    posteriors = [(a + 0.3, 1.0, YES, 75) for a, *_ in words] + [(15 + 10 * n, 0.5, YES, 10 + n) for n in range(20)]
    chosen = detection.choose(scene(plain, posteriors, words), 60.0)
    assert chosen.threshold_q15[YES] >= chosen.threshold_q15[NO] > min(detection.CHOICE_GRID_Q15)
    assert chosen.threshold_q15[NO] < NEVER_Q15


@pytest.mark.parametrize(
    ("clips", "events", "upper"),
    [
        ([], 0, 2.303),  # -ln 0.1: with fewer than this in the mean, no event is too rare
        ([1] * 10, 10, 15.407),  # Garwood's bound for ten events, one-sided 90 %
        ([10], 10, 38.897),  # one clip, ten times: as a single event, 3.890, ten times
        ([5, 5], 10, 26.612),
    ],
)
def test_upper_rate_counts_a_clip_that_is_mistaken_often_as_one_event(plain, clips, events, upper):
    empty = scene(plain, [], []).heard(plain.detector)
    heard = dataclasses.replace(empty, clips=np.array(clips, np.int64), hours=1.0)
    assert heard.upper_rate == pytest.approx(upper, abs=1e-3)  # table values to three digits
    assert heard.clips.sum() == events
    low, high = heard.interval
    assert low <= events < upper < high
    independent = heard.to_dict(plain.labels)["false_accepts_independent"]
    wanted = detection.poisson_bounds(independent, 0.025, 0.975)
    assert (low, high) == pytest.approx([value * (events / independent if events else 1) for value in wanted])


def test_choose_impossible_rate_ends_below_it(plain):
    # Wrong detections as sure as the right ones: only silence helps.
    listener = scene(plain, [(5 + 3 * n, 0.5, YES, 120) for n in range(100)], [(5, 5.5, YES)])
    chosen = detection.choose(listener, 50.0)
    assert listener.smoothed(chosen.smoothing_steps).heard(chosen).upper_rate <= 50


@pytest.mark.parametrize(("rate", "message"), [(0.0, "above 0"), (-1.0, "above 0"), (20.0, "Take 0.25 hours or more")])
def test_choose_rate_that_cannot_be_told_is_refused(plain, rate, message):
    with pytest.raises(KwsError, match=message):
        detection.choose(crowded(plain), rate)


def test_curve_falls_in_misses_and_rises_in_false_accepts_with_the_threshold(plain):
    grid = detection.curve_thresholds()
    assert grid[0] == 32767 and grid == sorted(set(grid), reverse=True)
    heard = crowded(plain).curve(grid, 60)
    recalls = [one.recall for one in heard]
    assert recalls == sorted(recalls) and recalls[-1] == 1.0
    only = crowded(plain).curve(grid, 60, NO)
    assert not any(one.false_accepts.any() for one in only)


def test_listener_counts_a_score_that_stays_high_once(plain):
    high = scene(plain, [(2.0, 20.0, YES, 100)], [(2, 2.5, YES)])
    thresholds = plain.detector.threshold_q15
    free = high.heard(DetectorConfig(10, 25, thresholds))
    held = high.heard(detection.with_releases(10, 25, thresholds))
    assert free.found.sum() == held.found.sum() == 1
    assert free.false_accepts.sum() > 30 and held.false_accepts.sum() == 0


def test_with_releases_are_three_quarters_of_thresholds_and_none_for_never():
    detector = detection.with_releases(10, 25, [NEVER_Q15, 20000, 32767])
    assert detector.release_q15 == (NOT_HELD_Q15, 15000, 24575)


# --- The bundle ------------------------------------------------------------------------------------------------------


def test_write_detector_changes_the_manifest_and_keeps_the_model(tmp_path):
    source = with_labels(odd_channels().write(tmp_path / "b"))
    thresholds = range(1000, 1000 + len(source.labels))
    chosen = detection.with_releases(source.detector.smoothing_steps, 60, thresholds)
    written = detection.write_detector(source, chosen, {"set": "validation"})
    assert written.detector == chosen and written.model_sha256 == source.model_sha256
    assert written.manifest["provenance"]["detector"] == {"set": "validation"}
    unchanged = set(source.manifest) - {"detector", "provenance"}
    assert all(written.manifest[key] == source.manifest[key] for key in unchanged)


# --- The report ------------------------------------------------------------------------------------------------------


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path, nargs="?")
    for option in ("--test", "--validation", "--names", "--out"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--run", dest="run_folder", type=Path)
    parser.add_argument("--set-name", default="synthetic")
    parser.add_argument("--without")
    parser.add_argument("--limit", type=int)
    detection_report.add_options(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("b", "--test", "t", "--choose-thresholds"), "belong to --stream"),
        (("b", "--test", "t", "--hours", "10"), "--hours belongs to --stream"),
        (("b", "--test", "t", "--seed", "0"), "--seed belongs to --stream"),
        (("b", "--test", "t", "--false-accepts-per-hour", "5"), "--false-accepts-per-hour belongs to --stream"),
        (("--test", "t", "--stream"), "give a bundle"),
        (("b", "--validation", "v", "--stream", "--write-thresholds"), "Give both"),
        (("b", "--test", "t", "--noise", "n", "--stream", "--choose-thresholds"), "Give --validation"),
        (("b", "--test", "t", "--stream"), "Give --noise"),
        (("b", "--validation", "v", "--stream", "--limit", "9"), "do not go with --stream"),
        (("b", "--validation", "v", "--stream", "--hours", "nan"), "--hours must be"),
        (("b", "--validation", "v", "--stream", "--seed", "-1"), "--seed must be"),
        (("b", "--validation", "v", "--stream", "--false-accepts-per-hour", "5"), "that --choose-thresholds keeps"),
        (("b", "--validation", "v", "--stream", "--choose-thresholds", "--hours", "0.5"), "Take 1 hours or more"),
    ],
)
def test_check_meaningless_options_are_refused(words, message):
    with pytest.raises(KwsError, match=message):
        detection_report.check(arguments(*words))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(4)
    for name, samples in [
        (f"{label}/{n}.wav", 16000) for label in ("yes", "no", "tree", "_silence_") for n in range(3)
    ]:
        (root / name).parent.mkdir(exist_ok=True)
        soundfile.write(root / name, rng.integers(-3000, 3000, samples).astype(np.int16), 16000)
    (root / "noise" / "_background_noise_").mkdir(parents=True)
    soundfile.write(root / "noise/_background_noise_/hum.wav", rng.integers(-900, 900, 40000).astype(np.int16), 16000)
    return root


def test_run_writes_figures_and_pictures_and_takes_kept_scores(tmp_path, folder, capsys, monkeypatch):
    bundle = with_labels(odd_channels().write(tmp_path / "b"))
    words = [str(bundle.path), "--test", str(folder), "--noise", str(folder / "noise"), "--stream", "--hours", "0.005"]
    words += ["--out", str(tmp_path / "out"), "--scores", str(tmp_path / "scores.npz")]
    args = arguments(*words)
    detection_report.check(args)
    assert detection_report.run(args) == 0
    first = capsys.readouterr()
    result = json.loads(first.out)
    assert result["default"]["hours"] == 0.005 and "det" not in result
    on_disk = json.loads((tmp_path / "out/detection_synthetic.json").read_text())
    assert {len(points) for points in on_disk["det"]["all_keywords"].values()} == {len(on_disk["det"]["threshold_q15"])}
    assert list(on_disk["det"]["alone"]) == ["yes", "no"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "detection_synthetic.json",
        "det_synthetic.png",
        "timeline_synthetic.png",
    }
    for name in ("det_curve", "score_timeline"):  # seconds each, and seen above
        monkeypatch.setattr(plots, name, lambda *_: None)
    monkeypatch.setattr(detection, "stream_scores", None)
    assert detection_report.run(args) == 0
    second = capsys.readouterr()
    assert second.out == first.out and "scores taken from" in second.err
    args.seed = 1
    with pytest.raises(KwsError, match="another model or recording"):
        detection_report.run(args)


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """A folder like Speech Commands, all speakers of the validation split."""
    root, rng = tmp_path_factory.mktemp("official"), np.random.default_rng(5)
    speakers = [f"{n:08x}" for n in range(200) if hash_split(f"{n:08x}_nohash_0.wav") == "validation"][:3]
    for label in ("yes", "no", "tree"):
        (root / label).mkdir()
        for speaker in speakers:
            pcm = rng.integers(-3000, 3000, 16000).astype(np.int16)
            soundfile.write(root / label / f"{speaker}_nohash_0.wav", pcm, 16000)
    (root / "_background_noise_").mkdir()
    soundfile.write(root / "_background_noise_/hum.wav", rng.integers(-900, 900, 40000).astype(np.int16), 16000)
    return root


def test_run_chosen_settings_are_written_and_heard_by_the_pipeline(tmp_path, official, capsys, monkeypatch):
    bundle = with_labels(matchbox().write(tmp_path / "b"))
    for name in ("det_curve", "score_timeline"):
        monkeypatch.setattr(plots, name, lambda *_: None)
    words = [str(bundle.path), "--validation", str(official), "--extra", str(official), "--stream", "--hours", "0.02"]
    words += ["--choose-thresholds", "--false-accepts-per-hour", "300", "--write-thresholds"]
    args = arguments(*words, "--out", str(tmp_path / "out"))
    detection_report.check(args)
    assert detection_report.run(args) == 0
    captured = capsys.readouterr()
    chosen = json.loads(captured.out)["chosen"]
    written = Bundle.load(bundle.path)  # checks the digest
    assert written.detector.threshold_q15 == tuple(chosen["threshold_q15"])
    assert written.detector.release_q15 == tuple(chosen["release_q15"])
    assert written.detector.refractory_steps == chosen["refractory_steps"]
    assert written.detector.smoothing_steps == chosen["smoothing_steps"] and written.model == bundle.model
    assert set(chosen["unknown_words"]) == {"recorded", "extra"}
    assert "latency from the word's end" in captured.err and "generate its firmware again" in captured.err
    # What the report heard with these settings is what the whole reference hears, piece by piece.
    recordings_ = Recordings(clip_set(), RecordingSpec(hours=20 / 3600, piece_seconds=10.0))
    scores = detection.stream_scores(written, recordings_, workers=1)
    listener = detection.Listener(written, recordings_.pieces, scores)
    for index in range(2):
        events = [step.detection.label for step in Pipeline(written).run(recordings_.pcm(index)) if step.detection]
        assert [label for _, label, *_ in listener.matched(index, written.detector)] == events


def test_table_shows_each_detector_beside_the_others(plain):
    figures = {
        **dataclasses.asdict(plain.detector),
        **scene(plain, [(10.2, 1.2, YES, 100)], [(10, 10.5, YES)]).heard(plain.detector).to_dict(plain.labels),
        "unknown_words": {"recorded": {"spoken": 8, "clips": 7, "raised": 2}},
    }
    never = {**figures, "threshold_q15": detection.common_thresholds(plain.labels, NEVER_Q15), "latency_ms": None}
    lines = detection_report.table({"default": figures, "chosen": never}, ["default", "chosen"], 20.0, plain.labels)
    (yes,) = [line.split() for line in lines if line.startswith("yes")]
    assert yes == ["yes", "0.7000", "100.0", "%", "18.00", "never", "100.0", "%", "18.00"]
    (no,) = [line for line in lines if line.startswith("no ")]
    assert no.count("none said") == 2
    assert any("raised by 25.0 % of 8" in line for line in lines)
    assert len({len(line) for line in lines[1:-1]}) == 1
