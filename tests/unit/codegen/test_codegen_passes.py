"""From graph to program: states become windows and rings, reshapes vanish, memory is planned without overlap."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_codegen import quantize
from kws_codegen.generator import build
from kws_codegen.passes import pair_states
from kws_codegen.plan import plan
from kws_reference.tflite.graph import Layer, Place, Program
from kws_reference.tflite.reader import read

from tests.support.models import matchbox


@pytest.fixture
def small(tmp_path):
    return matchbox().write(tmp_path)


def test_pair_states_finds_every_state_with_its_rows(small):
    pairs = pair_states(small, read(small.model))
    assert [(p.name, p.rows, p.new_rows, p.row_bytes) for p in pairs] == [
        ("block1", 4, 2, 8),
        ("block2", 6, 2, 16),
        ("block3", 8, 2, 16),
        ("pool", 9, 1, 32),
    ]


def test_lower_matchbox_leaves_only_arithmetic(small):
    graph, program, _ = build(small)
    assert [(layer.name, layer.kind) for layer in program.layers] == [
        ("block1.rows", "copy"),
        ("block1.depthwise", "depthwise"),
        ("block1.pointwise", "pointwise"),
        ("block2.residual", "pointwise"),
        ("block2.depthwise", "depthwise"),
        ("block2.pointwise", "pointwise"),
        ("block2.add", "add"),
        ("block3.depthwise", "depthwise"),
        ("block3.pointwise", "pointwise"),
        ("block3.pointwise2", "pointwise"),
        ("block3.average", "average_pool"),
        ("pool.average", "pool_ring"),
        ("pool.dense", "pointwise"),
    ]
    assert [state.kind for state in program.states] == ["window", "window", "window", "ring"]
    weights = [t for t in graph.tensors if t.name.endswith("/weights")]
    # Two frames a step, the dense layer once.
    assert program.macs == sum(t.size * (1 if t.name.startswith("scores") else 2) for t in weights)


def test_lower_writes_new_rows_where_the_next_state_keeps_them(small):
    _, program, _ = build(small)
    outputs = {layer.name: layer.output for layer in program.layers}
    assert outputs["block1.pointwise"] == Place("new_rows", 1)
    assert outputs["block2.add"] == Place("new_rows", 2)
    assert outputs["pool.dense"] == Place("scores")


def test_lower_reshaped_state_becomes_a_dilated_depthwise(small):
    _, program, _ = build(small)
    layer = next(layer for layer in program.layers if layer.name == "block3.depthwise")
    assert (layer.params["taps"], layer.params["tap_stride"], layer.params["frame_stride"]) == (5, 2 * 16, 16)


def test_lower_slice_and_strided_slice_give_the_same_program(tmp_path):
    one = build(matchbox(slice_kind="SLICE").write(tmp_path / "slice"))[1]
    two = build(matchbox(slice_kind="STRIDED_SLICE").write(tmp_path / "strided"))[1]
    assert [layer.name for layer in one.layers] == [layer.name for layer in two.layers]
    assert one.states == two.states


def test_lower_folds_the_input_zero_point_into_the_bias(small):
    graph, program, _ = build(small)
    layer = next(layer for layer in program.layers if layer.name == "block2.residual")
    op = graph.ops[layer.op]
    zero_point = graph.tensors[op.inputs[0]].zero_points[0]
    weights = graph.tensors[op.inputs[1]].data.reshape(16, -1).astype(int)
    linear = layer.params["linear"]
    assert zero_point == -128
    assert (linear.folded_bias == linear.bias + 128 * weights.sum(axis=1)).all()


def test_lower_weight_of_minus_128_takes_the_general_rounding(tmp_path):
    builder = matchbox()
    index = next(i for i, t in enumerate(builder.tensors) if t.name == "block1/depthwise/weights")
    builder.tensors[index].data[0, 0, 0, 0] = -128
    _, program, _ = build(builder.write(tmp_path))
    assert not program.layers[1].params["linear"].fast and program.layers[2].params["linear"].fast


def test_lower_cmsis_uses_cmsis_nn_where_it_has_a_kernel(small):
    _, program, _ = build(small, kernels="cmsis")
    kinds = {layer.kind for layer in program.layers}
    assert kinds == {"copy", "cmsis_conv", "cmsis_depthwise", "cmsis_fully_connected", "add", "average_pool"}


def check_plan(program):
    result = plan(program)
    assert result.peak_bytes <= result.scratch_bytes <= result.unshared_bytes
    for i, a in enumerate(result.blocks):
        assert a.offset % 16 == 0 and a.offset + a.size <= result.scratch_bytes
        for b in result.blocks[:i]:
            together = a.first <= b.last and b.first <= a.last
            assert not together or a.offset + a.size <= b.offset or b.offset + b.size <= a.offset
    return result


def test_plan_of_matchbox_is_as_small_as_any_plan_can_be(small):
    _, program, _ = build(small)
    result = check_plan(program)
    assert result.scratch_bytes == result.peak_bytes < result.unshared_bytes


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_plan_of_any_program_never_overlaps_live_blocks(data):
    count = data.draw(st.integers(1, 12))
    layers = []
    for index in range(count):
        sources = data.draw(st.lists(st.integers(0, index - 1), max_size=3)) if index else []
        inputs = tuple(Place("value", source) for source in sources)
        work = data.draw(st.sampled_from([0, 0, 4, 100, 512]))
        layers.append(Layer("copy", f"layer{index}", -1, inputs, Place("value", index), {}, work))
    sizes = tuple(data.draw(st.integers(1, 600)) for _ in range(count))
    check_plan(Program(tuple(layers), (), sizes, 0))


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (0.0, (0, 0)),
        (0.5, (1 << 30, 0)),
        (1.0, (1 << 30, 1)),
        (0.75, (3 << 29, 0)),
        (2.0**-31, (1 << 30, -30)),
        (2.0**-40, (0, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),
    ],
)
def test_quantize_multiplier_splits_into_mantissa_and_shift(factor, expected):
    assert quantize.quantize_multiplier(factor) == expected


@given(st.floats(2.0**-29, 2.0**20))
def test_quantize_multiplier_is_close(factor):
    multiplier, shift = quantize.quantize_multiplier(factor)
    assert 1 << 30 <= multiplier < 1 << 31
    # Half a unit in the last place of a 31 bit mantissa.
    assert abs(multiplier * 2.0 ** (shift - 31) - factor) <= factor * 2.0**-31


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("NONE", (-128, 127)), ("RELU", (-28, 127)), ("RELU6", (-28, 92)), ("RELU_N1_TO_1", (-48, -8))],
)
def test_activation_range_of_fused_activation(activation, expected):
    assert quantize.activation_range(activation, 0.05, -28) == expected
