"""The C++ front end under sanitizers, for random configurations of both kinds: every integer is the reference's."""

import numpy as np
import pytest
from kws_reference.frontend.integer import Mfcc

from tests.support.frontend_configs import random_config
from tests.support.frontend_native import sanitized_frames
from tests.support.signals import hostile, speech_like


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))  # kinds, transforms and preemphasis come in turns of 12
def test_frontend_of_any_sizes_under_sanitizers_equals_reference(seed: int):
    config, rng = random_config(seed), np.random.default_rng(seed)
    pcm = np.concatenate([*hostile(1500).values(), speech_like(0.5), rng.integers(-32768, 32768, 3000, np.int16)])
    got = sanitized_frames(config, pcm, int(rng.integers(1, 2000)))
    assert len(got) > 0
    np.testing.assert_array_equal(got, Mfcc(config).frames(pcm))
