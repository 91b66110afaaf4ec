"""Detector: the reference against hand-made cases, and the C++ against the reference."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, STILL_QUIET_Q15
from kws_reference.detector.integer import (
    Detection,
    Detector,
    DetectorTables,
    exp_table,
    posteriors_q15,
    probability_table,
)
from kws_reference.errors import KwsError

from tests.support.frontend_native import DEFAULT_DETECTOR, SPEECH_CONFIG, NativeStages

SINGLE_STEP = DetectorTables(
    exp_q15=DEFAULT_DETECTOR.exp_q15,
    threshold_q15=np.array([NEVER_Q15, 0, 12000, 32767], np.uint16),
    smoothing_steps=1,
    refractory_steps=0,
)
LONG_RING = DetectorTables(
    exp_q15=exp_table(0.004),
    threshold_q15=np.array([300, 200, 100], np.uint16),
    smoothing_steps=255,
    refractory_steps=3,
)
HELD = DetectorTables(
    exp_q15=DEFAULT_DETECTOR.exp_q15,
    threshold_q15=np.array([NEVER_Q15, 20000, 9000, 9000, 0], np.uint16),
    smoothing_steps=3,
    refractory_steps=4,
    release_q15=np.array([NOT_HELD_Q15, 10000, 9000, 1, 0], np.uint16),
)
LONG_HELD = dataclasses.replace(LONG_RING, release_q15=np.array([100, 200, 0], np.uint16))
QUIET = dataclasses.replace(
    HELD,
    threshold_q15=np.array([NEVER_Q15, 12000, 9000, 9000, 0], np.uint16),
    release_q15=np.array([NOT_HELD_Q15, 10000, 9000, 1, 0], np.uint16),
    run_steps=2,
    quiet_q15=np.array([STILL_QUIET_Q15, 14000, 14000, 14000, 14000], np.uint16),
    quiet_steps=6,
    busy_threshold_q15=np.array([NEVER_Q15, 30000, NEVER_Q15, 9000, 20000], np.uint16),
)
ONE_PROBABILITY = DetectorTables(
    exp_q15=exp_table(1 / 256),
    threshold_q15=np.array([27852], np.uint16),
    smoothing_steps=5,
    refractory_steps=0,
    probability_q15=probability_table(1 / 256, -128),
)
PROBABILITIES = dataclasses.replace(HELD, probability_q15=probability_table(0.0051, -90))
CONFIGS = {
    "one_probability": ONE_PROBABILITY,
    "probabilities": PROBABILITIES,
    "quiet": QUIET,
    "long_run": dataclasses.replace(
        LONG_HELD, run_steps=255, quiet_q15=np.full(3, 12000, np.uint16), quiet_steps=65535
    ),
    "default": DEFAULT_DETECTOR,
    "single_step": SINGLE_STEP,
    "long_ring": LONG_RING,
    "held": HELD,
    "long_held": LONG_HELD,
}


@pytest.fixture(scope="module", params=CONFIGS)
def pair(request: pytest.FixtureRequest) -> tuple[DetectorTables, NativeStages]:
    t = CONFIGS[request.param]
    return t, NativeStages.build(SPEECH_CONFIG, t)


def _reference(t: DetectorTables, scores: np.ndarray) -> list[tuple[int, ...]]:
    detector, result = Detector(t), []
    for row in scores:
        found = detector.step(row)
        top = int(np.argmax(detector._sums))
        event = (1, found.step, found.label, found.smoothed_q15) if found else (0, 0, 0, 0)
        result.append((*event, top, int(detector.smoothed_q15[top])))
    return result


def _one_hot(t: DetectorTables, labels: list[int]) -> np.ndarray:
    scores = np.full((len(labels), len(t.threshold_q15)), -128, np.int8)
    scores[np.arange(len(labels)), labels] = 127
    return scores


# --- C++ equals the reference ----------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(0, 400), spread=st.integers(0, 128), hold=st.integers(1, 40))
def test_detector_random_scores_equal_reference(pair, seed: int, steps: int, spread: int, hold: int):
    t, native = pair
    rng = np.random.default_rng(seed)
    # Labels dominate for some steps each, as in speech; a spread of 0 makes all scores equal.
    scores = rng.integers(-spread, spread, (steps, len(t.threshold_q15)), endpoint=True)
    favourite = np.repeat(rng.integers(0, scores.shape[1], steps // hold + 1), hold)[:steps]
    scores[np.arange(steps), favourite] += spread
    scores = np.clip(scores, -128, 127).astype(np.int8)
    assert native.detect(scores) == _reference(t, scores)


@pytest.mark.parametrize("value", [-128, 0, 127])
def test_detector_equal_scores_equal_reference(pair, value: int):
    t, native = pair
    scores = np.full((600, len(t.threshold_q15)), value, np.int8)
    assert native.detect(scores) == _reference(t, scores)


def test_detector_extreme_scores_equal_reference(pair):
    t, native = pair
    scores = np.random.default_rng(5).choice([-128, 127], (600, len(t.threshold_q15))).astype(np.int8)
    assert native.detect(scores) == _reference(t, scores)


LEVELS = st.lists(st.integers(0, NEVER_Q15), min_size=12, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.tuples(st.integers(1, 16), st.integers(1, 255), st.integers(0, 60), st.integers(0, 60)),
    levels=st.tuples(LEVELS, LEVELS, LEVELS, LEVELS),
)
def test_detector_settings_of_any_values_equal_reference(seed, steps, levels):
    native = NativeStages.build(SPEECH_CONFIG, DEFAULT_DETECTOR)
    threshold, busy, quiet, release = (np.array(values, np.uint16) for values in levels)
    tables = DetectorTables(
        DEFAULT_DETECTOR.exp_q15, threshold, steps[0], steps[2], release, min(steps[1], 9), quiet, steps[3], busy
    )
    rng = np.random.default_rng(seed)
    scores = rng.integers(-40, 40, (300, 12))
    scores[np.arange(300), np.repeat(rng.integers(0, 12, 20), 15)] += 60
    scores = np.clip(scores, -128, 127).astype(np.int8)
    try:
        assert native.configure(tables)
        assert native.detect(scores) == _reference(tables, scores)
    finally:
        native.configure(None)
    assert native.detect(scores) == _reference(DEFAULT_DETECTOR, scores)


@pytest.mark.parametrize(
    "change",
    [
        {"smoothing_steps": 0},
        {"smoothing_steps": 17},
        {"run_steps": 0},
        {"threshold_q15": np.array([*[0] * 11, NEVER_Q15 + 1], np.uint16)},
        {"busy_threshold_q15": np.array([NEVER_Q15 + 1, *[0] * 11], np.uint16)},
        {"quiet_q15": np.array([65535, *[0] * 11], np.uint16)},
        {"release_q15": np.array([*[0] * 11, 40000], np.uint16)},
    ],
    ids=lambda change: "-".join(change),
)
def test_detector_settings_beyond_their_ranges_are_refused_and_change_nothing(change):
    native = NativeStages.build(SPEECH_CONFIG, DEFAULT_DETECTOR)
    scores = _one_hot(DEFAULT_DETECTOR, [3] * 60)
    assert not native.configure(dataclasses.replace(DEFAULT_DETECTOR, **change))
    assert native.detect(scores) == _reference(DEFAULT_DETECTOR, scores)


# --- The reference against cases worked out by hand ------------------------------------------------------------------


def test_detector_single_label_rises_over_the_ring_and_is_detected_once():
    detector = Detector(DEFAULT_DETECTOR)  # 10 steps, threshold 20000, refractory 25
    found = [detector.step(row) for row in _one_hot(DEFAULT_DETECTOR, [3] * 60)]
    # e = exp(-255 * 0.0646) rounds to 0 in Q15: p is 1.0, held at 32767. 7 / 10 of it passes 20000, 6 / 10 does not.
    assert found[6] == Detection(6, 3, 7 * 32767 // 10)
    assert [index for index, event in enumerate(found) if event] == [6, 6 + 26, 6 + 52]
    assert detector.smoothed_q15[3] == 32767


def test_detector_ring_forgets_after_smoothing_steps():
    detector = Detector(DEFAULT_DETECTOR)
    for row in _one_hot(DEFAULT_DETECTOR, [3] * 5 + [4] * 10):
        detector.step(row)
    assert detector.smoothed_q15[3] == 0
    assert detector.smoothed_q15[4] == 32767


def test_detector_never_threshold_is_never_reached():
    detector = Detector(SINGLE_STEP)
    assert all(detector.step(row) is None for row in _one_hot(SINGLE_STEP, [0] * 20))
    assert detector.step(_one_hot(SINGLE_STEP, [3])[0]) == Detection(20, 3, 32767)


@pytest.mark.parametrize(("threshold", "detected"), [(16384, True), (16385, False)])
def test_detector_threshold_reached_exactly_is_a_detection(threshold: int, detected: bool):
    t = dataclasses.replace(
        SINGLE_STEP, threshold_q15=np.array([threshold, NEVER_Q15, NEVER_Q15, NEVER_Q15], np.uint16)
    )
    event = Detector(t).step(np.array([127, 127, -128, -128], np.int8))  # two equals share: 16384 each
    assert event == (Detection(0, 0, 16384) if detected else None)


def test_detector_ties_take_the_first_label():
    t = dataclasses.replace(SINGLE_STEP, threshold_q15=np.array([NEVER_Q15, 0, 0, 0], np.uint16))
    assert Detector(t).step(np.array([-7, 20, 20, 20], np.int8)).label == 1


def test_detector_refractory_counts_steps_from_the_detection():
    t = dataclasses.replace(SINGLE_STEP, refractory_steps=4)
    detector = Detector(t)
    found = [detector.step(row) for row in _one_hot(t, [3] * 12)]
    assert [index for index, event in enumerate(found) if event] == [0, 5, 10]


ONE_LABEL_HELD = dataclasses.replace(
    SINGLE_STEP,
    threshold_q15=np.array([NEVER_Q15, 20000, 20000, 20000], np.uint16),
    release_q15=np.array([NOT_HELD_Q15, 10000, 20000, NOT_HELD_Q15], np.uint16),
)


def _scores_of(t: DetectorTables, label: int, wanted_q15: list[int]) -> np.ndarray:
    """Scores with about these posteriors of `label`, the rest being label 0's (0 and 32767 exactly)."""
    scores = np.full((len(wanted_q15), len(t.threshold_q15)), -128, np.int8)
    lower_share = 32768.0 * t.exp_q15 / (t.exp_q15 + 32768.0)  # posterior of the lower one of two, by their distance
    for row, wanted in zip(scores, wanted_q15, strict=True):
        lower = 127 - int(np.abs(lower_share - min(wanted, 32768 - wanted)).argmin())
        row[label], row[0] = (lower, 127) if wanted < 16384 else (127, lower)
    return scores


def _events(t: DetectorTables, scores: np.ndarray) -> list[tuple[int, int]]:
    detector = Detector(t)
    found = [detector.step(row) for row in scores]
    return [(event.step, event.label) for event in found if event]


def test_detector_held_score_is_raised_once_until_it_has_fallen():
    t = dataclasses.replace(ONE_LABEL_HELD, refractory_steps=5)
    assert _events(t, _scores_of(t, 1, [32767] * 500)) == [(0, 1)]
    assert _events(t, _scores_of(t, 3, [32767] * 20)) == [(0, 3), (6, 3), (12, 3), (18, 3)]  # not held: as ever
    assert _events(t, _scores_of(t, 1, [32767] * 30 + [0] + [32767] * 30)) == [(0, 1), (31, 1)]


def test_detector_flicker_around_the_threshold_raises_nothing_above_the_release():
    t = ONE_LABEL_HELD
    scores = _scores_of(t, 1, [21000, 19000, 21000, 15000, 21000, 11000, 21000, 9000, 21000, 19000, 21000])
    assert _events(t, scores) == [(0, 1), (8, 1)]
    # With the release at the threshold every rise over it counts.
    assert _events(t, _scores_of(t, 2, [21000, 19000, 21000, 15000, 21000])) == [(0, 2), (2, 2), (4, 2)]


@pytest.mark.parametrize(("release", "again"), [(16384, []), (16385, [(2, 1)])])
def test_detector_release_is_reached_exactly(release: int, again: list):
    t = dataclasses.replace(
        ONE_LABEL_HELD,
        threshold_q15=np.array([NEVER_Q15, 20000, 20000, 20000], np.uint16),
        release_q15=np.full(4, release, np.uint16),
    )
    scores = np.array([[-128, 127, -128, -128], [127, 127, -128, -128], [-128, 127, -128, -128]], np.int8)
    assert _events(t, scores) == [(0, 1), *again]  # two equals share: 16384 is not below 16384


def test_detector_falls_within_the_refractory_period_and_is_armed_behind_it():
    t = dataclasses.replace(ONE_LABEL_HELD, refractory_steps=6)
    fallen, up = [0], [32767]
    assert _events(t, _scores_of(t, 1, up * 2 + fallen + up * 10)) == [(0, 1), (7, 1)]
    assert _events(t, _scores_of(t, 1, up * 13)) == [(0, 1)]


def test_detector_second_label_is_raised_while_the_first_is_held_only_when_it_is_the_largest():
    t = dataclasses.replace(
        ONE_LABEL_HELD,
        threshold_q15=np.array([NEVER_Q15, 8000, 8000, 8000], np.uint16),
        release_q15=np.full(4, 4000, np.uint16),
    )
    first, both, second = [-128, 127, -128, -128], [-128, 120, 110, -128], [-128, 110, 120, -128]
    detector = Detector(t)
    assert detector.step(np.array(first, np.int8)).label == 1
    assert detector.step(np.array(both, np.int8)) is None  # 2 reaches its threshold, but the largest one is held
    assert detector.smoothed_q15[2] >= 8000
    assert detector.step(np.array(second, np.int8)).label == 2
    assert detector.held.tolist() == [False, True, True, False]  # 1 has not fallen below 4000
    for row in (both, second, both):
        assert detector.step(np.array(row, np.int8)) is None  # both are held, each for itself
    detector.step(np.array(second[:1] + [-128] + second[2:], np.int8))
    assert detector.held.tolist() == [False, False, True, False]
    assert detector.step(np.array(both, np.int8)).label == 1


def test_detector_release_compares_the_smoothed_posterior():
    t = dataclasses.replace(ONE_LABEL_HELD, smoothing_steps=4)  # threshold 20000, release 10000
    one_step_down = [32767] * 8 + [0] + [32767] * 8  # falls to 24575
    three_steps_down = [32767] * 8 + [0] * 3 + [32767] * 8  # falls to 8191; behind it 16383, 24575
    assert [step for step, _ in _events(t, _scores_of(t, 1, one_step_down))] == [2]
    assert [step for step, _ in _events(t, _scores_of(t, 1, three_steps_down))] == [2, 13]


def test_detector_release_of_zero_raises_once_until_a_reset():
    t = dataclasses.replace(ONE_LABEL_HELD, release_q15=np.zeros(4, np.uint16))
    detector = Detector(t)
    scores = _scores_of(t, 1, [32767, 0, 0, 32767, 32767])
    first = [detector.step(row) for row in scores]
    assert [event is not None for event in first] == [True, False, False, False, False]
    detector.reset()
    assert not detector.held.any() and [detector.step(row) for row in scores] == first


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), refractory=st.integers(0, 6), smoothing=st.integers(1, 5))
def test_detector_of_tables_without_releases_is_that_of_before(seed: int, refractory: int, smoothing: int):
    rng = np.random.default_rng(seed)
    t = dataclasses.replace(SINGLE_STEP, smoothing_steps=smoothing, refractory_steps=refractory)
    scores = rng.integers(-60, 60, (120, 4)).astype(np.int8)
    scores[:, 2] += rng.integers(0, 2, 120).astype(np.int8) * 60
    expected, free = [], 0  # the rule without a memory of labels
    sums = Detector(t)
    for step, row in enumerate(scores):
        sums.step(row)
        label, smoothed = sums.top
        if step >= free and smoothed >= t.threshold_q15[label]:
            expected.append((step, label))
            free = step + refractory + 1
    assert _events(t, scores) == expected


@pytest.mark.parametrize(("length", "expected"), [(3, []), (4, [(3, 1)])])
def test_detector_run_too_short_is_not_raised(length: int, expected: list):
    t = dataclasses.replace(ONE_LABEL_HELD, run_steps=4)
    assert _events(t, _scores_of(t, 1, [32767] * length + [0] * 3)) == expected


def test_detector_run_of_two_labels_begins_anew_with_the_second():
    t = dataclasses.replace(ONE_LABEL_HELD, run_steps=3)
    scores = np.concatenate(
        [_scores_of(t, 1, [32767] * 2), _scores_of(t, 3, [32767] * 2), _scores_of(t, 1, [32767] * 3)]
    )
    assert _events(t, scores) == [(6, 1)]


def test_detector_run_goes_on_within_the_refractory_period_and_is_raised_behind_it():
    t = dataclasses.replace(ONE_LABEL_HELD, run_steps=3, refractory_steps=4)
    up, down = [32767], [0]
    assert _events(t, _scores_of(t, 1, up * 3 + down + up * 8)) == [(2, 1), (7, 1)]


AFTER_QUIET = dataclasses.replace(
    ONE_LABEL_HELD,
    quiet_q15=np.array([STILL_QUIET_Q15, 8000, 8000, 8000], np.uint16),
    quiet_steps=3,
    busy_threshold_q15=np.array([NEVER_Q15, 30000, 30000, NEVER_Q15], np.uint16),
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([0, 0, 25000], [(2, 1)]),
        ([0, 9000, 9000, 25000], []),  # the step of silence is the fourth from the last
        ([0, 9000, 25000], [(2, 1)]),
        ([9000, 9000, 25000], []),  # never quiet
        ([9000, 9000, 32000], [(2, 1)]),  # certain enough
    ],
)
def test_detector_busy_threshold_holds_unless_one_of_the_last_steps_was_quiet(wanted: list, expected: list):
    assert _events(AFTER_QUIET, _scores_of(AFTER_QUIET, 1, wanted)) == expected


@pytest.mark.parametrize(("level", "expected"), [(9000, [(1, 1)]), (7000, [])])
def test_detector_quiet_is_below_its_level(level: int, expected: list):
    t = dataclasses.replace(AFTER_QUIET, quiet_q15=np.array([STILL_QUIET_Q15, level, level, level], np.uint16))
    assert _events(t, _scores_of(t, 1, [8000, 25000])) == expected  # silence has the rest, and does not matter


def test_detector_label_that_is_never_raised_while_busy_is_raised_after_quiet():
    assert _events(AFTER_QUIET, _scores_of(AFTER_QUIET, 3, [9000, 32767])) == []
    assert _events(AFTER_QUIET, _scores_of(AFTER_QUIET, 3, [0, 32767])) == [(1, 3)]


def test_detector_without_quiet_steps_is_always_busy():
    t = dataclasses.replace(AFTER_QUIET, quiet_steps=0)
    assert _events(t, _scores_of(t, 1, [0, 25000])) == []


def test_detector_reset_starts_over():
    detector = Detector(DEFAULT_DETECTOR)
    scores = np.random.default_rng(6).integers(-40, 40, (80, 12)).astype(np.int8)
    scores[:, 5] = 120
    first = [detector.step(row) for row in scores]
    detector.reset()
    assert [detector.step(row) for row in scores] == first
    assert any(first)


def test_detector_wrong_scores_are_refused():
    with pytest.raises(KwsError, match="int8"):
        Detector(DEFAULT_DETECTOR).step(np.zeros(12, np.float32))
    with pytest.raises(KwsError, match="12"):
        Detector(DEFAULT_DETECTOR).step(np.zeros(11, np.int8))


# --- Posteriors ------------------------------------------------------------------------------------------------------


def test_posteriors_equal_python_integers_and_are_close_to_softmax():
    scale = 0.0646
    table = exp_table(scale)
    assert table.dtype == np.uint16 and table[0] == 32768
    scores = np.random.default_rng(0).integers(-128, 128, (3, 40, 6)).astype(np.int8)
    scores[0, 0], scores[0, 1] = 127, [127, -128, -128, -128, -128, -128]
    got = posteriors_q15(scores, table)
    for row, found in zip(scores.reshape(-1, 6).tolist(), got.reshape(-1, 6).tolist(), strict=True):
        exponential = [int(table[max(row) - score]) for score in row]
        assert found == [min((e << 15) // sum(exponential), 32767) for e in exponential]
    assert got[0, 1, 0] == 32767 and set(got[0, 0]) == {32768 // 6}
    real = np.exp(scores.astype(float) * scale)
    real /= real.sum(-1, keepdims=True)
    assert np.abs(got / 32768 - real).max() < 2e-4  # the table's rounding in every term of the sum
