"""The table of the detector's parts: what it compares, and where a rate is kept."""

from types import SimpleNamespace

import pytest
from kws_training.evaluate.thresholds import TIMINGS_S, timings
from kws_training.measure.detector_parts import best_within, table

from tests.support.detection import crowded, plain_bundle


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return plain_bundle(tmp_path_factory.mktemp("bundle"))


def test_table_has_a_line_for_each_detector_without_quiet_and_with_it(plain):
    lines = list(table(crowded(plain), (1.0, 1000.0)))
    assert len(lines) == 2 + 2 * len(TIMINGS_S) == 2 + len(timings(plain))
    assert sum("quiet within 1600 ms" in line for line in lines) == len(TIMINGS_S)
    assert sum("run of 300 ms" in line for line in lines) == 2
    assert all(line.split("|")[-2].strip().startswith("100.0 %") for line in lines[2:])


def test_best_within_stops_before_the_first_threshold_that_exceeds_the_rate():
    swept = [SimpleNamespace(false_accepts_per_hour=rate) for rate in (0, 2, 3, 1)]  # a rest can hide some
    assert best_within(swept, 2.5) is swept[1] and best_within(swept, 3) is swept[3]
    assert best_within(swept[1:], 1) is None
