"""Operators that the generator knows are refused by name where it cannot compute them rightly, in one line."""

import dataclasses

import numpy as np
import pytest
from kws_codegen.generator import build
from kws_reference.errors import KwsError

from tests.support.models import STEPS_PER_STD, GraphBuilder

MASKS = dict(begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)


def function(kind, scale=0.1, zero_point=0, shape=(1, 2, 1, 8), **options):
    return lambda b, x: b.op(kind, [x], b.tensor("y", shape, scale, zero_point), **options)


def binary(kind, shape, scale, other, **options):
    """`kind` of the features and an operand that `other` makes."""
    return lambda b, x: b.op(kind, [x, other(b, x)], b.tensor("y", shape, scale), **options)


def moved(kind, constants, shape, **options):
    """`kind` of the features and constants, of the features' quantization."""
    return lambda b, x: b.moved(
        kind, "y", [x, *(b.constant(f"c{i}", values) for i, values in enumerate(constants))], shape, x, **options
    )


def strided(begin, end, strides, shape=(1, 2, 1, 8), **masks):
    return moved("STRIDED_SLICE", [begin, end, strides], shape, **{**MASKS, **masks})


def joined(shape, axis, activation="NONE"):
    return lambda b, x: b.moved("CONCATENATION", "y", [x, x], shape, x, axis=axis, activation=activation)


def split(kind, constants, axis, sizes, first):
    """The axis of a SPLIT comes before what is split."""

    def make(b, x):
        inputs = [b.constant(f"c{i}", values) for i, values in enumerate(constants)]
        return b.split(kind, "y", [*inputs, x] if first else [x, *inputs], x, axis, sizes)[0]

    return make


def reduced(axes, shape, keep_dims=True, scale=0.1, kind="MEAN"):
    return lambda b, x: b.op(kind, [x, b.constant("axes", axes)], b.tensor("y", shape, scale), keep_dims=keep_dims)


def padded(value):
    """PADV2 by a value that `value` makes."""
    return lambda b, x: b.moved("PADV2", "y", [x, b.constant("border", [[0, 0]] * 4), value(b)], (1, 2, 1, 8), x)


def pooled(kind, filter_h=2, stride_h=1, shape=(1, 1, 1, 8), scale=1 / STEPS_PER_STD):
    options = dict(padding="VALID", stride_h=stride_h, stride_w=1, filter_h=filter_h, filter_w=1, activation="NONE")
    return lambda b, x: b.op(kind, [x], b.tensor("y", shape, scale), **options)


def matmul(shape_a, shape_b, shape, scale=0.1, other_scale=0.1):
    """A product of two reshaped activations."""

    def make(b, x):
        a, c = (b.op("QUANTIZE", [x], b.tensor(f"q{i}", (1, 2, 1, 8), s, 1)) for i, s in enumerate((0.1, other_scale)))
        inputs = [b.reshape("a", a, shape_a), b.reshape("b", c, shape_b)]
        return b.op("BATCH_MATMUL", inputs, b.tensor("y", shape, scale), adjoint_a=False, adjoint_b=False)

    return make


def grouped(b, x):
    y = b.plane("y", x, (1, 1), outputs=4, groups=2)
    weights = b.ops[-1].inputs[1]
    data = b.tensors[weights].data[:, :, :, :2]
    # Four groups of two channels, and three outputs.
    b.tensors[weights] = dataclasses.replace(
        b.tensors[weights], data=data[:3], shape=(3, 1, 1, 2), scales=(0.1,), zero_points=(0,)
    )
    b.tensors[y] = dataclasses.replace(b.tensors[y], shape=(1, 2, 1, 3))
    return y


def six_axes(b, x):
    """A transposition that turns six dimensions around."""
    shape = (2, 2, 2, 2, 1, 1)
    x = b.reshape("cube", x, shape)
    other = b.moved("CONCATENATION", "two", [x] * 4, (2, 2, 2, 2, 2, 2)[:4] + (4, 1), x, axis=4, activation="NONE")
    other = b.reshape("six", other, (2,) * 6)
    order = b.constant("order", [5, 4, 3, 2, 1, 0])
    return b.moved("TRANSPOSE", "y", [other, order], (2,) * 6, x)


def constant_input(b, x):
    return b.op("TANH", [b.values("still", (1, 4), 0.1)], b.tensor("y", (1, 4), 1 / 128))


def long_row(b, x):
    x = b.moved("CONCATENATION", "long", [b.reshape("row", x, (1, 16))] * 32, (1, 512), x, axis=1, activation="NONE")
    return b.softmax("y", x)


def svdf(change=None, **options):
    """An SVDF of the features, one of whose operands `change` has by its position."""

    def make(b, x):
        y = b.svdf("y", b.reshape("row", x, (1, 16)), 3, 4, **options)
        return changed(b, y, change or {})

    return make


def lstm(change=None, shape=(1, 2, 8), **options):
    """An LSTM of the features, of which `change` gives operands, and `options` those of the operator."""

    def make(b, x):
        y = b.lstm("y", b.reshape("rows", x, shape), 5)
        b.ops[-1] = dataclasses.replace(b.ops[-1], options={**b.ops[-1].options, **options})
        return changed(b, y, change or {})

    return make


def svdf_rank(rank):
    """An SVDF of another rank than its weights have."""

    def make(b, x):
        y = b.svdf("y", b.reshape("row", x, (1, 16)), 3, 4)
        b.ops[-1] = dataclasses.replace(b.ops[-1], options={**b.ops[-1].options, "rank": rank})
        return y

    return make


def changed(b, y, change):
    """Changes the last operator: fields of tensors by their position (-1: the result), or another index for one."""
    op = b.ops[-1]
    inputs = list(op.inputs)
    for position, fields in change.items():
        if isinstance(fields, int):
            inputs[position] = fields
        else:
            index = y if position == -1 else inputs[position]
            b.tensors[index] = dataclasses.replace(b.tensors[index], **fields)
            for state in b.states:
                if state["name"] == b.tensors[index].name:
                    state["dtype"], (state["scale"],) = b.tensors[index].dtype.lower(), b.tensors[index].scales
    b.ops[-1] = dataclasses.replace(op, inputs=tuple(inputs))
    return y


def without_state(b, x):
    """An SVDF whose state no manifest names."""
    y = b.svdf("y", b.reshape("row", x, (1, 16)), 3, 4)
    b.states.clear()
    b.inputs.pop()
    b.outputs.pop()
    return y


def shared_state(b, x):
    """Two SVDF with one state."""
    row = b.reshape("row", x, (1, 16))
    b.svdf("first", row, 3, 4)
    b.svdf("y", row, 3, 4)
    state = b.ops[-2].inputs[4]
    b.ops[-1] = dataclasses.replace(b.ops[-1], inputs=(*b.ops[-1].inputs[:4], state))


def values(shape, scale=0.1, zero_point=0):
    return lambda b, x: b.values("other", shape, scale, zero_point)


CASES = {
    "function shape": (function("RELU", shape=(1, 16)), r"RELU .*'y'.*\[1, 2, 1, 8\] cannot become \[1, 16\]"),
    "function scale": (function("LOGISTIC"), r"LOGISTIC .*'features' to 'y': the output must have scale 1/256"),
    "function factor": (function("QUANTIZE", scale=1e-9), r"QUANTIZE .*'y': a factor of 3125.* is too large"),
    "function rounding": (function("ELU", scale=1e-5), r"ELU .*'y'.*depends on the rounding of exp"),
    "function of a constant": (constant_input, r"TANH .*'still' is constant"),
    "concat activation": (joined((1, 4, 1, 8), 1, "RELU"), r"CONCATENATION .*fused activation RELU"),
    "concat axis": (joined((1, 4, 1, 8), 4), r"CONCATENATION .*axis 4 is none of 4 dimensions"),
    "concat shape": (joined((1, 4, 1, 9), 1), r"'features' \[1, 2, 1, 8\] does not fit \[1, 4, 1, 9\] on axis 1"),
    "concat size": (joined((1, 5, 1, 8), 1), r"its inputs have 4 on axis 1, the output has \[1, 5, 1, 8\]"),
    "slice beyond": (
        moved("SLICE", [[0, 1, 0, 0], [1, 2, 1, 8]], (1, 2, 1, 8)),
        r"SLICE .*keeps \[1, 2, 1, 8\] from \[0, 1, 0, 0\] on of",
    ),
    "slice shape": (
        moved("SLICE", [[0, 1, 0, 0], [1, 1, 1, 8]], (1, 2, 1, 8)),
        r"it keeps \[1, 1, 1, 8\] of \[1, 2, 1, 8\], 'y' has \[1, 2, 1, 8\]",
    ),
    "slice mask": (strided([0] * 4, [1, 2, 1, 8], [1] * 4, new_axis_mask=1), r"STRIDED_SLICE .*new-axis masks"),
    "slice stride": (strided([0] * 4, [1, 2, 1, 8], [1, 1, 1, -1]), r"strides \[1, 1, 1, -1\] are not supported"),
    "slice of nothing": (strided([0, 2, 0, 0], [1, 2, 1, 8], [1] * 4), r"it keeps nothing"),
    "split parts": (
        split("SPLIT", [3], 3, [4, 3], first=True),
        r"SPLIT .*it keeps \[1, 2, 1, 4\] of \[1, 2, 1, 8\], 'y/1' has \[1, 2, 1, 3\]",
    ),
    "split remainder": (split("SPLIT", [3], 3, [3, 3, 2], first=True), r"cannot be split into 3 equal parts on axis 3"),
    "split sizes": (split("SPLIT_V", [[3, 4], 3], 3, [3, 4], first=False), r"cannot be split into \[3, 4\] on axis 3"),
    "transpose order": (moved("TRANSPOSE", [[0, 1, 1, 3]], (1, 2, 1, 8)), r"TRANSPOSE .*in the order \[0, 1, 1, 3\]"),
    "too many dimensions": (six_axes, r"TRANSPOSE .*it has 6 dimensions that do not lie .*, 5 are supported"),
    "pad size": (
        moved("PAD", [[[0, 0], [1, 1], [0, 0], [0, 0]]], (1, 3, 1, 8)),
        r"PAD .*with \[0, 1, 0, 0\] before and \[0, 1, 0, 0\] behind does not give",
    ),
    "pad below zero": (moved("PAD", [[[0, 0], [-1, 0], [0, 0], [0, 0]]], (1, 1, 1, 8)), r"PAD .*does not give"),
    "pad value scale": (padded(lambda b: b.values("v", (1,), 0.7)), r"PADV2 .*'v' and 'y' must share scale"),
    "pad values": (padded(lambda b: b.values("v", (2,), 1 / STEPS_PER_STD)), r"PADV2 .*'v' has 2 values, 1 is needed"),
    "pad value no constant": (
        padded(lambda b: b.tensor("v", (1,), 1 / STEPS_PER_STD)),
        r"PADV2 .*padding values 'v' are not constant",
    ),
    "bounds type": (
        lambda b, x: b.moved("TRANSPOSE", "y", [x, b.values("order", (4,), 0.1)], (1, 2, 1, 8), x),
        r"TRANSPOSE .*the order 'order' have type INT8, only INT32",
    ),
    "add output scale": (
        binary("ADD", (1, 2, 1, 8), 1e-9, values((8,)), activation="NONE"),
        r"ADD .*output scale .* is too far from the operands' 0.1",
    ),
    "mul factor": (
        binary("MUL", (1, 2, 1, 8), 1e-8, values((8,)), activation="NONE"),
        r"MUL .*the scales are too far apart: a factor of 2\^19",
    ),
    "mul activation": (
        binary("MUL", (1, 2, 1, 8), 0.1, values((8,)), activation="TANH"),
        r"MUL .*fused activation TANH",
    ),
    "mul shapes": (
        binary("MUL", (1, 2, 1, 8), 0.1, values((3,)), activation="NONE"),
        r"MUL .*'other' \[3\] cannot be repeated to \[1, 2, 1, 8\]",
    ),
    "mul shape of nobody": (
        binary("MUL", (1, 2, 5, 8), 0.1, values((8,)), activation="NONE"),
        r"operands \[1, 2, 1, 8\] and \[8\] do not give \[1, 2, 5, 8\]",
    ),
    "maximum scale": (binary("MAXIMUM", (1, 2, 1, 8), 1 / STEPS_PER_STD, values((8,))), r"MAXIMUM .*must share scale"),
    "minimum scale": (binary("MINIMUM", (1, 2, 1, 8), 0.1, values((8,))), r"MINIMUM .*must share scale"),
    "prelu factor": (binary("PRELU", (1, 2, 1, 8), 1e-9, values((8,))), r"PRELU .*too far apart"),
    "pool scale": (pooled("MAX_POOL_2D", scale=0.1), r"MAX_POOL_2D .*must share scale"),
    "pool window": (pooled("MAX_POOL_2D", filter_h=0), r"MAX_POOL_2D .*windows and strides must be at least 1"),
    "pool beyond": (pooled("AVERAGE_POOL_2D", filter_h=3), r"AVERAGE_POOL_2D .*give 0, the output says 1"),
    "pool channels": (pooled("MAX_POOL_2D", shape=(1, 1, 1, 4)), r"MAX_POOL_2D .*8 channels cannot become 4"),
    "mean axes": (reduced([4], (1, 2, 1, 8)), r"MEAN .*axes \[4\] are not those of \[1, 2, 1, 8\]"),
    "mean shape": (
        reduced([1], (1, 1, 1, 8), keep_dims=False),
        r"over the axes \[1\] gives \[1, 1, 8\], the output says \[1, 1, 1, 8\]",
    ),
    "sum factor": (reduced([1], (1, 1, 1, 8), scale=1e-9, kind="SUM"), r"SUM .*too far apart"),
    "softmax shape": (
        function("SOFTMAX", 1 / 256, -128, shape=(1, 16), beta=1.0),
        r"SOFTMAX .*cannot become \[1, 16\]",
    ),
    "softmax scale": (function("SOFTMAX", 1 / 128, -128, beta=1.0), r"SOFTMAX .*'y' must have scale 1/256"),
    "softmax beta": (function("SOFTMAX", 1 / 256, -128, beta=1e-9), r"SOFTMAX .*'features': the scale .* too small"),
    "softmax depth": (long_row, r"SOFTMAX .*rows of 512 are too long, at most 511"),
    "matmul of a vector": (matmul((2, 8), (16,), (2, 1)), r"BATCH_MATMUL .*'b' \[16\] is no matrix"),
    "matmul depth": (matmul((2, 8), (4, 4), (2, 4)), r"\[2, 8\] times \[4, 4\] does not give \[2, 4\]"),
    "matmul stacks": (
        matmul((4, 1, 4), (2, 4, 2), (4, 1, 2)),
        r"\[4, 1, 4\] and \[2, 4, 2\] are no stacks of the same number",
    ),
    "matmul factor": (matmul((2, 8), (8, 2), (2, 2), scale=1e-8), r"BATCH_MATMUL .*the scales are too far apart"),
    "svdf batch": (svdf({0: {"shape": (2, 8)}}), r"SVDF .*'row' has shape \[2, 8\], only batch 1"),
    "svdf input": (svdf({0: {"shape": (1, 4, 4)}}), r"SVDF .*do not fit each other: \[1, 4, 4\] \[3, 16\] \[3, 4\]"),
    "svdf units": (svdf({-1: {"shape": (1, 2)}}), r"SVDF .*do not fit each other: .*\[1, 12\] \[1, 2\]"),
    "svdf rank": (svdf_rank(2), r"SVDF .*rank 2 does not divide 3 filters"),
    "svdf rank of nothing": (svdf_rank(0), r"SVDF .*rank 0 does not divide 3 filters"),
    "svdf activation": (svdf(activation="RELU6"), r"SVDF .*fused activation RELU6"),
    "svdf time weights": (svdf({2: {"data": None}}), r"SVDF .*time weights 'y/time' are not constant"),
    "svdf feature scales": (
        svdf({1: {"scales": (0.1,) * 3, "zero_points": (0,) * 3}}),
        r"SVDF .*feature weights 'y/feature' must have one scale and zero point 0, they have 3 scales",
    ),
    "svdf bias": (svdf({3: {"data": np.zeros(2, np.int32), "shape": (2,)}}), r"SVDF .*bias has 2 values, 3 are needed"),
    "svdf sums": (
        svdf({3: {"data": np.full(3, 2**31 - 1, np.int32)}}, dtype="INT8"),
        r"SVDF .*a sum over time can reach \d{10}, more than int32 holds",
    ),
    "svdf factor": (svdf({-1: {"scales": (1e-30,)}}), r"SVDF .*a factor of 2\^\d\d cannot be applied"),
    "svdf no variable": (
        svdf({4: {"is_variable": False}}, dtype="INT8"),
        r"SVDF .*its state 'y/memory' is no variable tensor",
    ),
    "svdf unnamed state": (
        without_state,
        r"SVDF .*no state of the manifest is its state 'y/memory'; kws-codegen adopt",
    ),
    "svdf shared state": (shared_state, r"SVDF .*its state 'first/memory' is used by other operators, or twice"),
    "lstm dimensions": (lstm(shape=(1, 16)), r"LSTM .*'rows' has shape \[1, 16\], 3 dimensions and batch 1"),
    "lstm batch": (lstm(time_major=True), r"LSTM .*'rows' has shape \[1, 2, 8\], 3 dimensions and batch 1"),
    "lstm output": (lstm({-1: {"shape": (1, 2, 4)}}), r"LSTM .*output \[1, 2, 4\] do not fit each other"),
    "lstm peephole": (lstm({10: 0}), r"LSTM .*it has peephole connections, which TFLite Micro does not compute"),
    "lstm projection": (lstm({16: 0}), r"LSTM .*it has a projection, which"),
    "lstm layer norm": (lstm({23: 0}), r"LSTM .*it has layer normalization, which"),
    "lstm coupled gates": (lstm({1: -1}), r"LSTM .*its input gate lacks weights or a bias"),
    "lstm bias": (lstm({14: -1}), r"LSTM .*its candidate lacks weights or a bias"),
    "lstm activation": (lstm(activation="RELU"), r"LSTM .*fused activation RELU is not supported, only TANH"),
    "lstm clip": (lstm(cell_clip=-1.0), r"LSTM .*a cell clip of -1 is none"),
    "lstm cell type": (lstm({19: {"dtype": "INT8"}}), r"LSTM .*its cell state 'y/cell' must be INT16"),
    "lstm cell scale": (lstm({19: {"scales": (0.001,)}}), r"LSTM .*the scale 0.001.* is no power of two"),
    "lstm hidden": (lstm({18: {"is_variable": False}}), r"LSTM .*its state 'y/hidden' is no variable tensor"),
    "lstm hidden scale": (lstm({18: {"scales": (1e-12,)}}), r"LSTM .*scales of its states are too small"),
    "lstm weights": (
        lstm({6: {"data": np.ones((5, 4), np.int8), "shape": (5, 4)}}),
        r"LSTM .*forget gate's weights \[5, 4\] do not fit, \[5, 5\] are needed",
    ),
    "lstm weights type": (
        lstm({4: {"dtype": "INT16", "data": np.ones((5, 8), np.int16)}}),
        r"LSTM .*output gate's weights 'y/weights4' have type INT16",
    ),
    "conv groups": (grouped, r"CONV_2D .*3 outputs cannot be shared by 4 groups of 2 channels"),
}


@pytest.mark.parametrize("case", CASES)
def test_generate_operator_that_cannot_be_right_is_refused_by_name(case, tmp_path):
    make, message = CASES[case]
    b = GraphBuilder(1)
    x = b.input("features", (1, 2, 1, 8), 1 / STEPS_PER_STD)
    make(b, x)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 16)), 3))
    with pytest.raises(KwsError, match=message) as caught:
        build(b.write(tmp_path))
    assert "\n" not in str(caught.value) and "damaged" not in str(caught.value)


def test_generate_matmul_of_too_many_products_is_refused(tmp_path):
    b = GraphBuilder(1)
    x = b.input("features", (1, 2, 1, 8), 1 / STEPS_PER_STD)
    # Nobody writes so long a row: the product is refused before anything asks for it.
    b.matmul("y", b.tensor("row", (1, 40000), 0.1), b.values("column", (40000, 1), 0.1, 3), 0.1)
    b.scores(b.dense("scores", b.reshape("flat", x, (1, 16)), 3))
    with pytest.raises(KwsError, match="BATCH_MATMUL .*sums of 40000 products do not fit into 32 bits"):
        build(b.write(tmp_path))
