"""The firmware's decimators of pulse density give every integer of kws_reference.audio.pdm."""

import numpy as np
import pytest
from kws_reference.audio.pdm import FULL_SUM, PdmDecimator

from tests.support.pdm import NativeDecimators, streams

STREAMS = streams()


@pytest.fixture(scope="module")
def decimators() -> NativeDecimators:
    return NativeDecimators()


@pytest.mark.parametrize("name", STREAMS)
def test_pdm_decimator_equals_reference(name, decimators):
    decimators.restart()
    np.testing.assert_array_equal(decimators.run(STREAMS[name]), PdmDecimator().push(STREAMS[name]))


def test_pdm_decimator_pieces_of_any_size_equal_reference(decimators):
    words, expected = STREAMS["random"], PdmDecimator().push(STREAMS["random"])
    cuts = 4 * np.array([0, 1, 2, 17, 18, 34, 51, 211, 1000, 1600])
    decimators.restart()
    pieces = [decimators.run(words[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    np.testing.assert_array_equal(np.concatenate(pieces), expected)


def test_pdm_decimator_restart_forgets_everything(decimators):
    decimators.run(STREAMS["ones"])
    decimators.restart()
    assert not decimators.run(np.full(400, 0x5555, np.uint16)).any()


def test_sum_decimator_equals_reference(decimators):
    rng = np.random.default_rng(2)
    loud = np.repeat(rng.integers(0, 2, 200) * FULL_SUM, 8)
    for sums in (rng.integers(0, FULL_SUM + 1, 8 * 333), loud, np.full(800, FULL_SUM), np.zeros(800, int)):
        decimators.restart()
        np.testing.assert_array_equal(decimators.run_sums(sums), PdmDecimator().push_sums(sums))


def test_pdm_decimator_state_is_small(decimators):
    assert decimators.state_bytes <= 536
