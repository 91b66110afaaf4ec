"""What engine aot cannot compute rightly on int16 activations is refused by name, in one line."""

import dataclasses

import numpy as np
import pytest
from kws_codegen.generator import build
from kws_reference.bundle import Bundle, write_bundle
from kws_reference.errors import KwsError
from kws_reference.network.batched import BatchedNetwork
from kws_reference.network.operators import Unsupported

from tests.support.int16 import int16
from tests.support.models import STEPS_PER_STD, GraphBuilder, int4, matchbox, replace_op, replace_tensor


def start():
    """A builder whose features became int16, and that tensor."""
    b = GraphBuilder(1)
    x = b.input("features", (1, 2, 1, 8), 1 / STEPS_PER_STD)
    return b, b.op("QUANTIZE", [x], b.tensor("wide", (1, 2, 1, 8), 1 / 4096, dtype="INT16"))


def function(kind, scale=1 / 32768, dtype="INT16", zero_point=0, shape=(1, 2, 1, 8), **options):
    return lambda b, x: b.op(kind, [x], b.tensor("y", shape, scale, zero_point, dtype=dtype), **options)


def on_scale(scale, kind):
    """`kind` of int16 values of another scale."""

    def make(b, x):
        x = b.op("QUANTIZE", [x], b.tensor("x", (1, 2, 1, 8), scale, dtype="INT16"))
        return function(kind, beta=1.0)(b, x)

    return make


def padded(value):
    def make(b, x):
        number = b.tensor("value", (), 1 / 4096, dtype="INT16", data=np.array(value, np.int16))
        border = b.constant("border", [[0, 0]] * 4)
        return b.op("PADV2", [x, border, number], b.tensor("y", (1, 2, 1, 8), 1 / 4096, dtype="INT16"))

    return make


def binary(kind, scale, scale_b=1 / 300, **options):
    def make(b, x):
        other = b.tensor("other", (8,), scale_b, dtype="INT16", data=np.arange(8, dtype=np.int16))
        return b.op(kind, [x, other], b.tensor("y", (1, 2, 1, 8), scale, dtype="INT16"), **options)

    return make


def reduced(kind, dtype="INT16", scale=1 / 4096):
    def make(b, x):
        y = b.tensor("y", (1, 1, 1, 8), scale, dtype=dtype)
        return b.op(kind, [x, b.constant("axes", [1])], y, keep_dims=True)

    return make


CASES = {
    "elu": (function("ELU", 1 / 4096), r"ELU .*'wide' has type INT16, only INT8 is supported"),
    "hard swish": (function("HARD_SWISH", 1 / 4096), r"HARD_SWISH .*type INT16, only INT8 is supported"),
    "prelu": (binary("PRELU", 1 / 4096), r"PRELU .*type INT16, only INT8 is supported"),
    "reduce max": (reduced("REDUCE_MAX"), r"REDUCE_MAX .*type INT16, only INT8 is supported"),
    "zero point": (function("RELU", 1 / 4096, zero_point=5), r"RELU .*'y' is INT16 with zero point 5, it must be 0"),
    "relu of two types": (function("RELU", 1 / 4096, dtype="INT8"), r"RELU .*'y' has type INT8, only INT16"),
    "relu shape": (function("RELU", 1 / 4096, shape=(1, 16)), r"RELU .*\[1, 2, 1, 8\] cannot become \[1, 16\]"),
    "relu factor": (function("RELU", 1e-9), r"RELU .*the scales are too far apart: a factor of 2\^18"),
    "relu6 scale": (function("RELU6", 1 / 2048), r"RELU6 .*must share scale and zero point"),
    "leaky relu slope": (
        function("LEAKY_RELU", 1 / 4096, alpha=-0.5),
        r"LEAKY_RELU .*a slope of -0.5 is not supported",
    ),
    "logistic scale": (
        function("LOGISTIC", 1 / 4096),
        r"LOGISTIC .*'y' must have scale 1/32768, it has scale 0.000244",
    ),
    "tanh shape": (function("TANH", shape=(1, 16)), r"TANH .*cannot become \[1, 16\]"),
    "tanh input scale": (on_scale(6.0, "TANH"), r"TANH .*'x': the scale 6 is too large"),
    "softmax scale": (function("SOFTMAX", 1 / 256, beta=1.0), r"SOFTMAX .*'y' must have scale 1/32768"),
    "softmax of two types": (function("SOFTMAX", 1 / 256, dtype="INT8", beta=1.0), r"SOFTMAX .*'y' has type INT8"),
    "softmax input scale": (on_scale(4.0, "SOFTMAX"), r"SOFTMAX .*'x': the scale 4 does not suit an exponential"),
    "padding value": (padded(-300), r"PADV2 .*INT16 is padded with 0 only, not with -300"),
    "mul factor": (binary("MUL", 1 / 4096 / 400, activation="NONE"), r"MUL .*a factor of 2\^1"),
    "add factor": (binary("ADD", 1e-9, activation="NONE"), r"ADD .*output scale .* is too far"),
    "sub activation": (binary("SUB", 1 / 300, activation="TANH"), r"SUB .*fused activation TANH is not supported"),
    "maximum scale": (binary("MAXIMUM", 1 / 4096), r"MAXIMUM .*must share scale and zero point"),
    "mean of two types": (reduced("MEAN", "INT8"), r"MEAN .*'wide' is INT16 and 'y' INT8, they must have one type"),
    "sum factor": (reduced("SUM", scale=1e-9), r"SUM .*too far apart"),
    "reshape of two types": (
        lambda b, x: b.op("RESHAPE", [x, b.constant("s", [1, 16])], b.tensor("y", (1, 16), 1 / 4096)),
        r"RESHAPE .*'wide' and 'y' must share",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_generate_int16_operator_that_cannot_be_right_is_refused_by_name(case, tmp_path):
    make, message = CASES[case]
    b, x = start()
    y = make(b, x)
    narrow = b.op("QUANTIZE", [y], b.tensor("narrow", b.tensors[y].shape, 1 / 32))
    b.scores(b.dense("scores", b.reshape("flat", narrow, (1, b.tensors[y].size)), 3))
    with pytest.raises(KwsError, match=message) as caught:
        build(b.write(tmp_path))
    assert "\n" not in str(caught.value) and "damaged" not in str(caught.value)


def as_int32(graph, name):
    bias = next(tensor for tensor in graph.tensors if tensor.name == name)
    return replace_tensor(graph, name, dtype="INT32", data=bias.data.astype(np.int32))


def larger(graph, name, factor):
    bias = next(tensor for tensor in graph.tensors if tensor.name == name)
    return replace_tensor(graph, name, data=bias.data + factor)


LAYERS = {
    "depthwise bias": (
        lambda g: as_int32(g, "block1/depthwise/bias"),
        r"DEPTHWISE_CONV_2D .*bias 'block1/depthwise/bias' must be INT64, which TFLite Micro takes it for",
    ),
    "sums beyond the bias": (
        lambda g: larger(as_int32(g, "block2/pointwise/bias"), "block2/pointwise/bias", 2**31 - 2**24),
        r"CONV_2D .*an accumulator can reach \d+, more than the int32 of its bias",
    ),
    "sums beyond 47 bits": (
        lambda g: larger(g, "block2/pointwise/bias", 2**47),
        r"CONV_2D .*an accumulator can reach \d+, more than 47 bits",
    ),
    "factor": (
        lambda g: replace_tensor(g, "block2/pointwise", scales=(1e-9,)),
        r"CONV_2D .*a factor of 2\^\d+ takes sums of up to \d+ out of 32 bits",
    ),
    "weights": (
        lambda g: replace_op(g, "scores", options={"weights_format": 1}),
        r"FULLY_CONNECTED .*weights format 1 is not supported",
    ),
}


@pytest.mark.parametrize("case", LAYERS)
def test_generate_int16_layer_that_cannot_be_right_is_refused_by_name(case, tmp_path):
    change, message = LAYERS[case]
    builder = int16(matchbox())
    with pytest.raises(KwsError, match=message):
        build(builder.write(tmp_path, graph=change(builder.graph())))


def test_generate_int16_layer_of_int4_weights_is_refused_by_name(tmp_path):
    builder = int16(matchbox())
    with pytest.raises(KwsError, match=r"DEPTHWISE_CONV_2D .*have type INT4, only INT8 is supported"):
        build(builder.write(tmp_path, graph=int4(as_all_int32(builder.graph()))))


def as_all_int32(graph):
    """Biases as `int4` takes them."""
    tensors = [
        dataclasses.replace(t, dtype="INT32", data=t.data.astype(np.int32)) if t.dtype == "INT64" else t
        for t in graph.tensors
    ]
    return dataclasses.replace(graph, tensors=tuple(tensors))


# --- States ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reset_value": 3}, r"states\[0\]: zero_point and reset_value of an int16 state must be 0. Received: 0, 3"),
        ({"dtype": "int32"}, r"states\[0\]: dtype must be int8 or int16. Received: 'int32'"),
    ],
)
def test_bundle_with_an_int16_state_that_cannot_be_kept_is_refused(changes, message, tmp_path):
    builder = int16(matchbox())
    builder.states[0] |= changes
    with pytest.raises(KwsError, match=message):
        builder.write(tmp_path)


def test_generate_state_of_another_type_than_the_manifest_says_is_refused(tmp_path):
    bundle = int16(matchbox()).write(tmp_path)
    manifest = {key: value for key, value in bundle.manifest.items() if key not in ("format_version", "model_sha256")}
    manifest["states"] = [{k: v for k, v in state.items() if k != "dtype"} for state in manifest["states"]]
    bundle = write_bundle(tmp_path, bundle.model, manifest)
    with pytest.raises(KwsError, match="state block1: tensor 'block1_in' has type INT16, only INT8 is supported"):
        build(bundle)


def test_batched_interpreter_says_that_it_does_not_know_int16(tmp_path):
    bundle = int16(matchbox()).write(tmp_path)
    with pytest.raises(Unsupported, match="the type INT16 of state block1"):
        BatchedNetwork(bundle)
    assert Bundle.load(tmp_path).states[0].dtype == "int16"
