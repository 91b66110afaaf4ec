"""Networks of the field, adopted: their engines equal TFLite Micro's interpreter."""

import pytest

from tests.support import engines
from tests.support.published import PUBLISHED


@pytest.mark.parametrize("name", PUBLISHED)
def test_engine_of_a_published_network_equals_interpreter(name, tmp_path):
    bundle = PUBLISHED[name].bundle(tmp_path / name)
    steps = 60 if bundle.frames_per_step < 10 else 12
    features = engines.random_features(bundle, steps)
    engines.assert_bit_exact(bundle, engines.build(bundle, tmp_path / "generated"), features)
