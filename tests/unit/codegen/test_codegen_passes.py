"""From graph to program: states become windows and rings, reshapes vanish, memory is planned without overlap."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kws_codegen.buffers import PoolRing, Window
from kws_codegen.generator import build
from kws_codegen.ir import Module
from kws_codegen.kernels import cmsis_nn
from kws_codegen.kernels.add import Add
from kws_codegen.kernels.average_pool import AverageOfRing, AveragePool
from kws_codegen.kernels.call import KernelCall
from kws_codegen.kernels.copy import Copy
from kws_codegen.kernels.depthwise import Depthwise
from kws_codegen.kernels.pointwise import Pointwise
from kws_codegen.options import Kernels, Options
from kws_codegen.passes.slide_windows import SLIDE_WINDOWS
from kws_codegen.places import NewRows, Scores, ScratchValue
from kws_codegen.plan import overlapped
from kws_codegen.program import Program
from kws_reference.tflite.reader import read

from tests.support.models import matchbox


@pytest.fixture
def small(tmp_path):
    return matchbox().write(tmp_path)


def test_slide_windows_finds_every_state_with_its_rows(small):
    module = SLIDE_WINDOWS.run(Module.of(small, read(small.model), Options()))
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
