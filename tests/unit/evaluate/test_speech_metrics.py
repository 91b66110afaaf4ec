"""Intervals by speaker: resampling, chance where few events are seen, the rule of three where none is."""

import numpy as np
import pytest
from kws_training.evaluate.speech.speech_metrics import BySpeaker


def by_speaker(events, hours):
    return BySpeaker(tuple(map(str, range(len(events)))), np.array(events), np.array(hours, float))


def test_bounds_of_speakers_who_differ_are_wider_than_chance():
    uneven, even = by_speaker([90, 2, 3, 1, 4] * 4, [0.125] * 20), by_speaker([20] * 20, [0.125] * 20)
    assert uneven.rate == even.rate == 160
    low, high = uneven.bounds(0.025, 0.975)
    chance = uneven.chance_bounds(0.025, 0.975)
    assert low < chance[0] < 160 < chance[1] < high
    assert even.resampled_bounds(0.025, 0.975) == pytest.approx((160, 160))
    assert even.bounds(0.025, 0.975) == even.chance_bounds(0.025, 0.975)


def test_resampled_bounds_cover_the_true_rate_as_often_as_they_say():
    rng = np.random.default_rng(1)
    true, covered = 30.0, 0
    for _ in range(200):
        rates = true * rng.gamma(2.0, 0.5, 30)  # speakers differ by 70 %
        low, high = by_speaker(rng.poisson(rates * 0.2), [0.2] * 30).bounds(0.025, 0.975)
        covered += low <= true <= high
    assert covered >= 0.88 * 200  # 95 % less what 30 speakers and 200 trials scatter


def test_no_false_accept_says_the_rule_of_three_and_the_bounds_of_chance():
    figures = by_speaker([0, 0], [0.5, 1.5]).to_dict()
    assert figures["below_with_95_percent_confidence"] == 1.5
    assert figures["false_accepts_per_hour_95"] == pytest.approx([0, 3.689 / 2], abs=1e-3)
    assert figures["by_resampling_speakers_95"] == [0, 0]
    assert "below_with_95_percent_confidence" not in by_speaker([1, 0], [0.5, 1.5]).to_dict()


def test_bounds_below_zero_probability_begin_at_zero():
    assert by_speaker([5, 9], [1, 1]).bounds(0.0, 0.9)[0] == 0
