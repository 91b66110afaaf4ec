"""4-bit weights in the code generator: packed for the kernels, refused by name."""

import numpy as np
import pytest
from kws_codegen import report
from kws_codegen.generator import build
from kws_codegen.kernels.depthwise import Depthwise
from kws_codegen.kernels.packing import pack_rows, pack_taps
from kws_codegen.kernels.pointwise import Pointwise, PointwiseInt4

from tests.support.models import int4, matchbox


@pytest.mark.parametrize("outputs", [1, 2, 7, 8])
def test_pack_rows_holds_two_outputs_a_byte(outputs):
    weights = np.random.default_rng(outputs).integers(-8, 8, (outputs, 6))
    weights[0, :2] = -8, 7
    packed = pack_rows(weights)
    assert packed.dtype == np.int8 and packed.shape == ((outputs + 1) // 2, 6)
    assert np.array_equal((packed & 15) - 8, weights[0::2])
    assert np.array_equal((packed >> 4)[: outputs // 2], weights[1::2])


@pytest.mark.parametrize("taps", [1, 2, 5])
def test_pack_taps_holds_two_taps_a_byte(taps):
    weights = np.random.default_rng(taps).integers(-8, 8, (taps, 3))
    packed = pack_taps(weights)
    assert packed.dtype == np.int8 and packed.shape == ((taps + 1) // 2, 3)
    assert np.array_equal(((packed & 15) ^ 8) - 8, weights[0::2])
    assert np.array_equal((packed >> 4)[: taps // 2], weights[1::2])


@pytest.mark.parametrize("pack", [pack_rows, pack_taps])
def test_pack_of_more_than_four_bits_is_refused(pack):
    with pytest.raises(ValueError, match="must be -8..7"):
        pack(np.array([[8]]))


def test_int4_weights_take_half_the_flash(tmp_path):
    builder = matchbox()
    whole = report.facts(*_built(builder.write(tmp_path / "int8")))["layers"]
    packed = report.facts(*_built(builder.write(tmp_path / "int4", graph=int4(builder.graph()))))["layers"]
    weighted = [(a, b) for a, b in zip(whole, packed, strict=True) if a["weights_bytes"]]
    assert len(weighted) > 8
    for a, b in weighted:
        assert b["kernel"] == f"{a['kernel']}_int4" and b["table_bytes"] == a["table_bytes"]
        odd_taps = a["kernel"] == "depthwise"  # one of an odd number of taps has a byte of its own
        assert b["weights_bytes"] * 2 == a["weights_bytes"] or (odd_taps and b["weights_bytes"] < a["weights_bytes"])


def test_int4_and_int8_weights_mix_in_one_model(tmp_path):
    builder = matchbox()
    graph = int4(builder.graph(), kinds=("CONV_2D",))
    kernels = {type(call) for call in build(builder.write(tmp_path / "mixed", graph=graph))[1].calls}
    assert {PointwiseInt4, Pointwise, Depthwise} < kernels


def _built(bundle):
    return bundle, *build(bundle)
