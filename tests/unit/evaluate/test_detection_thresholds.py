"""Chosen detectors keep the wanted rate of false accepts; settings and their place in the bundle."""

import numpy as np
import pytest
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, STILL_QUIET_Q15
from kws_reference.errors import KwsError
from kws_training.convert.detector_settings import with_quiet, with_releases, with_thresholds, write_detector
from kws_training.evaluate.speech.choice import check_wanted
from kws_training.evaluate.tail import expected_rates
from kws_training.evaluate.thresholds import THRESHOLDS_Q15, check_rate, choose

from tests.support.detection import NO, YES, crowded, plain_bundle, scene, with_labels
from tests.support.models import odd_channels


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return plain_bundle(tmp_path_factory.mktemp("bundle"))


def test_choose_raises_the_threshold_of_the_label_that_needs_it_and_the_rest(plain):
    replay = crowded(plain)
    before = replay.measure(plain.detector)
    assert before.recall == 1
    assert (
        before.to_dict(plain.labels)["false_accepts_by_cause"]["repeated"] >= 30
    )  # each word is raised again after half a second
    chosen = choose(replay, 60.0)
    after = replay.smoothed(chosen.smoothing_steps).measure(chosen)
    assert after.recall == 1
    assert after.upper_rate <= 60 < before.false_accepts_per_hour
    assert NEVER_Q15 > chosen.threshold_q15[YES] > chosen.threshold_q15[NO] >= min(THRESHOLDS_Q15)
    assert {row for row, value in enumerate(chosen.threshold_q15) if value < NEVER_Q15} == set(
        plain.labels.keyword_rows
    )
    assert chosen.refractory_steps > 25


def test_choose_keeps_each_rate_and_lower_rates_take_higher_thresholds(plain):
    replay = crowded(plain)
    chosen = [choose(replay, rate) for rate in (50.0, 100.0, 200.0)]
    heard = [replay.smoothed(one.smoothing_steps).measure(one) for one in chosen]
    assert all(one.upper_rate <= rate for one, rate in zip(heard, (50.0, 100.0, 200.0), strict=True))
    recalls = [one.recall for one in heard]
    assert recalls == sorted(recalls)
    falling = [sum(one.threshold_q15[row] for row in plain.labels.keyword_rows) for one in chosen]
    assert falling == sorted(falling, reverse=True)


def test_choose_label_that_nobody_said_is_neither_deaf_nor_the_most_eager(plain):
    words = [(10 + 10 * n, 10.5 + 10 * n, YES) for n in range(30)]
    posteriors = [(a + 0.3, 1.0, YES, 75) for a, *_ in words] + [(15 + 10 * n, 0.5, YES, 10 + n) for n in range(20)]
    chosen = choose(scene(plain, posteriors, words), 60.0)
    assert chosen.threshold_q15[YES] >= chosen.threshold_q15[NO] > min(THRESHOLDS_Q15)
    assert chosen.threshold_q15[NO] < NEVER_Q15


def test_choose_impossible_rate_ends_below_it(plain):
    # Wrong detections as sure as the right ones: only silence helps.
    replay = scene(plain, [(5 + 3 * n, 0.5, YES, 120) for n in range(100)], [(5, 5.5, YES)])
    chosen = choose(replay, 50.0)
    assert replay.smoothed(chosen.smoothing_steps).measure(chosen).upper_rate <= 50


def _busy_talk(plain, height: int):
    """Unknown words without end, in which a keyword sounds 20 times, and 15 keywords behind pauses."""
    words = [(10 + 20 * n, 10.5 + 20 * n, YES) for n in range(15)]
    said = [(a + 0.2, 0.8, YES, 60) for a, *_ in words]
    pauses = [(a - 2.0, 2.2, 0, 60) for a, *_ in words]
    talk = [(12.0 + 20 * n, 16.0, 1, 60) for n in range(15)]
    starts = [14.0 + 20 * n + 8 * half for n in range(10) for half in (0, 1)]
    wrong = [part for start in starts for part in ((start, 0.9, 1, -100), (start, 0.9, YES, height))]
    return scene(plain, [*talk, *pauses, *said, *wrong], words)


def test_choose_asks_for_quiet_where_that_tells_words_from_talk(plain):
    replay = _busy_talk(plain, 60)  # as sure of the wrong ones as of the right ones
    chosen = choose(replay, 50.0)
    heard = replay.smoothed(chosen.smoothing_steps).measure(chosen)
    assert heard.recall == 1 and heard.upper_rate <= 50
    assert chosen.quiet_steps > 0 and chosen.when_busy_q15[YES] > chosen.threshold_q15[YES]
    assert choose(crowded(plain), 60.0).quiet_steps == 0  # where it makes no difference it is not asked for


def test_choose_asks_for_a_run_where_wrong_words_are_short(plain):
    words = [(10 + 10 * n, 10.5 + 10 * n, YES) for n in range(30)]
    said = [(a + 0.3, 0.6, YES, 60) for a, *_ in words]
    short = [(15 + 10 * n, 0.2, YES, 120) for n in range(30)]
    replay = scene(plain, [*said, *short], words)
    chosen = choose(replay, 30.0)
    assert chosen.run_steps > 1 and replay.smoothed(chosen.smoothing_steps).measure(chosen).recall == 1


def test_with_quiet_leaves_a_third_of_the_doubt_and_follows_new_thresholds(plain):
    plainly = with_releases(10, 25, [NEVER_Q15 if row < 2 else 20000 for row in range(len(plain.labels))])
    detector = with_quiet(plainly, plain.labels, plain.clock)
    assert detector.threshold_q15 == plainly.threshold_q15 and detector.quiet_steps == 80
    assert detector.quiet_q15 == (STILL_QUIET_Q15, *(8192,) * (len(plain.labels) - 1))
    assert detector.when_busy_q15[:3] == (NEVER_Q15, NEVER_Q15, NEVER_Q15 - round((NEVER_Q15 - 20000) / 3))
    other = with_thresholds(detector, [32767] * len(plain.labels))
    assert set(other.when_busy_q15) == {32767} and other.quiet_q15 == detector.quiet_q15
    assert with_thresholds(plainly, other.threshold_q15).when_busy_q15 == other.threshold_q15


@pytest.mark.parametrize(("rate", "message"), [(0.0, "above 0"), (-1.0, "above 0"), (20.0, "Take 0.25 hours or more")])
def test_check_rate_that_cannot_be_told_is_refused(plain, rate, message):
    with pytest.raises(KwsError, match=message):
        check_rate(rate, crowded(plain).hours)


@pytest.mark.parametrize(
    ("rate", "hours", "confidence", "message"),
    [
        (0.0, 1.0, 0.9, "must be above 0"),
        (1.0, 1.0, 1.0, "confidence must be"),
        (0.2, 0.25, 0.9, r"0.25 hours of speech are too few for 0.2 .*: 0.05 in all. Take 0.5 hours or more"),
    ],
)
def test_check_wanted_rate_that_speech_cannot_tell_is_refused_with_what_would_do(rate, hours, confidence, message):
    with pytest.raises(KwsError, match=message):
        check_wanted(rate, hours, confidence)
    check_wanted(0.2, 0.5, 0.9)


LOGIT = np.log(np.array(THRESHOLDS_Q15[:-1]) / (NEVER_Q15 - np.array(THRESHOLDS_Q15[:-1])))


def _counts(peaks):
    """How many of the logits of each keyword's events reach each threshold."""
    counts = [[int((np.asarray(each) >= logit - 1e-9).sum()) for logit in LOGIT] for each in peaks]
    return np.array([[*row, 0] for row in counts])


def test_expected_rates_find_the_steepness_of_a_tail_and_its_share_of_each_keyword():
    for steepness in (0.7, 1.0, 2.0):
        logits = np.random.default_rng(1).exponential(1 / steepness, (2, 600))
        rates = expected_rates(_counts([logits[0], logits[1, :200]]), THRESHOLDS_Q15, 10.0, 0.5)
        assert rates[0, 0] == pytest.approx(60, rel=0.02) and rates[1, 0] == pytest.approx(20, rel=0.02)
        at = THRESHOLDS_Q15.index(round(NEVER_Q15 * 0.9))
        truth = 80 * np.exp(-steepness * LOGIT[at])
        assert rates[:, at].sum() == pytest.approx(truth, rel=0.2)
        assert (np.diff(rates) <= 0).all() and (rates[:, -1] == 0).all()


def test_expected_rates_promise_nothing_where_nothing_happened_to_be_raised():
    five = _counts([[0.1, 0.3, 0.5, 0.8, 1.5], []])
    rates = expected_rates(five, THRESHOLDS_Q15, 1.0, 0.5)
    above = LOGIT > 1.5
    assert (rates[:, :-1][:, above] > 0).all()
    assert rates[0, 0] > 3 * rates[1, 0] > 0
    surer = expected_rates(five, THRESHOLDS_Q15, 1.0, 0.9)
    assert (surer[:, :-1] > rates[:, :-1]).all()
    late = expected_rates(_counts([[0.1, 0.3, 0.5, 0.8, 6.0], []]), THRESHOLDS_Q15, 1.0, 0.5)
    assert late[0, LOGIT.searchsorted(5.0)] >= 0.5  # one was heard there


def test_with_releases_are_three_quarters_of_thresholds_and_none_for_never():
    detector = with_releases(10, 25, [NEVER_Q15, 20000, 32767])
    assert detector.release_q15 == (NOT_HELD_Q15, 15000, 24575)


def test_write_detector_changes_the_manifest_and_keeps_the_model(tmp_path):
    source = with_labels(odd_channels().write(tmp_path / "b"))
    thresholds = range(1000, 1000 + len(source.labels))
    chosen = with_releases(source.detector.smoothing_steps, 60, thresholds)
    written = write_detector(source, chosen, {"set": "validation"})
    assert written.detector == chosen and written.model_sha256 == source.model_sha256
    hushed = write_detector(written, with_quiet(chosen, source.labels, source.clock), {"set": "validation"})
    assert write_detector(hushed, chosen, {"set": "validation"}).detector == chosen  # nothing of the quiet stays
    assert written.manifest["provenance"]["detector"] == {"set": "validation"}
    unchanged = set(source.manifest) - {"detector", "provenance"}
    assert all(written.manifest[key] == source.manifest[key] for key in unchanged)
