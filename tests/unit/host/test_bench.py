"""What is measured, as far as it needs no device."""

from types import SimpleNamespace

import numpy as np
import pytest
from kws_host import benchmark
from kws_reference.timing import StepClock


@pytest.mark.parametrize(("engine_ticks", "steps"), [(2**20, 50), (2**30, 2), (2**31 + 5, 1)])
def test_bench_layers_take_no_more_steps_than_their_sums_hold(engine_ticks, steps):
    records = [SimpleNamespace(engine_ticks=ticks) for ticks in (engine_ticks, 1000)]
    part = benchmark._part_for_layers(StepClock(16000, 480, 160, 2), np.zeros(480 + 99 * 160, np.int16), records)
    assert len(part) == 480 + (2 * steps - 1) * 160
