"""From graph to program: states become windows and rings, reshapes vanish, memory is planned without overlap."""

import dataclasses
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_codegen.buffers import PoolRing, Window
from kws_codegen.dump import Dump
from kws_codegen.generator import build
from kws_codegen.ir import Ends, Module, View
from kws_codegen.kernels import cmsis_nn
from kws_codegen.kernels.add import Add
from kws_codegen.kernels.average_pool import AverageOfRing, AveragePool
from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.copy import Copy
from kws_codegen.kernels.depthwise import Depthwise
from kws_codegen.kernels.pointwise import Pointwise
from kws_codegen.options import Kernels, Options
from kws_codegen.passes.alias_views import ALIAS_VIEWS
from kws_codegen.passes.drop_noops import DROP_NOOPS
from kws_codegen.passes.fuse_activations import FUSE_ACTIVATIONS
from kws_codegen.passes.pipeline import PASSES
from kws_codegen.passes.slide_windows import SLIDE_WINDOWS
from kws_codegen.places import NewRows, Part, Scores, ScratchValue
from kws_codegen.plan import overlapped
from kws_codegen.program import Program
from kws_reference.errors import KwsError
from kws_reference.tflite.reader import read

from tests.support.models import STEPS_PER_STD, GraphBuilder, borders, matchbox, planes


@pytest.fixture
def small(tmp_path):
    return matchbox().write(tmp_path)


def test_slide_windows_finds_every_state_with_its_rows(small):
    graph = read(small.model)
    module = SLIDE_WINDOWS.run(Module.of(graph, Ends.of(small, graph), Options()))
    found = [(module.states[index].name, rows) for index, rows in module.sliding.items()]
    assert [(name, rows.rows, rows.new_rows, rows.row_bytes) for name, rows in found] == [
        ("block1", 4, 2, 8),
        ("block2", 6, 2, 16),
        ("block3", 8, 2, 16),
        ("pool", 9, 1, 32),
    ]


def test_lower_matchbox_leaves_only_arithmetic(small):
    graph, program, _ = build(small)
    assert [(call.name, type(call)) for call in program.calls] == [
        ("block1.rows", Copy),
        ("block1.depthwise", Depthwise),
        ("block1.pointwise", Pointwise),
        ("block2.residual", Pointwise),
        ("block2.depthwise", Depthwise),
        ("block2.pointwise", Pointwise),
        ("block2.add", Add),
        ("block3.depthwise", Depthwise),
        ("block3.pointwise", Pointwise),
        ("block3.pointwise2", Pointwise),
        ("block3.average", AveragePool),
        ("pool.average", AverageOfRing),
        ("pool.dense", Pointwise),
    ]
    assert [type(buffer) for buffer in program.buffers] == [Window, Window, Window, PoolRing]
    weights = [t for t in graph.tensors if t.name.endswith("/weights")]
    # Two frames a step, the dense layer once.
    assert program.macs == sum(t.size * (1 if t.name.startswith("scores") else 2) for t in weights)


def test_lower_writes_new_rows_where_the_next_state_keeps_them(small):
    _, program, _ = build(small)
    writes = {call.name: call.writes for call in program.calls}
    assert writes["block1.pointwise"] == NewRows(1)
    assert writes["block2.add"] == NewRows(2)
    assert writes["pool.dense"] == Scores()


def test_lower_reshaped_state_becomes_a_dilated_depthwise(small):
    _, program, _ = build(small)
    call = next(call for call in program.calls if call.name == "block3.depthwise")
    assert (call.taps, call.tap_stride, call.frame_stride) == (5, 2 * 16, 16)


def test_lower_slice_and_strided_slice_give_the_same_program(tmp_path):
    one = build(matchbox(slice_kind="SLICE").write(tmp_path / "slice"))[1]
    two = build(matchbox(slice_kind="STRIDED_SLICE").write(tmp_path / "strided"))[1]
    assert [call.name for call in one.calls] == [call.name for call in two.calls]
    assert one.buffers == two.buffers


def test_lower_folds_the_input_zero_point_into_the_bias(small):
    graph, program, _ = build(small)
    call = next(call for call in program.calls if call.name == "block2.residual")
    op = call.op
    zero_point = graph.tensors[op.inputs[0]].zero_points[0]
    weights = graph.tensors[op.inputs[1]].data.reshape(16, -1).astype(int)
    table = call.requantization
    assert zero_point == -128
    assert (table.folded_bias == table.bias + 128 * weights.sum(axis=1)).all()


def test_lower_weight_of_minus_128_takes_the_general_rounding(tmp_path):
    builder = matchbox()
    index = next(i for i, t in enumerate(builder.tensors) if t.name == "block1/depthwise/weights")
    builder.tensors[index].data[0, 0, 0, 0] = -128
    _, program, _ = build(builder.write(tmp_path))
    assert not program.calls[1].requantization.fast and program.calls[2].requantization.fast


def test_lower_cmsis_uses_cmsis_nn_where_it_has_a_kernel(small):
    _, program, _ = build(small, Options(kernels=Kernels.CMSIS))
    theirs = {cmsis_nn.CmsisConvolve, cmsis_nn.CmsisDepthwise, cmsis_nn.CmsisFullyConnected}
    assert {type(call) for call in program.calls} == {Copy, Add, AveragePool, *theirs}


def test_lower_planes_takes_own_kernels_but_for_multiplied_channels_and_skipped_columns(tmp_path):
    _, program, _ = build(borders().write(tmp_path / "borders"))
    assert Counter(call.kernel for call in program.calls) == {"conv_2d": 5, "depthwise_2d": 5, "pointwise": 1}
    _, program, _ = build(planes().write(tmp_path / "planes"))
    theirs = [call.geometry for call in program.calls if call.header == "engine/aot/cmsis_nn.h"]
    assert [(g.depth_multiplier, g.dilation_w) for g in theirs] == [(1, 2), (2, 1)]


@pytest.mark.parametrize("options", [Options(kernels=Kernels.CMSIS), Options(without=frozenset({"fold_offsets"}))])
def test_lower_planes_without_own_kernels_or_folded_offsets_uses_cmsis_nn(options, tmp_path):
    _, program, _ = build(borders().write(tmp_path), options)
    kernels = {type(call) for call in program.calls if call.weights is not None}
    assert kernels == {cmsis_nn.CmsisConvolve, cmsis_nn.CmsisDepthwise, cmsis_nn.CmsisFullyConnected}


def module_after(builder, folder, *passes):
    """The module of a builder's model behind some passes alone."""
    bundle = builder.write(folder)
    graph = read(bundle.model)
    module = Module.of(graph, Ends.of(bundle, graph), Options())
    for a_pass in passes:
        module = a_pass.run(module)
    return module


def kinds_of(module):
    return [op.kind for op in module.graph.ops]


def start(frames=2, features=6):
    builder = GraphBuilder(1)
    return builder, builder.input("features", (1, frames, 1, features), 1 / STEPS_PER_STD)


def test_drop_noops_drops_what_gives_what_it_takes(tmp_path):
    builder, x = start()
    shape = builder.tensors[x].shape
    x = builder.reshape("same", x, shape)
    x = builder.moved("PAD", "nothing", [x, builder.constant("widths", [[0, 0]] * 4)], shape, x)
    bounds = [builder.constant("begin", [0, 0, 0, 0]), builder.constant("size", [-1, 2, -1, 6])]
    x = builder.moved("SLICE", "whole", [x, *bounds], shape, x)
    x = builder.pool("MAX_POOL_2D", "each", x, (1, 1), (1, 1), "VALID")
    flat = builder.reshape("flat", x, (1, 12))
    builder.scores(builder.dense("scores", flat, 3))
    module = module_after(builder, tmp_path, DROP_NOOPS)
    assert kinds_of(module) == ["RESHAPE", "FULLY_CONNECTED"]
    assert module.graph.ops[0].inputs[0] == module.features


def test_drop_noops_keeps_what_changes_something(tmp_path):
    builder, x = start()
    x = builder.function("QUANTIZE", "other_scale", x)
    bounds = [builder.constant("begin", [0, 1, 0, 0]), builder.constant("size", [1, 1, 1, 6])]
    x = builder.moved("SLICE", "half", [x, *bounds], (1, 1, 1, 6), x)
    builder.scores(builder.reshape("scores", x, (1, 6)))
    assert kinds_of(module_after(builder, tmp_path, DROP_NOOPS)) == ["QUANTIZE", "SLICE", "RESHAPE"]


@pytest.mark.parametrize(("scale", "left"), [(1.0, ["CONV_2D", "RESHAPE"]), (0.5, ["CONV_2D", "RELU", "RESHAPE"])])
def test_fuse_activations_lets_the_layer_clamp_in_its_own_range(scale, left, tmp_path):
    builder, x = start()
    y = builder.conv("conv", x, 4)
    shape, old, zero_point = builder.like(y)
    y = builder.op("RELU", [y], builder.tensor("relu", shape, scale * old, zero_point))
    builder.scores(builder.reshape("scores", y, (1, 8)))
    module = module_after(builder, tmp_path, FUSE_ACTIVATIONS)
    assert kinds_of(module) == left
    assert module.graph.ops[0].options["activation"] == ("RELU" if scale == 1 else "NONE")


def test_fuse_activations_leaves_a_layer_that_somebody_else_reads(tmp_path):
    builder, x = start()
    y = builder.conv("conv", x, 4)
    z = builder.op("RELU", [y], builder.tensor("relu", *builder.like(y)))
    builder.scores(builder.reshape("scores", builder.add("sum", y, z, "NONE"), (1, 8)))
    assert kinds_of(module_after(builder, tmp_path, FUSE_ACTIVATIONS)) == ["CONV_2D", "RELU", "ADD", "RESHAPE"]


def test_alias_views_finds_slices_of_one_piece(tmp_path):
    builder, x = start(frames=5)
    rows = [builder.constant("begin", [0, 2, 0, 0]), builder.constant("size", [1, 3, 1, 6])]
    y = builder.moved("SLICE", "rows", [x, *rows], (1, 3, 1, 6), x)
    columns = [builder.constant("first", [0, 0, 0, 1]), builder.constant("count", [1, 3, 1, 2])]
    z = builder.moved("SLICE", "columns", [y, *columns], (1, 3, 1, 2), x)
    builder.scores(builder.reshape("scores", z, (1, 6)))
    module = module_after(builder, tmp_path, ALIAS_VIEWS)
    assert module.views[y] == View(x, 12) and z not in module.views
    assert module.root(y) == (x, 12)


def test_write_in_place_joins_what_lies_in_one_piece(tmp_path):
    builder, x = start(frames=1)
    parts = [builder.conv(name, x, 3) for name in ("left", "right")]
    _, scale, zero_point = builder.like(parts[0])
    builder.tensors[parts[1]] = dataclasses.replace(
        builder.tensors[parts[1]], scales=(scale,), zero_points=(zero_point,)
    )
    both = builder.moved("CONCATENATION", "both", parts, (1, 1, 1, 6), parts[0], axis=3, activation="NONE")
    builder.scores(builder.dense("scores", builder.reshape("flat", both, (1, 6)), 2))
    bundle = builder.write(tmp_path)
    _, program, _ = build(bundle)
    assert [(call.name, call.kernel) for call in program.calls] == [
        ("input.pointwise", "pointwise"),
        ("input.pointwise2", "pointwise"),
        ("input.dense", "pointwise"),
    ]
    assert [call.writes for call in program.calls[:2]] == [ScratchValue(0), Part(ScratchValue(0), 3)]
    _, program, _ = build(bundle, Options(without=frozenset(["write_in_place"])))
    assert [call.kernel for call in program.calls].count("move") == 2


def test_compile_without_an_unknown_or_required_pass_is_refused(small):
    for name in ("no_such_pass", "lower_graph"):
        with pytest.raises(KwsError, match=f"there is no pass '{name}' to leave out. Choose from: drop_noops"):
            build(small, Options(without=frozenset([name])))


def test_dump_writes_each_pass_and_what_it_changed(small, tmp_path):
    build(small, None, Dump(tmp_path / "ir"))
    names = sorted(path.name for path in (tmp_path / "ir").iterdir())
    assert names[0] == "00-read.txt" and len(names) == 1 + 2 * len(PASSES)
    found = (tmp_path / "ir" / "03-slide_windows.diff").read_text()
    assert "+state 1 block2: " in found and "slides: 6 rows and 2 new ones of 16" in found
    assert (tmp_path / "ir" / "01-drop_noops.diff").read_text() == ""
    last = (tmp_path / "ir" / f"{len(PASSES)}-share_scratch.txt").read_text()
    assert "call 12 pool.dense: scores = pointwise(" in last


def check_plan(program):
    result = overlapped(program)
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


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class AnyCall(KernelCall):
    work: int

    @property
    def scratch_bytes(self):
        return self.work


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_plan_of_any_program_never_overlaps_live_blocks(data):
    count = data.draw(st.integers(1, 12))
    calls = []
    for index in range(count):
        sources = data.draw(st.lists(st.integers(0, index - 1), max_size=3)) if index else []
        reads = tuple(ScratchValue(source) for source in sources)
        work = data.draw(st.sampled_from([0, 0, 4, 100, 512]))
        calls.append(AnyCall(name=f"call{index}", op=None, reads=reads, writes=ScratchValue(index), work=work))
    sizes = tuple(data.draw(st.integers(1, 600)) for _ in range(count))
    check_plan(Program(tuple(calls), (), sizes))
