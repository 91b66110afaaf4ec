"""The detector over kept scores equals the reference, step for step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.bundle import NEVER_Q15, NOT_HELD_Q15, STILL_QUIET_Q15, DetectorConfig
from kws_reference.detector.integer import Detector, DetectorTables
from kws_training.evaluate.vectorized_detector import detect, top


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(0, 300),
    smoothing=st.integers(1, 30),
    refractory=st.integers(0, 40),
    scale=st.sampled_from([0.004, 0.05, 0.3]),
    hold=st.integers(1, 40),
    run=st.sampled_from([1, 1, 2, 7, 255]),
    quiet_steps=st.sampled_from([0, 1, 5, 60, 65535]),
)
def test_detect_random_scores_equal_the_reference_step_for_step(
    seed, steps, smoothing, refractory, scale, hold, run, quiet_steps
):
    rng = np.random.default_rng(seed)
    thresholds = rng.choice([0, 200, 9000, 22938, 32767, NEVER_Q15], 5).astype(np.uint16)
    releases = rng.choice([0, 1, 100, 9000, 22938, 32767, NOT_HELD_Q15], 5).astype(np.uint16)
    exponential = np.floor(32768 * np.exp(-np.arange(256) * scale) + 0.5).astype(np.uint16)
    quiet = rng.choice([0, 7000, 12000, 22938, STILL_QUIET_Q15], 5, p=[0.05, 0.2, 0.3, 0.25, 0.2]).astype(np.uint16)
    busy = np.maximum(thresholds, rng.choice([0, 9000, 30000, NEVER_Q15], 5)).astype(np.uint16)
    tables = DetectorTables(exponential, thresholds, smoothing, refractory, releases, run, quiet, quiet_steps, busy)
    scores = rng.integers(-60, 60, (steps, 5))
    scores[np.arange(steps), np.repeat(rng.integers(0, 5, steps // hold + 1), hold)[:steps]] += 60
    scores = np.clip(scores, -128, 127).astype(np.int8)
    reference = Detector(tables)
    events, tops = [], []
    for row in scores:
        event = reference.step(row)
        tops.append(reference.top)
        events += [(event.step, event.label, event.smoothed_q15)] if event else []
    view = top(scores, tables)
    settings = DetectorConfig(
        smoothing,
        refractory,
        tuple(thresholds.tolist()),
        tuple(releases.tolist()),
        run,
        tuple(quiet.tolist()),
        quiet_steps,
        tuple(busy.tolist()),
    )
    found = detect(view, settings)
    smoothed = np.zeros(steps, np.int64)
    for at, values in zip(view.steps, view.smoothed_q15, strict=True):
        smoothed[at] = values
    assert list(zip(found.tolist(), view.label[found].tolist(), smoothed[found].tolist(), strict=True)) == events
    assert list(zip(view.label.tolist(), smoothed.tolist(), strict=True)) == tops
