"""Which layers that stream and quantize have operators that the generator refuses: what the page says of them."""

import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed (pip install .[training])")

from kws_codegen.lower.operators import OPERATORS  # noqa: E402
from kws_training.inspect.layer_support import layer_support  # noqa: E402

from tests.support import own_model_road  # noqa: E402


@pytest.mark.slow
def test_layers_that_the_generator_refuses_are_those_that_the_page_names():
    found = [support for support in layer_support() if support.quantizes]
    assert len(found) > 40
    refused = {support.name: kinds for support in found if (kinds := set(support.operators) - set(OPERATORS))}
    assert refused == {
        "Conv1DTranspose": {"TRANSPOSE_CONV"},
        "Conv2DTranspose": {"TRANSPOSE_CONV"},
        "LocalSelfAttention": {"GATHER"},  # of the two frames that a step brings it here
        "TimeDistributed": {"PACK"},
    }
    for kind in set.union(*refused.values()):
        assert f"`{kind}`" in own_model_road.section()
