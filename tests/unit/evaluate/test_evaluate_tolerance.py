"""kws-train evaluate: what counts as rounding between whole clips and steps goes with the size of the scores."""

import numpy as np
import pytest
from kws_training.evaluate.clip_report import STREAM_TOLERANCE, compare, streams_as_batch


def passes(batch, streaming):
    result = {}
    compare(batch, streaming, result)
    return streams_as_batch(result)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 20.0, 1e3, 1e6])
def test_compare_rounding_of_scores_of_any_size_passes_and_a_real_error_does_not(size, capsys):
    scores = (np.random.default_rng(0).normal(size=(50, 12)) * size).astype(np.float32)
    largest, result = np.abs(scores).max(), {}
    compare(scores, scores + np.float32(1e-6) * largest, result)
    assert streams_as_batch(result)
    assert "of the largest score" in capsys.readouterr().err
    assert result["largest_float_score"] == largest and result["float_streaming_max_difference"] > 0
    assert not passes(scores, scores + np.float32(1e-3) * largest)
    assert f"above {STREAM_TOLERANCE:g}" in capsys.readouterr().err


def test_compare_scores_that_are_no_numbers_fail():
    assert not passes(np.ones((2, 3)), np.full((2, 3), np.nan))
    assert not passes(np.full((2, 3), np.nan), np.ones((2, 3)))


def test_compare_scores_that_are_all_zero_pass_only_as_zeros():
    assert passes(np.zeros((2, 3)), np.zeros((2, 3)))
    assert not passes(np.zeros((2, 3)), np.ones((2, 3)))
