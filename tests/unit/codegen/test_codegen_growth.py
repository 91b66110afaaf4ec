"""Generating takes work in proportion to the model."""

import cProfile
import pstats

import pytest
from kws_codegen.generator import generate

from tests.support.models import deep


@pytest.mark.slow
def test_generate_work_grows_no_faster_than_the_model(tmp_path):
    """Counted as calls of functions, which no load of the machine changes; a fixed part is taken out by differences."""
    calls = []
    for blocks in (10, 40, 70):
        bundle = deep(blocks).write(tmp_path / str(blocks))
        profile = cProfile.Profile()
        profile.runcall(generate, bundle)
        calls.append(pstats.Stats(profile).total_calls)
    first, second = calls[1] - calls[0], calls[2] - calls[1]
    # 5 %: memory has room for more buffers to be tried, and numbers have more digits.
    assert 0 < second < 1.05 * first, calls
