"""Reading a .tflite: all that stands in it, and one line for everything that is no model."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_reference.errors import KwsError
from kws_reference.tflite.graph import Graph, Tensor
from kws_reference.tflite.reader import read

from tests.support.models import matchbox
from tests.support.native import ROOT
from tests.support.tflite_writer import write

SMALL = write(matchbox().graph())


def comparable(graph):
    tensors = [dataclasses.replace(t, data=None if t.data is None else t.data.tobytes()) for t in graph.tensors]
    return dataclasses.replace(graph, tensors=tuple(tensors))


def test_read_written_graph_gives_the_same_graph():
    graph = matchbox().graph()
    assert comparable(read(write(graph))) == comparable(graph)


def test_read_keeps_signs_and_shapes_of_constants():
    graph = read(SMALL)
    weights = next(t for t in graph.tensors if t.name == "block2/pointwise/weights")
    assert weights.data.dtype == np.int8 and weights.data.shape == weights.shape == (16, 1, 1, 16)
    assert weights.data.min() < 0 < weights.data.max() and len(weights.scales) == 16
    assert not weights.data.flags.writeable


def test_read_options_by_name():
    graph = read(SMALL)
    add = next(op for op in graph.ops if op.kind == "ADD")
    assert add.options == {"activation": "RELU"}
    pool = next(op for op in graph.ops if op.kind == "AVERAGE_POOL_2D")
    assert pool.options["filter_h"] == 2 and pool.options["padding"] == "VALID"


def graph_of(data: np.ndarray) -> Graph:
    tensor = Tensor(0, "weights", data.shape, "INT4", (0.5,), (0,), data)
    return Graph((tensor,), (), (), (), ())


@pytest.mark.parametrize("shape", [(16,), (3, 5), (1, 1, 7, 1)], ids=str)
def test_read_int4_constant_gives_signed_values(shape):
    data = (np.arange(np.prod(shape)) % 16 - 8).astype(np.int8).reshape(shape)
    (tensor,) = read(write(graph_of(data))).tensors
    assert tensor.dtype == "INT4" and tensor.data.dtype == np.int8
    assert np.array_equal(tensor.data, data) and not tensor.data.flags.writeable


def test_read_int4_takes_the_earlier_value_from_the_low_half():
    stored = write(graph_of(np.array([1, -2, 7], np.int8)))
    assert bytes([0xE1, 0x07]) in stored
    assert read(stored.replace(bytes([0xE1, 0x07]), bytes([0x2F, 0x08]))).tensors[0].data.tolist() == [-1, 2, -8]


def test_read_int4_of_wrong_size_is_refused():
    graph = graph_of(np.zeros(8, np.int8))
    wrong = dataclasses.replace(graph, tensors=(dataclasses.replace(graph.tensors[0], shape=(9,)),))
    with pytest.raises(KwsError, match=r"4 bytes cannot hold \[9\] INT4 values"):
        read(write(wrong))


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 64, b"RIFF....WAVEfmt "], ids=repr)
def test_read_something_else_is_refused(data):
    with pytest.raises(KwsError, match="not a TensorFlow Lite model"):
        read(data)


def test_read_other_schema_version_is_refused():
    with pytest.raises(KwsError, match="schema version 4, version 3 is supported"):
        read(write(matchbox().graph(), version=4))


def test_read_op_on_missing_tensor_is_refused():
    graph = matchbox().graph()
    ops = (dataclasses.replace(graph.ops[0], inputs=(0, 1000)), *graph.ops[1:])
    with pytest.raises(KwsError, match=r"CONCATENATION, operator 0, names a tensor that is not there"):
        read(write(dataclasses.replace(graph, ops=ops)))


@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, len(SMALL) - 1))
def test_read_truncated_model_is_one_line_or_a_graph(length):
    try:
        assert isinstance(read(SMALL[:length]), Graph)
    except KwsError as error:
        assert "\n" not in str(error)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_read_damaged_model_is_one_line_or_a_graph(data):
    model = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        model[data.draw(st.integers(8, len(model) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(read(bytes(model)), Graph)
    except KwsError as error:
        assert "\n" not in str(error)


# Who else looks into files: those that write or edit them with TensorFlow, and nobody reads on his own.
WRITERS = {
    "codegen/kws_codegen/adopt/draft.py",
    "training/kws_training/convert/graph_edits.py",
    "training/kws_training/convert/integer.py",
    "training/kws_training/quantize/flatbuffer.py",
}


def test_no_other_module_of_the_kit_brings_a_schema():
    packages = ("training/kws_reference", "training/kws_training", "codegen/kws_codegen", "host/kws_host")
    schema = re.compile(r"\bschema_py_generated\b|\bflatbuffer_utils\b|^\s*import (tflite|flatbuffers)\b", re.MULTILINE)
    found = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if schema.search(path.read_text(encoding="utf-8"))
    }
    assert found - {"training/kws_reference/tflite/schema.py"} <= WRITERS
    assert "training/kws_reference/tflite/schema.py" in found
