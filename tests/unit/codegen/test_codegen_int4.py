"""4-bit weights in the code generator: read from packed tensors, packed again for the kernels, refused by name."""

import dataclasses

import numpy as np
import pytest
from kws_codegen import reader, report
from kws_codegen.generator import build
from kws_codegen.ir import Graph, Tensor
from kws_codegen.pack import pack_rows, pack_taps
from kws_reference.errors import KwsError

from tests.support import tflite_writer
from tests.support.models import int4, matchbox


def model_with(data: np.ndarray) -> Graph:
    tensor = Tensor(0, "weights", data.shape, "INT4", (0.5,), (0,), data)
    return Graph((tensor,), (), (), (), ())


@pytest.mark.parametrize("shape", [(16,), (3, 5), (1, 1, 7, 1)], ids=str)
def test_read_int4_constant_gives_signed_values(shape):
    data = (np.arange(np.prod(shape)) % 16 - 8).astype(np.int8).reshape(shape)
    (tensor,) = reader.read(tflite_writer.write(model_with(data))).tensors
    assert tensor.dtype == "INT4" and tensor.data.dtype == np.int8
    assert np.array_equal(tensor.data, data) and not tensor.data.flags.writeable


def test_read_int4_takes_the_earlier_value_from_the_low_half():
    stored = tflite_writer.write(model_with(np.array([1, -2, 7], np.int8)))
    assert bytes([0xE1, 0x07]) in stored
    assert reader.read(stored.replace(bytes([0xE1, 0x07]), bytes([0x2F, 0x08]))).tensors[0].data.tolist() == [-1, 2, -8]


def test_read_int4_of_wrong_size_is_refused():
    graph = model_with(np.zeros(8, np.int8))
    wrong = dataclasses.replace(graph, tensors=(dataclasses.replace(graph.tensors[0], shape=(9,)),))
    with pytest.raises(KwsError, match=r"4 bytes cannot hold \[9\] INT4 values"):
        reader.read(tflite_writer.write(wrong))


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
    kinds = {layer.kind for layer in build(builder.write(tmp_path / "mixed", graph=graph))[1].layers}
    assert {"pointwise_int4", "pointwise", "depthwise"} < kinds


def _built(bundle):
    return bundle, *build(bundle)
