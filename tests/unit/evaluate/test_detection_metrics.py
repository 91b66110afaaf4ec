"""Recall, false accepts per hour with their intervals, and latency of scenes whose answers are known."""

import dataclasses
import json

import numpy as np
import pytest
from kws_reference.bundle import DetectorConfig
from kws_reference.labels import UNKNOWN
from kws_training.convert.detector_settings import with_releases
from kws_training.evaluate.curves import det_thresholds
from kws_training.evaluate.intervals import poisson_bounds
from kws_training.evaluate.matching import Cause

from tests.support.detection import LABELS, NO, YES, crowded, plain_bundle, scene

UNKNOWN_WORD = LABELS.index(UNKNOWN)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return plain_bundle(tmp_path_factory.mktemp("bundle"))


def test_heard_counts_recall_causes_and_latency(plain):
    words = [(10, 10.5, YES), (20, 20.4, NO), (30, 30.6, YES), (40, 40.5, UNKNOWN_WORD)]
    replay = scene(plain, [(10.2, 1.2, YES, 100), (20.1, 0.4, NO, 100), (40.2, 0.4, NO, 100)], words)
    heard = replay.measure(plain.detector)
    assert heard.spoken[[YES, NO]].tolist() == [2, 1] and heard.found[[YES, NO]].tolist() == [1, 1]
    assert heard.recall == 2 / 3
    by_cause = {cause.value: count for cause, count in zip(Cause, heard.false_accepts.sum(0).tolist(), strict=True)}
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
        scene(plain, [], []).measure(dataclasses.replace(plain.detector, smoothing_steps=3))


def test_poisson_bounds_are_garwoods():
    # Table values to three digits.
    assert poisson_bounds(0, 0.025, 0.975) == pytest.approx((0, 3.689), abs=1e-3)
    assert poisson_bounds(10, 0.025, 0.975) == pytest.approx((4.795, 18.390), abs=1e-3)


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
    empty = scene(plain, [], []).measure(plain.detector)
    heard = dataclasses.replace(empty, clips=np.array(clips, np.int64), hours=1.0)
    assert heard.upper_rate == pytest.approx(upper, abs=1e-3)  # table values to three digits
    assert heard.clips.sum() == events
    low, high = heard.interval
    assert low <= events < upper < high
    independent = heard.to_dict(plain.labels)["false_accepts_independent"]
    wanted = poisson_bounds(independent, 0.025, 0.975)
    assert (low, high) == pytest.approx([value * (events / independent if events else 1) for value in wanted])


def test_curve_falls_in_misses_and_rises_in_false_accepts_with_the_threshold(plain):
    grid = det_thresholds()
    assert grid[0] == 32767 and grid == sorted(set(grid), reverse=True)
    like = with_releases(10, 60, plain.detector.threshold_q15)
    heard = crowded(plain).sweep(grid, like)
    recalls = [one.recall for one in heard]
    assert recalls == sorted(recalls) and recalls[-1] == 1.0
    only = crowded(plain).sweep(grid, like, NO)
    assert not any(one.false_accepts.any() for one in only)


def test_replay_counts_a_score_that_stays_high_once(plain):
    high = scene(plain, [(2.0, 20.0, YES, 100)], [(2, 2.5, YES)])
    thresholds = plain.detector.threshold_q15
    free = high.measure(DetectorConfig(10, 25, thresholds))
    held = high.measure(with_releases(10, 25, thresholds))
    assert free.found.sum() == held.found.sum() == 1
    assert free.false_accepts.sum() > 30 and held.false_accepts.sum() == 0
