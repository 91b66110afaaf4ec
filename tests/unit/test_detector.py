"""Detector: the reference against hand-made cases, and the C++ against the reference."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.bundle import NEVER_Q15
from kws_reference.detector import Detection, Detector, DetectorTables
from kws_reference.errors import KwsError

from tests.support.frontend_native import DEFAULT_DETECTOR, SPEECH_CONFIG, NativeStages

SINGLE_STEP = DetectorTables(
    exp_q15=DEFAULT_DETECTOR.exp_q15,
    threshold_q15=np.array([NEVER_Q15, 0, 12000, 32767], np.uint16),
    smoothing_steps=1,
    refractory_steps=0,
)
LONG_RING = DetectorTables(
    exp_q15=np.floor(32768 * np.exp(-np.arange(256) * 0.004) + 0.5).astype(np.uint16),
    threshold_q15=np.array([300, 200, 100], np.uint16),
    smoothing_steps=255,
    refractory_steps=3,
)
CONFIGS = {"default": DEFAULT_DETECTOR, "single_step": SINGLE_STEP, "long_ring": LONG_RING}


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
